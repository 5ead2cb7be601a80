// Topology of the golden cases:
//
//   fra1 (link 0, also 203.0.113.7) --- internet --- berlin (link 1)
//                                          |
//                                        paris (link 2)
#include "lab/faults.h"

#include <cstdlib>
#include <fstream>
#include <limits>
#include <sstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/paths.h"

namespace radial::lab {
namespace {

using testing::HasSubstr;
using testing::Not;

LabPlan three_links() {
  LabPlan plan;
  plan.lab = "try";
  for (const auto* name : {"fra1", "berlin", "paris"}) {
    LabNode node;
    node.name = name;
    node.link = name;
    node.index = static_cast<std::uint32_t>(plan.nodes.size());
    plan.nodes.push_back(node);
  }
  plan.nodes[0].extra_addresses.push_back(IpAddress::parse("203.0.113.7").value());
  return plan;
}

// All texts of one set of faults, as the internet gets them.
std::string everything(const LabPlan& plan, const FaultMap& faults) {
  std::string text = "# nft\n" + fault_rules(plan, faults) + "# ip -4\n" + fault_routes(plan, faults, Family::v4) +
                     "# ip -6\n" + fault_routes(plan, faults, Family::v6) + "# tc\n";
  for (const auto& node : plan.nodes) {
    const auto found = faults.find(node.name);
    text += fault_queue(node.link, found == faults.end() ? LinkFaults{} : found->second);
  }
  return text;
}

// RADIAL_UPDATE_GOLDEN=1 writes the files anew.
void expect_golden(const std::string& name, const std::string& text) {
  const auto path = test::source_dir() + "/tests/lab/golden/" + name + ".txt";
  if (std::getenv("RADIAL_UPDATE_GOLDEN") != nullptr) std::ofstream(path) << text;
  std::ifstream file(path);
  std::ostringstream golden;
  golden << file.rdbuf();
  EXPECT_EQ(text, golden.str()) << path;
}

TEST(Faults, AHealthyLabsInternetJustForwards) { expect_golden("healthy", everything(three_links(), {})); }

TEST(Faults, CutLossyAndSlowLinks) {
  FaultMap faults;
  faults["fra1"].rate = 10'000'000;
  faults["berlin"].cut = true;
  faults["paris"].loss = 2.5;
  expect_golden("cut_lossy_slow", everything(three_links(), faults));
}

TEST(Faults, ANarrowLinkThatSaysNothing) {
  FaultMap faults;
  faults["berlin"].mtu = 1400;
  expect_golden("narrow_silent", everything(three_links(), faults));
}

TEST(Faults, ANarrowLinkThatAnswersAndALinkWithoutCarrier) {
  FaultMap faults;
  faults["berlin"].mtu = 1400;
  faults["berlin"].mtu_icmp = true;
  faults["paris"].carrier = false;
  expect_golden("narrow_answering_no_carrier", everything(three_links(), faults));
}

TEST(Faults, BetweenTwoNarrowLinksTheNarrowerCounts) {
  FaultMap faults;
  faults["berlin"].mtu = 1400;
  faults["paris"].mtu = 1300;
  const auto routes = fault_routes(three_links(), faults, Family::v4);
  EXPECT_THAT(routes, HasSubstr("route replace 198.18.0.10/32 dev paris table 10001 mtu 1300\n"));
  EXPECT_THAT(routes, HasSubstr("route replace 198.18.0.6/32 dev berlin table 10002 mtu 1300\n"));
  EXPECT_THAT(routes, HasSubstr("route replace 198.18.0.2/32 dev fra1 table 10001 mtu 1400\n"));
}

TEST(Faults, APortForwardingIsPartOfTheInternet) {
  auto plan = three_links();
  plan.nodes[0].forwarded_ports[443] = 51820;
  const auto rules = fault_rules(plan, {});
  EXPECT_THAT(rules, HasSubstr("ip daddr 198.18.0.2 udp dport 443 dnat ip to 198.18.0.2:51820"));
  EXPECT_THAT(rules, HasSubstr("ip daddr 203.0.113.7 udp dport 443 dnat ip to 203.0.113.7:51820"));
  EXPECT_THAT(rules, HasSubstr("ip6 daddr 2001:db8::2 udp dport 443 dnat ip6 to [2001:db8::2]:51820"));
  EXPECT_THAT(fault_rules(three_links(), {}), Not(HasSubstr("dnat")));
}

TEST(Faults, TheLeastLossIsNotNone) {
  FaultMap faults;
  faults["paris"].loss = 0.0001;
  EXPECT_THAT(fault_rules(three_links(), faults), HasSubstr("mod 10000 < 1 drop"));
}

TEST(Faults, WhatCannotBeIsRefused) {
  EXPECT_TRUE(check({.loss = 100}));
  EXPECT_FALSE(check({.loss = 100.5}));
  EXPECT_FALSE(check({.loss = -1}));
  EXPECT_FALSE(check({.loss = std::numeric_limits<double>::quiet_NaN()}));
  EXPECT_FALSE(check({.rate = 100}));
  EXPECT_FALSE(check({.mtu = 500}));
  EXPECT_FALSE(check({.mtu = 1501}));
  EXPECT_TRUE(check({.mtu = 1280}));
}

TEST(Faults, Rates) {
  EXPECT_EQ(parse_rate("64000").value(), 64000U);
  EXPECT_EQ(parse_rate("512kbit").value(), 512'000U);
  EXPECT_EQ(parse_rate("10mbit").value(), 10'000'000U);
  EXPECT_EQ(parse_rate("1gbit").value(), 1'000'000'000U);
  for (const auto* bad : {"", "fast", "10 mbit", "-1mbit", "10mbits", "99999999999gbit", "1.5mbit"})
    EXPECT_FALSE(parse_rate(bad)) << bad;
}

TEST(Faults, AreSaidInOneLine) {
  EXPECT_EQ(to_string(LinkFaults{}), "healthy");
  EXPECT_EQ(to_string(LinkFaults{.cut = true, .carrier = false, .rate = 512'000, .loss = 2.5, .mtu = 1400}),
            "no carrier, cut, rate 512 kbit/s, loss 2.5%, mtu 1400 (silent)");
  EXPECT_EQ(to_string(LinkFaults{.mtu = 1400, .mtu_icmp = true}), "mtu 1400 (answered by ICMP)");
}

}  // namespace
}  // namespace radial::lab
