// Fabrics of both families, under BGP and under OSPF, on FRR 8.4, 10.3 and mixed:
//
//   192.168.1.0/24, fd00:1::/64 -- fra1 (hub, one wg0)
//                                    | internet
//          +------------------+------+-----------+--------------------+
//        berlin             paris              rome (trust: static)
//   192.168.20.0/24    192.168.30.0/24     192.168.70.0/24
//   fd00:20::/64       fd00:30::/64        fd00:70::/64
//                      grant 10.30.0.0/16
//
// A lab a suite; every test leaves the fabric healthy.
#include <nlohmann/json.hpp>

#include "base/file.h"
#include "base/key.h"
#include "fabric/facts.h"
#include "support/frr_release.h"
#include "support/live_lab.h"
#include "support/steady_pings.h"

namespace radial::test {
namespace {

using Json = nlohmann::json;

std::string fabric_text(const std::string& engine, const std::string& more_sites = "") {
  return "fabric: acme\nrouting: " + engine + R"(
hubs:
  fra1: { endpoint: vpn.example.com:51820, lans: [192.168.1.0/24, "fd00:1::/64"] }
sites:
  berlin: { lans: [192.168.20.0/24, "fd00:20::/64"] }
  paris:  { lans: [192.168.30.0/24, "fd00:30::/64"], grant: [10.30.0.0/16] }
  rome:   { lans: [192.168.70.0/24, "fd00:70::/64"], trust: static }
)" + more_sites;
}

struct Setup {
  std::string title;
  std::string engine;
  std::string hub;    // FRR of the hub: empty is this machine's
  std::string sites;
};
void PrintTo(const Setup& setup, std::ostream* out) { *out << setup.title; }

constexpr const char* foreign_frr = R"(frr defaults traditional
service integrated-vtysh-config
!
ip prefix-list OPERATOR seq 5 permit 203.0.113.0/24
!
ip route 203.0.113.0/24 blackhole
!
interface lan0
 description office
exit
!
route-map OPERATOR permit 10
 match ip address prefix-list OPERATOR
exit
!
)";

Status bring_foreign_lines(const lab::Lab& lab, const std::string& node) {
  RADIAL_ASSIGN(const auto frr_conf, lab.path_in(node, "/etc/frr/frr.conf"));
  return write_file_atomically(frr_conf, foreign_frr, 0644);
}

class TwoFamilies : public testing::TestWithParam<Setup> {
 protected:
  void SetUp() override {
    const auto& setup = GetParam();
    if (const auto missing = frr_missing({setup.hub, setup.sites}); !missing.empty()) GTEST_SKIP() << missing;
    if (!lab_ || title_ != setup.title) {
      lab_.reset();
      title_ = setup.title;
      lab::LabOptions options;
      options.name = "two" + setup.title;
      options.frr = setup.sites;
      options.frr_of["fra1"] = setup.hub;
      options.prepare = bring_foreign_lines;
      // On radial-wire a hub on 8.4 has OSPFv3: here it is BGP's turn.
      ::setenv("RADIAL_WIREGUARD", setup.title == "ospf84" ? "wireguard-go" : "radial-wire", 1);
      lab_ = std::make_unique<LiveLab>(fabric_text(setup.engine), std::move(options));
    }
    ASSERT_TRUE(lab_->ready());
    ASSERT_TRUE(lab_->converge(60s));
  }
  static void TearDownTestSuite() { lab_.reset(); }

  LiveLab& lab() { return *lab_; }
  bool bgp() const { return GetParam().engine == "bgp"; }

  void expect_foreign_unharmed(const std::string& node) {
    const auto running = lab().vtysh(node, "show running-config");
    for (const auto* line : {"ip prefix-list OPERATOR seq 5 permit 203.0.113.0/24", "ip route 203.0.113.0/24 blackhole",
                             " description office", "route-map OPERATOR permit 10"})
      EXPECT_NE(running.find(line), std::string::npos) << node << " lost '" << line << "'\n" << running;
  }
  void expect_back(const char* what, std::chrono::seconds limit = 60s) {
    const auto took = wait_until(limit, [&] { return lab().healthy() && lab().pings(); });
    EXPECT_TRUE(took) << "not back within " << limit.count() << " s: " << what << "\n"
                      << cli::fabric_status_text("", cli::lab_status(*lab()), true);
    if (took) std::printf("  %s: back after %lld ms\n", what, static_cast<long long>(took->count()));
  }
  // Whether `node` has a route of `prefix` in its FIB.
  bool routes(const std::string& node, const std::string& prefix) {
    return lab().run(node, {"ip", prefix.find(':') == std::string::npos ? "-4" : "-6", "route", "show", prefix}).find("dev wg0") !=
           std::string::npos;
  }

  static inline std::unique_ptr<LiveLab> lab_;
  static inline std::string title_;
};

TEST_P(TwoFamilies, EveryLanReachesEveryLanInBothFamilies) {
  const auto matrix = lab()->ping_matrix();
  ASSERT_TRUE(matrix);
  EXPECT_TRUE(matrix->ok());
  EXPECT_EQ(matrix->results.size(), 24U) << "four nodes, every ordered pair, two families";
  for (const auto* node : {"fra1", "berlin", "paris", "rome"}) expect_foreign_unharmed(node);
}

TEST_P(TwoFamilies, ASecondApplyChangesNothing) {
  for (const auto* node : {"fra1", "berlin", "rome"}) {
    const auto answer = lab().post(node, "/v1/apply");
    ASSERT_TRUE(answer) << answer.error().message;
    const auto json = Json::parse(*answer);
    EXPECT_TRUE(json["changes"].empty()) << node << ": " << *answer;
    EXPECT_TRUE(json["problems"].empty()) << node << ": " << *answer;
  }
}

TEST_P(TwoFamilies, ASiteAddedAndRemovedAtTheHubResetsNoOtherAndLosesNoPacket) {
  const auto file = lab()->path_in("fra1", "/etc/radial/facts.json").value();
  const auto facts_before = read_file(file).value();
  auto facts = FabricFacts::from_json(facts_before).value();
  facts.nodes["madrid"].public_key = PrivateKey::generate().public_key();
  ASSERT_TRUE(write_file_atomically(file, facts.to_json()));
  const auto before = lab().status("fra1").value();
  const auto expect_none_reset = [&](const observe::Snapshot& after, const char* when) {
    for (const auto& was : before.adjacencies)
      for (const auto& is : after.adjacencies)
        if (is.node == was.node && is.protocol == was.protocol) {
          EXPECT_TRUE(is.serves()) << when << " " << is.node << " " << is.protocol;
          EXPECT_GE(is.up_ms, was.up_ms) << when << ": the " << is.protocol << " adjacency with " << is.node << " was reset";
        }
  };
  SteadyPings pings(*lab(), {{"berlin.lan0", "192.168.30.2"}, {"paris.lan1", "fd00:20::2"}, {"berlin.lan0", "192.168.70.2"}}, 8s);
  const auto grown = fabric_text(GetParam().engine, "  madrid: { lans: [192.168.50.0/24, \"fd00:50::/64\"] }\n");
  const auto answer = lab().post("fra1", "/v1/apply", Json{{"fabric", grown}}.dump());
  ASSERT_TRUE(answer) << answer.error().message;
  EXPECT_TRUE(Json::parse(*answer)["problems"].empty()) << *answer;
  expect_none_reset(lab().status("fra1").value(), "added");
  ASSERT_TRUE(write_file_atomically(file, facts_before));
  const auto back = lab().post("fra1", "/v1/apply", Json{{"fabric", fabric_text(GetParam().engine)}}.dump());
  ASSERT_TRUE(back) << back.error().message;
  EXPECT_TRUE(Json::parse(*back)["problems"].empty()) << *back;
  expect_none_reset(lab().status("fra1").value(), "removed");
  EXPECT_EQ(pings.lost(), 0);
  EXPECT_EQ(lab().vtysh("fra1", "show running-config").find("madrid"), std::string::npos);
}

TEST_P(TwoFamilies, StatusKnowsEverySessionAndMissesNoneWithAStaticSite) {
  const auto hub = lab().status("fra1").value();
  std::map<std::string, int> by_protocol;
  for (const auto& adjacency : hub.adjacencies) {
    EXPECT_TRUE(adjacency.serves()) << adjacency.node;
    EXPECT_NE(adjacency.node, "rome");
    ++by_protocol[adjacency.protocol];
  }
  std::map<std::string, int> expected;
  if (bgp()) expected = {{"bgp", 2}};
  else if (hub.frr_version.starts_with("8.")) expected = {{"bgp", 2}, {"ospf", 2}};
  else expected = {{"ospf", 2}, {"ospf6", 2}};
  EXPECT_EQ(by_protocol, expected);
  EXPECT_TRUE(lab().status("rome").value().adjacencies.empty());
  EXPECT_TRUE(lab().status("rome").value().healthy());
}

TEST_P(TwoFamilies, TheStaticSiteIsNotHeardAndTheHubsOwnStaticsStayAtHome) {
  // The operator's static of the hub never enters routing.
  EXPECT_EQ(lab().run("berlin", {"ip", "route", "show", "203.0.113.0/24"}).find("dev wg0"), std::string::npos);
  // A site that speaks nevertheless: its packets reach the hub and are dropped there.
  const auto count = [&] {
    return lab().sh("fra1", "nft list chain inet radial not_routing | wc -l");
  };
  EXPECT_NE(count(), "0\n");
  EXPECT_FALSE(wait_until(2s, [&] {
    const auto refused = lab()->run("rome", {"sh", "-c", "timeout 1 bash -c 'echo > /dev/tcp/10.255.0.1/179'"});
    return refused && refused->ok();
  })) << "the hub's BGP answers a site that takes no part in routing";
}

// bgpd listens everywhere; the world does not reach it, but for a neighbour that the operator has there.
TEST_P(TwoFamilies, OnlyWiresAndTheOperatorsOwnNeighborsReachBgpd) {
  if (lab().pids("fra1", "bgpd").empty()) GTEST_SKIP() << "no bgpd here";
  const auto* fra1 = lab()->plan().find("fra1");
  const auto knock = [&](const std::string& place, const std::string& address) {
    const auto opened = lab()->run(place, {"bash", "-c", "timeout 1 bash -c 'echo > /dev/tcp/" + address + "/179'"});
    return opened && opened->ok();
  };
  EXPECT_FALSE(knock("internet", fra1->uplink_v4().to_string()));
  EXPECT_FALSE(knock("internet", fra1->uplink_v6().to_string()));
  EXPECT_FALSE(knock("fra1.lan0", "192.168.1.1"));
  EXPECT_TRUE(knock("berlin", "10.255.0.1"));
  EXPECT_TRUE(knock("fra1", "127.0.0.1"));
  if (!bgp()) return;
  const auto router = fmt::format("router bgp {}", Json::parse(lab().vtysh("fra1", "show bgp summary json"))["ipv4Unicast"]["as"].get<std::int64_t>());
  const auto caller = fra1->internet_v4().to_string();
  lab().configure("fra1", {router, "neighbor " + caller + " remote-as 64999"});
  EXPECT_TRUE(wait_until(30s, [&] { return knock("internet", fra1->uplink_v4().to_string()); })) << lab().sh("fra1", "nft list chain inet radial bgp");
  EXPECT_FALSE(knock("fra1.lan0", "192.168.1.1"));
  lab().configure("fra1", {router, "no neighbor " + caller + " remote-as 64999"});
  EXPECT_TRUE(wait_until(30s, [&] { return !knock("internet", fra1->uplink_v4().to_string()); }));
}

TEST_P(TwoFamilies, ALanWhoseInterfaceIsDownIsWithdrawn) {
  lab().sh("paris", "ip link set lan0 down");
  EXPECT_TRUE(wait_until(20s, [&] { return !routes("berlin", "192.168.30.0/24"); }));
  lab().sh("paris", "ip link set lan0 up");
  expect_back("a LAN interface down and up");
}

TEST_P(TwoFamilies, IPv6ComesBackAfterTheWireWentDownAndUp) {
  lab().sh("fra1", "ip link set wg0 down; sleep 0.2; ip link set wg0 up");
  expect_back("fra1");
  lab().sh("berlin", "ip link set wg0 down; sleep 0.2; ip link set wg0 up");
  const bool quick_ospf = !bgp() && !GetParam().hub.empty();
  if (!quick_ospf) return expect_back("berlin");
  // FRR 8.4's zebra takes an external OSPF route (rome's LAN) for installed that
  // the kernel dropped with the link, when ospfd is back before it withdrew
  // that (docs/routing.md): what is not rome's comes back by itself.
  EXPECT_TRUE(wait_until(60s, [&] {
    return lab().pings("berlin.lan1", "fd00:1::2") && lab().pings("berlin.lan1", "fd00:30::2") &&
           lab().pings("berlin.lan1", "fd00:70::2") && lab().pings("berlin.lan0", "192.168.30.2");
  }));
  lab().sh("berlin", "vtysh -c 'clear ip ospf process'");
  expect_back("berlin, its ospfd cleared");
}

TEST_P(TwoFamilies, TheHubsDaemonsKilledComeBack) {
  for (const auto* daemon : {"ospfd", "ospf6d", "bgpd"}) {
    const auto before = lab().pids("fra1", daemon);
    if (before.empty()) continue;
    lab().sh("fra1", std::string("kill -9 $(pidof ") + daemon + ")");
    ASSERT_TRUE(wait_until(30s, [&] {
      const auto now = lab().pids("fra1", daemon);
      return !now.empty() && now != before;
    })) << daemon;
    expect_back(daemon, 90s);
  }
  expect_foreign_unharmed("fra1");
}

TEST_P(TwoFamilies, ASessionBeyondItsLimitIsNamedWithItsGrant) {
  if (!bgp()) GTEST_SKIP() << "a limit of BGP's";
  // 300 host routes within paris' grant, which allows some 260 prefixes.
  const std::string routes = "{ echo configure terminal; for i in $(seq 300); do "
                             "echo \"$no ip route 10.30.$((i / 200)).$((i % 200))/32 blackhole\"; done; } | vtysh > /dev/null; ";
  lab().sh("paris", routes +
                    "vtysh -c 'configure terminal' -c 'router bgp 65000' -c 'address-family ipv4 unicast' -c 'redistribute static'");
  std::string told;
  EXPECT_TRUE(wait_until(30s, [&] {
    const auto hub = lab().status("fra1").value();
    for (const auto& finding : hub.findings)
      if (finding.subject == "BGP session paris" && finding.what.find("more prefixes") != std::string::npos) {
        told = finding.cause;
        return true;
      }
    return false;
  })) << cli::status_text(lab().status("fra1").value());
  EXPECT_NE(told.find("10.30.0.0/16"), std::string::npos) << told;
  EXPECT_TRUE(lab().pings("berlin.lan0", "192.168.1.2")) << "the others do not notice";
  lab().sh("paris", "vtysh -c 'configure terminal' -c 'router bgp 65000' -c 'address-family ipv4 unicast' -c 'no redistribute static'; "
                    "no=no; " + routes);
  lab().sh("fra1", "vtysh -c 'clear bgp *'");
  expect_back("a flood that ended");
}

TEST_P(TwoFamilies, AGrantThatIsTakenBackTakesTheRouteBack) {
  if (!bgp()) GTEST_SKIP() << "BGP's filters";
  // A subnet that berlin announces before anybody granted it.
  lab().sh("berlin", "ip link add new0 type bridge && ip address add 10.99.1.1/24 dev new0 && ip link set new0 up && "
                     "vtysh -c 'configure terminal' -c 'router bgp 65000' -c 'address-family ipv4 unicast' -c 'network 10.99.1.0/24'");
  auto granted = fabric_text("bgp");
  const std::string lans = "berlin: { lans: [192.168.20.0/24, \"fd00:20::/64\"]";
  granted.replace(granted.find(lans), lans.size(), lans + ", grant: [10.99.0.0/16]");
  EXPECT_FALSE(wait_until(3s, [&] { return routes("paris", "10.99.1.0/24"); })) << "not granted";
  for (const auto* node : {"fra1", "paris"}) ASSERT_TRUE(lab().post(node, "/v1/apply", Json{{"fabric", granted}}.dump()));
  EXPECT_TRUE(wait_until(20s, [&] { return routes("paris", "10.99.1.0/24"); }));
  const auto before = lab().status("fra1").value();
  ASSERT_TRUE(lab().post("fra1", "/v1/apply", Json{{"fabric", fabric_text("bgp")}}.dump()));
  EXPECT_TRUE(wait_until(20s, [&] { return !routes("paris", "10.99.1.0/24"); })) << lab().vtysh("fra1", "show bgp ipv4");
  const auto after = lab().status("fra1").value();
  for (const auto& is : after.adjacencies)
    for (const auto& was : before.adjacencies)
      if (is.node == was.node) { EXPECT_GE(is.up_ms, was.up_ms) << is.node << " was reset"; }
  ASSERT_TRUE(lab().post("paris", "/v1/apply", Json{{"fabric", fabric_text("bgp")}}.dump()));
  lab().sh("berlin", "vtysh -c 'configure terminal' -c 'router bgp 65000' -c 'address-family ipv4 unicast' -c 'no network 10.99.1.0/24'; "
                     "ip link delete new0");
}

TEST_P(TwoFamilies, AnotherAsOfTheOperatorsIsOneConflict) {
  if (!bgp()) GTEST_SKIP() << "BGP's";
  ASSERT_TRUE(lab().post("berlin", "/v1/down"));
  lab().sh("berlin", "vtysh -c 'configure terminal' -c 'router bgp 64999' -c 'neighbor 203.0.113.9 remote-as 64998'");
  const auto answer = lab().post("berlin", "/v1/up");
  ASSERT_TRUE(answer) << answer.error().message;
  const auto problems = Json::parse(*answer)["problems"];
  ASSERT_EQ(problems.size(), 1U) << *answer;
  EXPECT_NE(problems[0].get<std::string>().find("router bgp 64999"), std::string::npos) << *answer;
  EXPECT_NE(lab().vtysh("berlin", "show running-config").find("neighbor 203.0.113.9 remote-as 64998"), std::string::npos);
  lab().sh("berlin", "vtysh -c 'configure terminal' -c 'no router bgp 64999'");
  expect_back("the operator's router gone");
}

// zebra has one filter a protocol. Where the operator has theirs, it stays, and is named.
TEST_P(TwoFamilies, TheFilterSlotOfTheOperatorsOwnRouteMapIsLeftToThem) {
  const std::string protocol = bgp() ? "bgp" : "ospf";
  const auto theirs = "ip protocol " + protocol + " route-map OPERATOR";
  const auto ours = "ip protocol " + protocol + " route-map radial-" + protocol;
  const auto running = [&] { return lab().vtysh("berlin", "show running-config"); };
  ASSERT_TRUE(lab().post("berlin", "/v1/down"));
  // Theirs lets nothing of the fabric in.
  lab().sh("berlin", "vtysh -c 'configure terminal' -c '" + theirs + "'");
  const auto answer = lab().post("berlin", "/v1/up");
  ASSERT_TRUE(answer) << answer.error().message;
  const auto problems = Json::parse(*answer)["problems"];
  ASSERT_EQ(problems.size(), 1U) << *answer;
  const auto said = problems[0].get<std::string>();
  EXPECT_NE(said.find("'" + theirs + "' is not Radial's and excludes '" + ours + "'"), std::string::npos) << said;
  EXPECT_NE(running().find(theirs), std::string::npos);
  EXPECT_EQ(running().find(ours), std::string::npos);
  EXPECT_TRUE(wait_until(20s, [&] {
    const auto status = lab().status("berlin");
    return status && std::any_of(status->findings.begin(), status->findings.end(),
                                 [&](const auto& one) { return one.what.find(theirs) != std::string::npos; });
  }));
  EXPECT_FALSE(routes("berlin", "192.168.30.0/24")) << "what they refuse is not let in";
  // It does not wait to be told when the slot is free.
  lab().sh("berlin", "vtysh -c 'configure terminal' -c 'no " + theirs + "'");
  EXPECT_TRUE(wait_until(30s, [&] { return running().find(ours) != std::string::npos; })) << running();
  expect_back("the slot given back");
  expect_foreign_unharmed("berlin");
}

TEST_P(TwoFamilies, DownRemovesAllThatIsOursAndUpBringsItBack) {
  for (const auto* node : {"berlin", "rome", "fra1"}) {
    const auto answer = lab().post(node, "/v1/down");
    ASSERT_TRUE(answer) << answer.error().message;
    EXPECT_TRUE(Json::parse(*answer)["problems"].empty()) << node << ": " << *answer;
    const auto running = lab().vtysh(node, "show running-config");
    for (const auto* trace : {"radial", "router bgp", "router ospf", "ip ospf", "ipv6 ospf6", "wg0"})
      EXPECT_EQ(running.find(trace), std::string::npos) << node << ": " << trace << "\n" << running;
    expect_foreign_unharmed(node);
    ASSERT_TRUE(lab().post(node, "/v1/up"));
    expect_back(node, 90s);
  }
}

// Two hubs, a site wired to both and one wired to the second alone:
//
//   fra1 (cost 10) --- nyc1 (cost 100)
//          |            |        |
//          +-- berlin --+      boston
TEST(TwoHubsByBgp, SitesGoByTheCheaperHubAndFailOver) {
  lab::LabOptions options;
  options.name = "bgphubs";
  LiveLab lab(R"(
fabric: acme
routing: { engine: bgp, bfd: true }
hubs:
  fra1: { endpoint: fra.example.com, lans: [192.168.1.0/24, "fd00:1::/64"], cost: 10 }
  nyc1: { endpoint: nyc.example.com, lans: [192.168.2.0/24, "fd00:2::/64"], cost: 100 }
sites:
  berlin: { lans: [192.168.20.0/24, "fd00:20::/64"] }
  boston: { lans: [192.168.30.0/24, "fd00:30::/64"], hubs: [nyc1] }
)", std::move(options));
  ASSERT_TRUE(lab.ready());
  lab.expect_pings("in a fabric at rest");
  // A LAN behind the second hub goes by the first, which is cheaper ...
  const auto wire_of = [&](const std::string& prefix) {
    const auto family = prefix.find(':') == std::string::npos ? "-4" : "-6";
    const auto route = lab.run("berlin", {"ip", family, "route", "show", prefix});
    return route.find("dev wg1") != std::string::npos ? "wg1" : route.find("dev wg0") != std::string::npos ? "wg0" : "none";
  };
  for (const auto* prefix : {"192.168.30.0/24", "fd00:30::/64", "192.168.1.0/24"}) 
    EXPECT_TRUE(wait_until(20s, [&] { return wire_of(prefix) == std::string("wg0"); })) << prefix;
  EXPECT_TRUE(wait_until(20s, [&] {
    const auto peers = lab.vtysh("berlin", "show bfd peers brief");
    return peers.find("10.255.0.1 ") != std::string::npos && peers.find(" down") == std::string::npos;
  })) << lab.vtysh("berlin", "show bfd peers brief");
  // ... until it is cut off.
  ASSERT_TRUE(lab->cut("fra1"));
  const auto over = wait_until(30s, [&] {
    return lab.pings("berlin.lan0", "192.168.30.2") && lab.pings("berlin.lan1", "fd00:30::2");
  });
  EXPECT_TRUE(over);
  if (over) std::printf("  failed over after %lld ms\n", static_cast<long long>(over->count()));
  ASSERT_TRUE(lab->heal("fra1"));
  EXPECT_TRUE(lab.converge(60s));
  EXPECT_TRUE(wait_until(20s, [&] { return wire_of("192.168.30.0/24") == std::string("wg0"); }));
}

std::string title_of(const testing::TestParamInfo<Setup>& info) { return info.param.title; }
INSTANTIATE_TEST_SUITE_P(BgpFrr84, TwoFamilies, testing::Values(Setup{"bgp84", "bgp", "8.4", "8.4"}), title_of);
INSTANTIATE_TEST_SUITE_P(BgpFrr103, TwoFamilies, testing::Values(Setup{"bgp103", "bgp", "10.3", "10.3"}), title_of);
INSTANTIATE_TEST_SUITE_P(OspfFrr84, TwoFamilies, testing::Values(Setup{"ospf84", "ospf", "8.4", "8.4"}), title_of);
INSTANTIATE_TEST_SUITE_P(OspfHub103, TwoFamilies, testing::Values(Setup{"ospf103", "ospf", "10.3", "8.4"}), title_of);

}  // namespace
}  // namespace radial::test
