// The filter's lists as the agent binds them, and how little a new site moves.
#include "compile/fib_filter.h"

#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "compile/compile.h"
#include "fabric/address_plan.h"
#include "fabric/parse.h"

namespace radial {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

IpAddress address(const char* text) { return IpAddress::parse(text).value(); }
LocalAddress local(const char* interface, const char* text) { return {interface, InterfaceAddress::parse(text).value()}; }

NodeConfig compiled(const std::string& yaml, const char* node, FabricFacts facts = {}) {
  const auto parsed = parse_fabric(yaml);
  if (!std::holds_alternative<Fabric>(parsed)) throw std::runtime_error("bad fabric");
  const auto& fabric = std::get<Fabric>(parsed);
  const auto key = [&](const std::string& name) { facts.nodes[name].public_key = PrivateKey::generate().public_key(); };
  for (const auto& hub : fabric.hubs) key(hub.name);
  for (const auto& site : fabric.sites) key(site.name);
  facts.addresses = plan_addresses(fabric, facts.addresses).value();
  return compile_node(fabric, facts, node).value();
}

constexpr const char* two_sites = R"(
fabric: acme
hubs:
  fra1: { endpoint: 203.0.113.1:51820, lans: [192.168.1.0/24] }
sites:
  berlin: { lans: [192.168.20.0/24] }
  paris:  { lans: [192.168.30.0/24], grant: [10.30.0.0/16] }
)";

std::set<std::string> filter_lines(const NodeConfig& config) {
  std::set<std::string> lines;
  for (const auto& stanza : fib_filter(config)) {
    lines.insert(stanza.context);
    for (const auto& line : stanza.lines) lines.insert(stanza.context + ": " + line);
  }
  return lines;
}

TEST(FibFilter, NeverTheUnderlayNorWhatIsWithinItsOwnLan) {
  const auto config = compiled(two_sites, "berlin");
  Underlay underlay;
  underlay.addresses = {local("lo", "127.0.0.1/8"),       local("eth0", "198.51.100.7/24"),
                        local("eth1", "192.168.20.1/24"), local("wg0", "10.255.0.198/24"),
                        local("eth1", "fe80::1/64"),      local("eth2", "10.9.9.9/32")};
  underlay.gateways = {address("198.51.100.1")};
  underlay.endpoints = {address("203.0.113.1"), address("2001:db8::1")};
  const auto stanzas = bind_fib_filter(config, underlay);
  ASSERT_EQ(stanzas.size(), 1U);
  EXPECT_EQ(stanzas[0].daemon, "zebra");
  EXPECT_THAT(stanzas[0].lines, ElementsAre("ip prefix-list radial-never seq 168364297 permit 10.9.9.9/32",
                                            "ip prefix-list radial-never seq 3232240640 permit 192.168.20.0/24 ge 25",
                                            "ip prefix-list radial-never seq 3325256704 permit 198.51.100.0/24 le 32",
                                            "ip prefix-list radial-never seq 3325256705 permit 198.51.100.1/32",
                                            "ip prefix-list radial-never seq 3405803777 permit 203.0.113.1/32"));
}

TEST(FibFilter, ASiteThatComesTouchesItsOwnLinesOnlyWithWiresForEachToo) {
  std::string dedicated = two_sites;
  dedicated.replace(dedicated.find("endpoint:"), 9, "wire: dedicated, endpoint:");
  const auto grown = dedicated + "  madrid: { lans: [192.168.50.0/24, 192.168.51.0/24] }\n";
  const auto before = filter_lines(compiled(dedicated, "fra1"));
  const auto after = filter_lines(compiled(grown, "fra1"));
  std::vector<std::string> lost;
  std::set_difference(before.begin(), before.end(), after.begin(), after.end(), std::back_inserter(lost));
  EXPECT_THAT(lost, IsEmpty());
  EXPECT_GT(after.size(), before.size());
}

TEST(FibFilter, ASiteThatComesTouchesItsOwnLinesOnly) {
  const auto grown = std::string(two_sites) + "  madrid: { lans: [192.168.50.0/24, 192.168.51.0/24] }\n";
  for (const auto* node : {"fra1", "berlin"}) {
    const auto before = filter_lines(compiled(two_sites, node));
    const auto after = filter_lines(compiled(grown, node));
    std::vector<std::string> lost;
    std::set_difference(before.begin(), before.end(), after.begin(), after.end(), std::back_inserter(lost));
    EXPECT_THAT(lost, IsEmpty()) << node;
    EXPECT_LE(after.size() - before.size(), 8U) << node;
  }
}

// vienna and oslo are ams1's alone, berlin and hamburg of both; hamburg shares oslo's wider grant.
TEST(FibFilter, WhatIsBehindOneHubAloneNeverComesFromAnother) {
  const auto config = compiled(R"(
fabric: acme
hubs:
  fra1: { endpoint: 203.0.113.1:51820, lans: [192.168.1.0/24], tunnel: 10.255.0.0/24 }
  ams1: { endpoint: 203.0.113.2:51820, lans: [192.168.2.0/24], tunnel: 10.255.1.0/24 }
sites:
  berlin:  { lans: [192.168.20.0/24] }
  vienna:  { lans: [192.168.60.0/24], grant: [10.60.0.0/16], hubs: [ams1] }
  oslo:    { lans: [192.168.61.0/24], grant: [10.70.0.0/16], hubs: [ams1] }
  hamburg: { lans: [192.168.62.0/24], grant: [10.70.8.0/24] }
)", "ams1");
  std::vector<std::string> home;
  bool refused = false;
  bool passed = false;
  for (const auto& stanza : config.frr) {
    if (stanza.daemon != "zebra") continue;
    for (const auto& line : stanza.lines)
      if (const auto at = line.find(" permit "); line.starts_with("ip prefix-list radial-home ")) home.push_back(line.substr(at + 8));
    const auto has = [&](const char* line) { return std::find(stanza.lines.begin(), stanza.lines.end(), line) != stanza.lines.end(); };
    const bool from_fra = has("match interface wgh0");
    const bool by_home = has("match ip address prefix-list radial-home");
    if (by_home) {
      EXPECT_TRUE(from_fra) << stanza.context;
      EXPECT_THAT(stanza.context, testing::HasSubstr(" deny "));
      EXPECT_FALSE(passed) << "before what it permits";
      refused = true;
    } else if (stanza.context.find(" permit ") != std::string::npos && from_fra) {
      passed = true;
    }
  }
  EXPECT_TRUE(refused);
  EXPECT_THAT(home, testing::UnorderedElementsAre("10.255.1.0/24 le 32", "10.60.0.0/16 le 32", "192.168.60.0/24 le 32",
                                                  "192.168.60.0/24 ge 25", "192.168.61.0/24 le 32", "192.168.61.0/24 ge 25",
                                                  "192.168.20.0/24 ge 25", "192.168.62.0/24 ge 25"));
}

TEST(FibFilter, NoRouteOfADaemonThatDoesNotRun) {
  auto config = compiled(two_sites, "fra1");
  config.frr.clear();
  EXPECT_THAT(fib_filter(config), IsEmpty());
  EXPECT_THAT(bind_fib_filter(config, {}), IsEmpty());
}

}  // namespace
}  // namespace radial
