// A hostile site with `trust: static` takes no part in routing, whatever it
// sends: no honest ping is lost, and the hub has never heard of it. The
// topology is attack_lab.h's.
#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

#include "net/attack/attack_lab.h"
#include "support/paths.h"

namespace radial::test {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

std::string with_static_mallory() {
  std::string text = attack_fabric6;
  const std::string lans = R"(lans: [192.168.66.0/24, "fd00:66::/64"])";
  return text.replace(text.find(lans), lans.size(), lans + ", trust: static");
}

class StaticSiteOn : public HostileSite {
 protected:
  std::string lab_name() const override { return "static"; }
  std::string fabric() const override { return with_static_mallory(); }
  std::set<std::string> more_daemons() const override { return bgp() ? std::set<std::string>{"bgpd"} : std::set<std::string>{"ospfd", "ospf6d"}; }
  void turn_hostile() override {
    lab().kill_radiald("mallory");
    if (bgp()) speak_bgp();
    else speak_ospf();
  }

  // What a site with routing would say: berlin's own lines, under mallory's router-id.
  void speak_ospf() {
    std::istringstream running(lab().vtysh("berlin", "show running-config"));
    std::vector<std::string> lines;
    bool within = false;
    for (std::string line; std::getline(running, line);) {
      if (!line.starts_with(" ")) within = line == "interface wg0" || line == "router ospf" || line == "router ospf6";
      if (within && (!line.starts_with(" ") || line.find("router-id") == std::string::npos)) lines.push_back(line);
      if (line == "router ospf") lines.push_back("ospf router-id " + mallory().tunnel_address());
      if (line == "router ospf6") lines.push_back("ospf6 router-id " + mallory().tunnel_address());
    }
    mallory().configure(lines);
  }
  void speak_bgp() {
    mallory().configure({"router bgp 65000", "no bgp default ipv4-unicast",
                         "neighbor 10.255.0.1 remote-as 65000", "neighbor 10.255.0.1 timers connect 1",
                         "neighbor fd00:255::1 remote-as 65000", "neighbor fd00:255::1 timers connect 1",
                         "address-family ipv4 unicast", "neighbor 10.255.0.1 activate", "exit-address-family",
                         "address-family ipv6 unicast", "neighbor fd00:255::1 activate"});
  }

  // Counts what arrives at the hub from mallory, before any rule of Radial's.
  void count_arrivals(bool v6 = false) {
    auto source = "ip saddr " + mallory().tunnel_address();
    if (v6) source = "ip6 saddr " + mallory().address6(bgp() ? "global" : "link");
    const auto what = bgp() ? "tcp dport 179" : "meta l4proto 89";
    lab().sh("fra1", fmt::format("nft 'add table inet probe; flush table inet probe; add chain inet probe seen {{ type filter hook prerouting priority -400; }}; "
                                 "add rule inet probe seen iifname \"wg*\" {} {} counter'", source, what));
  }
  int arrived() {
    const auto text = lab().sh("fra1", "nft list table inet probe | sed -n 's/.*counter packets \\([0-9]*\\).*/\\1/p'");
    return text.empty() ? 0 : std::stoi(text);
  }

  void expect_never_heard() {
    const auto me = mallory().tunnel_address();
    if (bgp()) {
      EXPECT_THAT(lab().vtysh("fra1", "show bgp summary"), AllOf(Not(HasSubstr(me)), Not(HasSubstr(mallory().address6("global")))));
    } else {
      EXPECT_THAT(lab().vtysh("fra1", "show ip ospf neighbor"), Not(HasSubstr(me)));
      EXPECT_THAT(lab().vtysh("fra1", "show ip ospf database router"), Not(HasSubstr("Advertising Router: " + me)));
      EXPECT_THAT(lab().vtysh("fra1", "show ipv6 ospf6 neighbor"), Not(HasSubstr(me)));
      EXPECT_THAT(lab().vtysh("fra1", "show ipv6 ospf6 database router detail"), Not(HasSubstr("Advertising Router: " + me)));
    }
    const auto hub = lab().status("fra1");
    ASSERT_TRUE(hub);
    EXPECT_TRUE(hub->healthy()) << cli::status_text(*hub);
  }
};

TEST_P(StaticSiteOn, WhateverItAnnouncesIsNotHeard) {
  count_arrivals();
  mallory().make_flood();
  HonestPings pings(*lab(), 8s);
  mallory().announce("192.168.20.200/24", 10);
  mallory().announce("192.168.30.200/24", 1);
  mallory().announce("192.168.20.1/25", 1);
  mallory().announce("192.168.1.200/24", 1);
  mallory().announce_default();
  mallory().announce_external({mallory().endpoint_of("fra1") + "/32", "10.255.0.0/25", "10.255.0.0/24"});
  mallory().flood(true);
  EXPECT_TRUE(wait_until(20s, [&] { return arrived() >= 5; })) << "nothing arrived: this test shows nothing";
  EXPECT_EQ(pings.lost(), 0);
  expect_never_heard();
  const std::vector<std::string> lies{"192.168.20.0/25", "10.255.0.0/25", "100.64."};
  for (const auto* node : {"fra1", "berlin", "paris"}) {
    const auto routes = lab().sh(node, "ip route show");
    for (const auto& lie : lies) EXPECT_THAT(routes, Not(HasSubstr(lie))) << node;
    EXPECT_THAT(lab().sh(node, "ip route get 9.9.9.9"), HasSubstr("dev uplink")) << node;
  }
  mallory().flood(false);
  mallory().stop();
  // Its declared LAN is announced for it all the while.
  EXPECT_TRUE(wait_until(20s, [&] { return lab().pings("berlin.lan0", "192.168.66.2"); }));
}

TEST_P(StaticSiteOn, WhateverItAnnouncesOverIpv6IsNotHeard) {
  count_arrivals(true);
  const std::vector<std::string> lies{"fd00:20::/65", "fd00:30::2/128", "fd00:1::/65", "8000::/1", "fd00:255::/65"};
  HonestPings6 pings(*lab(), 8s);
  if (!bgp()) mallory().announce_by_ospf6({"fd00:20::200/64", "fd00:1::200/64"}, 1);
  mallory().announce_ipv6(lies);
  EXPECT_TRUE(wait_until(20s, [&] { return arrived() >= 5; })) << "nothing arrived: this test shows nothing";
  EXPECT_EQ(pings.lost(), 0);
  expect_never_heard();
  for (const auto* node : {"fra1", "berlin", "paris"}) {
    const auto routes = lab().sh(node, "ip -6 route show");
    for (const auto& lie : lies) EXPECT_THAT(routes, Not(HasSubstr(lie + " "))) << node;
  }
  mallory().stop();
  EXPECT_TRUE(wait_until(20s, [&] { return lab().pings("berlin.lan1", "fd00:66::2"); }));
}

TEST_P(StaticSiteOn, AFloodOfForgedUpdatesIsNotHeard) {
  if (bgp()) GTEST_SKIP() << "forges OSPF";
  count_arrivals();
  const auto me = mallory().tunnel_address();
  const auto berlin = lab().tunnel_address("berlin");
  HonestPings pings(*lab(), 5s);
  // As itself in berlin's name; and from berlin's address, which WireGuard drops, or nftables where the wire is its own.
  mallory().sh(fmt::format("ip address add {}/32 dev wg0", berlin));
  for (const auto& source : {me, berlin})
    mallory().sh(fmt::format("{0}/tests/forger wg0 {1} 10.255.0.1 {1} router {2} {2} 80000100 3000@1 stub:192.168.99.0:255.255.255.0 >/dev/null 2>&1 &",
                             binary_dir(), source, berlin));
  EXPECT_TRUE(wait_until(20s, [&] { return arrived() >= 1000; })) << arrived();
  EXPECT_EQ(pings.lost(), 0);
  mallory().sh(fmt::format("ip address del {}/32 dev wg0", berlin));
  expect_never_heard();
  EXPECT_THAT(lab().vtysh("fra1", "show ip ospf database router"), Not(HasSubstr("192.168.99.0")));
}

TEST_P(StaticSiteOn, AnothersSourceAddressIsDropped) {
  mallory().sh("ip address add 192.168.20.2/32 dev lo");
  const auto spoofed = lab()->run("mallory", {"ping", "-c", "5", "-i", "0.2", "-W", "1", "-I", "192.168.20.2", "192.168.30.2"});
  ASSERT_TRUE(spoofed);
  EXPECT_THAT(spoofed->out, HasSubstr(" 0 received"));
  EXPECT_TRUE(lab().pings("mallory.lan0", "192.168.30.2"));
  mallory().sh("ip address del 192.168.20.2/32 dev lo");
  expect_spoofing_over_ipv6_fails(lab(), mallory());
}

INSTANTIATE_TEST_SUITE_P(Frr84, StaticSiteOn, testing::Values(Ground{"ospf84", "8.4", false}), title_of);
INSTANTIATE_TEST_SUITE_P(Frr84Bgp, StaticSiteOn, testing::Values(Ground{"bgp84", "8.4", true}), title_of);
INSTANTIATE_TEST_SUITE_P(Frr103, StaticSiteOn, testing::Values(Ground{"ospf103", "10.3", false}), title_of);
INSTANTIATE_TEST_SUITE_P(Frr103Bgp, StaticSiteOn, testing::Values(Ground{"bgp103", "10.3", true}), title_of);
INSTANTIATE_TEST_SUITE_P(Dedicated, StaticSiteOn, testing::Values(Ground{"dedospf84", "8.4", false, true}), title_of);
INSTANTIATE_TEST_SUITE_P(DedicatedBgp, StaticSiteOn, testing::Values(Ground{"dedbgp84", "8.4", true, true}), title_of);
INSTANTIATE_TEST_SUITE_P(DedicatedBgp103, StaticSiteOn, testing::Values(Ground{"dedbgp103", "10.3", true, true}), title_of);
INSTANTIATE_TEST_SUITE_P(Dedicated103, StaticSiteOn, testing::Values(Ground{"dedospf103", "10.3", false, true}), title_of);

}  // namespace
}  // namespace radial::test
