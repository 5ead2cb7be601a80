// What a hostile site announces by configuring its own FRR is contained: no
// honest ping is lost, and no honest node's FIB has it; its hub names it.
#include <fmt/format.h>
#include <gmock/gmock.h>

#include "net/attack/attack_lab.h"
#include "observe/route_table.h"

namespace radial::test {
namespace {

using testing::HasSubstr;
using testing::Not;

class AnnounceOn : public HostileSite {
 protected:
  std::string lab_name() const override { return "atk"; }
  std::string fabric() const override { return dedicated() ? attack_fabric6 : attack_fabric; }

  std::string hub_endpoint() { return mallory().endpoint_of("fra1"); }
  bool hub_heard(const std::string& prefix) { return mallory().heard("fra1", prefix); }
  std::string route_get(const std::string& node, const std::string& address) {
    return lab().sh(node, "ip route get " + address);
  }

  // As `ip route get` has it at the hub.
  std::string way_to_mallory() {
    if (!dedicated()) return "via " + mallory().tunnel_address();
    const auto key = mallory().sh("wg show wg0 public-key").substr(0, 44);
    const auto wire = lab().sh("fra1", "wg show all peers | awk '$2 == \"" + key + "\" { print $1 }'");
    return "dev " + wire.substr(0, wire.find('\n'));
  }

  // What the hub says of mallory's announcements; empty: nothing.
  std::string finding() {
    const auto status = lab().status("fra1");
    if (!status) return status.error().message;
    for (const auto& one : status->findings)
      if (one.subject == "site mallory") return fmt::format("{}; {}", one.what, one.cause);
    return {};
  }
  bool refused_in_routes(const std::string& network) {
    const auto socket = lab()->path_in("fra1", "/run/radial/radiald.sock");
    const auto body = socket ? cli::api_body(*socket, "GET", "/v1/routes") : Result<std::string>(Unexpected(socket.error()));
    const auto table = body ? observe::route_table_from_json(*body) : Result<observe::RouteTable>(Unexpected(body.error()));
    return table && std::any_of(table->rows.begin(), table->rows.end(), [&](const observe::RouteRow& row) {
      return row.prefix.to_string().starts_with(network) && row.refused == std::vector<std::string>{"mallory"} &&
             std::count(row.announced_by.begin(), row.announced_by.end(), "mallory") == 1;
    });
  }
  // The site, the prefix, since when, and the grant that does not cover it; and in `radial routes`.
  void expect_named(const std::string& network) {
    if (network.starts_with("10.255.0.")) return;  // `radial routes` leaves tunnels out
    EXPECT_TRUE(wait_until(20s, [&] {
      const auto said = finding();
      return said.find(network) != std::string::npos && said.find(", refused here and ") != std::string::npos &&
             said.find(" since 20") != std::string::npos && said.find("its grant is 192.168.66.0/24") != std::string::npos &&
             refused_in_routes(network);
    })) << network << " is not named: " << finding();
  }
  // Resident memory of the hub's radiald.
  long radiald_kb() {
    return std::stol(lab().sh("fra1", "sed -n 's/VmRSS:[^0-9]*\\([0-9]*\\).*/\\1/p' /proc/$(pidof radiald)/status"));
  }
  void expect_nobody_named() { EXPECT_TRUE(wait_until(20s, [&] { return finding().empty(); })) << finding(); }

  // Attacks during a run of pings; then all that mallory did goes again.
  void expect_contained(const std::function<void()>& attack, const std::vector<std::string>& heard,
                        const std::function<void()>& look = [] {}) {
    HonestPings pings(*lab(), 5s);
    attack();
    for (const auto& prefix : heard) EXPECT_TRUE(hub_heard(prefix)) << prefix << " never arrived: this test shows nothing";
    EXPECT_THAT(route_get("fra1", "192.168.20.2"), Not(HasSubstr(way_to_mallory()))) << "the hub sends berlin's traffic to mallory";
    EXPECT_EQ(pings.lost(), 0);
    if (HasFailure())
      for (const auto* node : {"fra1", "berlin", "paris"}) std::printf("--- %s\n%s", node, lab().vtysh(node, "show ip route").c_str());
    for (const auto& prefix : heard) expect_named(prefix);
    look();
    HonestPings after(*lab(), 2s);
    mallory().stop();
    EXPECT_EQ(after.lost(), 0) << "while it was withdrawn";
    expect_nobody_named();
  }
  void expect_contained(const std::vector<std::pair<std::string, int>>& announcements, const std::vector<std::string>& heard) {
    expect_contained([&] { for (const auto& [address, cost] : announcements) mallory().announce(address, cost); }, heard);
  }
};

TEST_P(AnnounceOn, AnothersLanCheaperAndAtEqualCost) {
  expect_contained({{"192.168.20.200/24", 10}}, {"192.168.20.0"});
  expect_contained({{"192.168.20.200/24", 1}}, {"192.168.20.0"});
}

TEST_P(AnnounceOn, AMoreSpecificOfAnothersLan) {
  expect_contained({{"192.168.20.1/25", 1}, {"192.168.30.3/30", 1}, {"192.168.20.2/32", 1}}, {"192.168.20.0/25"});
  for (const auto* node : {"fra1", "paris"})
    EXPECT_THAT(lab().sh(node, "ip route show"), Not(HasSubstr("192.168.20.0/25"))) << node;
}

TEST_P(AnnounceOn, ADefaultRouteWholeAndInHalves) {
  HonestPings pings(*lab(), 5s);
  const auto before = route_get("berlin", "9.9.9.9");
  mallory().announce_default();
  mallory().announce("1.2.3.4/1", 1);
  mallory().announce("129.2.3.4/1", 1);
  EXPECT_TRUE(hub_heard("0.0.0.0/1"));
  EXPECT_EQ(pings.lost(), 0);
  for (const auto* node : {"fra1", "berlin", "paris"}) {
    EXPECT_THAT(route_get(node, "9.9.9.9"), HasSubstr("dev uplink")) << node;
    EXPECT_THAT(lab().sh(node, "ip route show"), Not(HasSubstr("0.0.0.0/1"))) << node;
  }
  mallory().stop();
}

TEST_P(AnnounceOn, TheHubsLan) {
  expect_contained({{"192.168.1.200/24", 1}, {"192.168.1.2/32", 1}, {"192.168.1.1/25", 1}}, {"192.168.1.0/25"});
}

TEST_P(AnnounceOn, TheHubsEndpointAndTheTunnel) {
  const auto endpoint = hub_endpoint();
  expect_contained([&] { mallory().announce_external({endpoint + "/32", "198.18.0.0/16", "10.255.0.0/25", "10.255.0.1/32", "10.255.0.0/24"}); },
                   {endpoint, "10.255.0.0/25"},
                   [&] {
                     for (const auto* node : {"berlin", "paris"})
                       EXPECT_THAT(route_get(node, endpoint), HasSubstr("dev uplink")) << node;
                     for (const auto* node : {"fra1", "berlin", "paris"})
                       EXPECT_THAT(lab().sh(node, "ip route show"), Not(HasSubstr("10.255.0.0/25"))) << node;
                   });
}

TEST_P(AnnounceOn, AnothersSourceAddressIsDropped) {
  lab().sh("mallory", "ip address add 192.168.20.2/32 dev lo");
  const auto spoofed = lab()->run("mallory", {"ping", "-c", "5", "-i", "0.2", "-W", "1", "-I", "192.168.20.2", "192.168.30.2"});
  ASSERT_TRUE(spoofed);
  EXPECT_THAT(spoofed->out, HasSubstr(" 0 received"));
  // From its own address it gets through: what was dropped was the source.
  EXPECT_TRUE(lab().pings("mallory.lan0", "192.168.30.2"));
  // radial-wire tells the hub's agent, and `radial status` whoever asks.
  if (!dedicated() && GetParam().wireguard.empty()) {
    EXPECT_TRUE(wait_until(15s, [&] {
      const auto hub = lab().status("fra1");
      return hub && cli::status_text(*hub).find("mallory: 5 packets dropped from addresses that are not its own") != std::string::npos;
    })) << cli::status_text(lab().status("fra1").value());
  }
  lab().sh("mallory", "ip address del 192.168.20.2/32 dev lo");
}

// IPv6, where the fabric here has it (ospf6_announce_test.cpp has the rest).
TEST_P(AnnounceOn, OverIpv6TheSame) {
  if (!dedicated()) GTEST_SKIP() << "this fabric has no IPv6";
  const auto endpoint = lab()->plan().find("fra1")->uplink_v6().to_string();
  const std::vector<std::string> lies{"fd00:20::/64", "fd00:20::/65", "fd00:20::2/128", "fd00:1::/65", "fd00:1::2/128", "8000::/1",
                                      "fd00:255::/65", "fd00:255::1/128", endpoint + "/128", "2001:db8::/32"};
  HonestPings6 pings(*lab(), 5s);
  mallory().announce_ipv6(lies);
  for (const auto& lie : {std::string("fd00:20::/65"), endpoint, std::string("8000::/1")})
    EXPECT_TRUE(mallory().heard_ipv6("fra1", lie)) << lie << " never arrived: this test shows nothing";
  EXPECT_EQ(pings.lost(), 0);
  for (const auto* node : {"fra1", "berlin", "paris"}) {
    const auto routes = lab().sh(node, "ip -6 route show");
    for (const auto* lie : {"8000::/1", "fd00:255::/65", "2001:db8::/32"}) EXPECT_THAT(routes, Not(HasSubstr(std::string(lie) + " "))) << node;
  }
  // A site may take a part of another's LAN: to its hub, which that LAN leads to as well, and which has it not.
  for (const auto* lie : {"fd00:20::/65", "fd00:1::/65"}) EXPECT_THAT(lab().sh("fra1", "ip -6 route show"), Not(HasSubstr(lie)));
  EXPECT_THAT(lab().sh("fra1", "ip -6 route get fd00:20::2"), Not(HasSubstr(way_to_mallory())));
  if (bgp()) expect_named("fd00:1::/65");
  HonestPings6 after(*lab(), 2s);
  mallory().stop();
  EXPECT_EQ(after.lost(), 0) << "while it was withdrawn";
  if (bgp()) expect_nobody_named();
  expect_spoofing_over_ipv6_fails(lab(), mallory());
}

// What a neighbour's list lets through, as it would if somebody took the list away, stops before the FIB. The next hops of
// BGP are resolved by other routes here: IPv4 goes by the hop, IPv6 by the tag that bgpd sets.
TEST_P(AnnounceOn, TheFibHoldsWithoutTheListOfANeighbour) {
  if (!bgp() || !dedicated()) GTEST_SKIP() << "elsewhere the wire tells, in the same way under both engines";
  const auto me = mallory().tunnel_address();
  const auto in_bgp = [&](const char* family, const char* prefix) {
    return lab().vtysh("fra1", fmt::format("show bgp {} unicast {}", family, prefix)).find("from " + me) != std::string::npos;
  };
  lab().kill_radiald("fra1");
  std::string command = "vtysh -c 'configure terminal' -c 'router bgp 65000'";
  for (const auto* family : {"ipv4", "ipv6"})
    command += fmt::format(" -c 'address-family {} unicast' -c 'no neighbor {} prefix-list radial-in-mallory in' -c exit", family, me);
  lab().sh("fra1", command);
  const auto gateway = lab().sh("fra1", "ip -6 route show default | sed -n 's/.*via \\([^ ]*\\).*/\\1/p'");
  const auto router = gateway.substr(0, gateway.find('\n')) + "/128";
  HonestPings pings(*lab(), 5s);
  mallory().announce_by_bgp({"10.99.0.0/16", "192.168.66.128/25"});
  mallory().configure({"router bgp 65000", "address-family ipv6 unicast", "network fd99::/64", "network fd00:66:0:0:8000::/65", "network " + router});
  EXPECT_TRUE(wait_until(20s, [&] { return in_bgp("ipv4", "10.99.0.0/16") && in_bgp("ipv6", "fd99::/64") && in_bgp("ipv6", router.c_str()); }));
  const auto routes = [&] { return lab().sh("fra1", "ip route; ip -6 route"); };
  EXPECT_TRUE(wait_until(20s, [&] { return routes().find("192.168.66.128/25") != std::string::npos && routes().find("fd00:66:0:0:8000::/65") != std::string::npos; }))
      << "what is granted passes\n" << routes();
  for (const auto* lie : {"10.99.0.0/16", "fd99::/64"}) EXPECT_THAT(routes(), Not(HasSubstr(lie)));
  EXPECT_THAT(lab().sh("fra1", "ip -6 route get " + router.substr(0, router.size() - 4)), HasSubstr("dev uplink"));
  EXPECT_EQ(pings.lost(), 0);
  ASSERT_TRUE(lab().start_radiald("fra1"));
  EXPECT_TRUE(wait_until(30s, [&] { return !in_bgp("ipv4", "10.99.0.0/16") && !in_bgp("ipv6", "fd99::/64"); })) << "radiald puts the list back";
  mallory().configure({"router bgp 65000", "address-family ipv6 unicast", "no network fd99::/64", "no network fd00:66:0:0:8000::/65", "no network " + router});
  mallory().stop();
  expect_nobody_named();
}

// What OSPF can only answer by cutting the site off (forge_test.cpp).
TEST_P(AnnounceOn, AFloodOfTenThousandPrefixesByBgp) {
  if (!bgp()) GTEST_SKIP() << "under OSPF a flood is found, not contained";
  mallory().make_flood();
  const auto before = radiald_kb();
  HonestPings pings(*lab(), 10s);
  mallory().flood(true);
  EXPECT_TRUE(hub_heard("100.64.39.15"));
  EXPECT_EQ(pings.lost(), 0);
  for (const auto* node : {"fra1", "berlin"}) EXPECT_THAT(lab().sh(node, "ip route show"), Not(HasSubstr("100.64."))) << node;
  EXPECT_TRUE(wait_until(20s, [&] { return finding().find("100.64.0.0/32") != std::string::npos && finding().find("and 995 more at least") != std::string::npos; }))
      << finding();
  const auto grown = radiald_kb() - before;
#if !defined(__SANITIZE_ADDRESS__)  // which keeps freed memory for a while
  EXPECT_LT(grown, 8 << 10) << "kB: what an agent keeps of a flood is bounded";
#endif
  std::printf("radiald at the hub grew by %ld kB\n", grown);
  mallory().flood(false);
  expect_nobody_named();
}

// radiald is killed and started again while a site announces what it may not: the session stays, and the hub names it anew.
TEST_P(AnnounceOn, WhatWasAnnouncedBeforeRadialdIsNamedByItAllTheSame) {
  mallory().announce("192.168.20.200/24", 1);
  ASSERT_TRUE(hub_heard("192.168.20.0"));
  expect_named("192.168.20.0");
  HonestPings pings(*lab(), 3s);
  lab().kill_radiald("fra1");
  ASSERT_TRUE(lab().start_radiald("fra1"));
  EXPECT_EQ(pings.lost(), 0);
  expect_named("192.168.20.0");
  mallory().stop();
  expect_nobody_named();
}

INSTANTIATE_TEST_SUITE_P(Frr84, AnnounceOn, testing::Values(Ground{"ospf84", "8.4", false}), title_of);
INSTANTIATE_TEST_SUITE_P(Frr84Bgp, AnnounceOn, testing::Values(Ground{"bgp84", "8.4", true}), title_of);
INSTANTIATE_TEST_SUITE_P(Frr103, AnnounceOn, testing::Values(Ground{"ospf103", "10.3", false}), title_of);
INSTANTIATE_TEST_SUITE_P(Frr103Bgp, AnnounceOn, testing::Values(Ground{"bgp103", "10.3", true}), title_of);
// As on a Debian 12 hub whose kernel has WireGuard: no multicast, so NBMA.
INSTANTIATE_TEST_SUITE_P(Nbma, AnnounceOn, testing::Values(Ground{"nbma84", "8.4", false, false, "wireguard-go"}), title_of);
// A wire for each site: everything passes at the wire, and nftables filters by the same grants.
INSTANTIATE_TEST_SUITE_P(Dedicated, AnnounceOn, testing::Values(Ground{"dedospf84", "8.4", false, true}), title_of);
INSTANTIATE_TEST_SUITE_P(DedicatedBgp, AnnounceOn, testing::Values(Ground{"dedbgp84", "8.4", true, true}), title_of);
INSTANTIATE_TEST_SUITE_P(Dedicated103, AnnounceOn, testing::Values(Ground{"dedospf103", "10.3", false, true}), title_of);
INSTANTIATE_TEST_SUITE_P(DedicatedBgp103, AnnounceOn, testing::Values(Ground{"dedbgp103", "10.3", true, true}), title_of);

}  // namespace
}  // namespace radial::test
