// Steering, with real FRR and WireGuard: who gets a contested prefix on the
// hub's one wire follows the hub's FIB.
//
//   LAN 192.168.1.0/24 -- fra1 (hub, one wg0)
//                          | internet
//        +-----------------+------------------+
//      berlin            paris              lisbon
//      grants: 10.50.0.0/24 to berlin and to paris: an office with two routers
//              10.30.0.0/16 to paris, 10.30.7.0/24 in it to berlin as well
//
// The office's LAN is a bridge at a site that holds 10.50.0.1: what answers a
// ping is the site that cryptokey routing chose.
#include <algorithm>
#include <cstdlib>

#include <nlohmann/json.hpp>

#include "base/file.h"
#include "fabric/facts.h"
#include "support/frr_release.h"
#include "support/live_lab.h"

namespace radial::test {
namespace {

using Json = nlohmann::json;

// The fabric file as one site has it: with what it has grown.
std::string fabric(const std::string& berlin_lans = "", const std::string& paris_lans = "") {
  return "fabric: acme\n"
         "hubs:\n"
         "  fra1: { endpoint: vpn.example.com:51820, lans: [192.168.1.0/24] }\n"
         "sites:\n"
         "  berlin: { lans: [192.168.20.0/24" + berlin_lans + "], grant: [10.50.0.0/24, 10.30.7.0/24] }\n"
         "  paris:  { lans: [192.168.30.0/24" + paris_lans + "], grant: [10.50.0.0/24, 10.30.0.0/16] }\n"
         "  lisbon: { lans: [192.168.40.0/24] }\n";
}

class SteeringOn : public testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    const std::string frr = GetParam();
    if (const auto missing = frr_missing({frr}); !missing.empty()) GTEST_SKIP() << missing;
    if (!lab_ || frr_ != frr) {
      lab_.reset();
      frr_ = frr;
      lab::LabOptions options;
      options.name = "steer" + std::string(frr == "8.4" ? "84" : "103");
      options.frr = frr;
      lab_ = std::make_unique<LiveLab>(fabric(), std::move(options));
    }
    ASSERT_TRUE(lab_->ready());
    // Set where the answer is known: in the virtual machine, whose kernel has it.
    if (const char* expected = std::getenv("RADIAL_EXPECT_WIREGUARD")) { ASSERT_EQ(lab_->status("fra1").value().wireguard, expected); }
    for (const auto* site : {"berlin", "paris"})
      lab_->sh(site, "for i in office depot; do ip link show $i >/dev/null 2>&1 || ip link add $i type bridge; ip link set $i up; done;"
                     "ip address replace 10.50.0.1/24 dev office; ip address replace 10.30.7.1/24 dev depot");
  }
  static void TearDownTestSuite() { lab_.reset(); }

  static LiveLab& lab() { return *lab_; }

  static void apply(const std::string& node, const std::string& text) {
    const auto answer = lab().post(node, "/v1/apply", Json{{"fabric", text}}.dump());
    ASSERT_TRUE(answer) << node << ": " << answer.error().message;
  }
  // Both sites as the fabric started.
  static void withdraw_all() {
    apply("berlin", fabric());
    apply("paris", fabric());
  }

  // Which peer of the hub's wire has exactly this prefix.
  static std::string holder(const std::string& prefix) {
    const auto facts = FabricFacts::from_json(read_file(lab()->path_in("fra1", "/etc/radial/facts.json").value()).value()).value();
    const auto dump = lab()->run("fra1", {"wg", "show", "wg0", "allowed-ips"});
    if (!dump) return "unknown";
    std::istringstream lines(dump->out);
    for (std::string line; std::getline(lines, line);) {
      if ((line + " ").find("\t" + prefix + " ") == std::string::npos && (line + " ").find(" " + prefix + " ") == std::string::npos) continue;
      for (const auto& [node, fact] : facts.nodes)
        if (fact.public_key && line.starts_with(fact.public_key->to_string())) return node;
      return "a stranger";
    }
    return "nobody";
  }
  static void expect_held_by(const std::string& prefix, const std::string& node, std::chrono::seconds limit = 30s) {
    EXPECT_TRUE(wait_until(limit, [&] { return holder(prefix) == node; }))
        << prefix << " is at " << holder(prefix) << ", not at " << node << "\n"
        << lab().sh("fra1", "wg show wg0 allowed-ips; ip route");
  }
  static void expect_answer(const std::string& address, std::chrono::seconds limit = 30s) {
    EXPECT_TRUE(wait_until(limit, [&] { return lab().pings("lisbon.lan0", address) && lab().pings("fra1.lan0", address); }))
        << address << " does not answer\n" << lab().sh("fra1", "wg show wg0 allowed-ips; ip route");
  }
  static std::map<std::string, std::int64_t> adjacency_ages() {
    std::map<std::string, std::int64_t> ages;
    if (const auto status = lab().status("fra1"))
      for (const auto& one : status->adjacencies) ages[one.node] = one.state == "Full" ? one.up_ms : -1;
    return ages;
  }

  static inline std::unique_ptr<LiveLab> lab_;
  static inline std::string frr_;
};

TEST_P(SteeringOn, AnOfficeWithTwoRoutersFailsOverAndBack) {
  apply("berlin", fabric(", 10.50.0.0/24"));
  expect_held_by("10.50.0.0/24", "berlin");
  expect_answer("10.50.0.1");
  // A second router that is as good: what works stays where it is.
  apply("paris", fabric("", ", 10.50.0.0/24"));
  ASSERT_TRUE(wait_until(30s, [&] { return lab().sh("fra1", "ip route show 10.50.0.0/24").find("nexthop") != std::string::npos ||
                                           lab().vtysh("fra1", "show ip route 10.50.0.0/24").find("10.50") != std::string::npos; }));
  EXPECT_EQ(holder("10.50.0.0/24"), "berlin");
  // The first router loses the office; then it is cut off altogether.
  lab().sh("berlin", "ip link set office down");
  expect_held_by("10.50.0.0/24", "paris");
  expect_answer("10.50.0.1");
  lab().sh("berlin", "ip link set office up");
  expect_answer("10.50.0.1");
  EXPECT_EQ(holder("10.50.0.0/24"), "paris") << "equals do not flap";
  ASSERT_TRUE(lab()->cut("paris"));
  expect_held_by("10.50.0.0/24", "berlin", 60s);
  expect_answer("10.50.0.1");
  ASSERT_TRUE(lab()->heal("paris"));
  withdraw_all();
  EXPECT_TRUE(lab().converge(90s));
}

TEST_P(SteeringOn, AMoreSpecificMovesOutOfAWiderGrantAndBack) {
  expect_held_by("10.30.0.0/16", "paris");
  apply("berlin", fabric(", 10.30.7.0/24"));
  expect_held_by("10.30.7.0/24", "berlin");
  expect_answer("10.30.7.1");
  // The LAN moves from one site to the other: routers change, the hub's file does not.
  apply("berlin", fabric());
  apply("paris", fabric("", ", 10.30.7.0/24"));
  expect_held_by("10.30.7.0/24", "paris");
  expect_answer("10.30.7.1");
  EXPECT_EQ(holder("10.30.0.0/16"), "paris");
  withdraw_all();
}

TEST_P(SteeringOn, RadialRoutesShowsWhoAnnouncesIsGrantedServesAndGetsEachPrefix) {
  apply("berlin", fabric(", 10.50.0.0/24"));
  expect_held_by("10.50.0.0/24", "berlin");
  const auto row = [&](const std::string& prefix) {
    const auto socket = lab()->path_in("fra1", "/run/radial/radiald.sock").value();
    const auto body = cli::api_body(socket, "GET", "/v1/routes");
    if (!body) return Json();
    const auto json = Json::parse(*body);
    for (const auto& one : json["routes"])
      if (one["prefix"] == prefix) return one;
    return Json();
  };
  const Json office{{"prefix", "10.50.0.0/24"}, {"announced_by", {"berlin"}}, {"granted_to", {"berlin", "paris"}},
                    {"refused", Json::array()}, {"serving", {"berlin"}}, {"steered_to", "berlin"}};
  EXPECT_TRUE(wait_until(30s, [&] { return row("10.50.0.0/24") == office; })) << row("10.50.0.0/24");
  // What paris is not granted is announced, refused, and served by nobody.
  lab().sh("paris", "ip link add rogue type bridge; ip address add 10.66.0.1/24 dev rogue; ip link set rogue up;"
                    "vtysh -c 'configure terminal' -c 'interface rogue' -c 'ip ospf area 0.0.0.0'");
  EXPECT_TRUE(wait_until(30s, [&] { return row("10.66.0.0/24") == Json{{"prefix", "10.66.0.0/24"}, {"announced_by", {"paris"}}, {"granted_to", Json::array()},
                                                                    {"refused", {"paris"}}, {"serving", Json::array()}, {"steered_to", nullptr}}; }))
      << row("10.66.0.0/24");
  lab().sh("paris", "vtysh -c 'configure terminal' -c 'interface rogue' -c 'no ip ospf area 0.0.0.0'; ip link delete rogue");
  // zebra may not have heard yet that the interface is gone, and then refuses.
  EXPECT_TRUE(wait_until(20s, [&] {
    const auto removed = lab()->run("paris", {"vtysh", "-c", "configure terminal", "-c", "no interface rogue"});
    return removed && removed->ok();
  }));
  withdraw_all();
}

TEST_P(SteeringOn, ARouteThatNoGrantCoversIsNamedAndCarriesNothing) {
  const auto berlin = lab().status("fra1")->adjacencies.front().address.to_string();
  lab().sh("fra1", "ip route add 10.77.0.0/24 via " + berlin + " dev wg0");
  const auto named = [&] {
    const auto status = lab().status("fra1");
    if (!status) return false;
    return std::any_of(status->findings.begin(), status->findings.end(), [](const auto& finding) {
      return finding.subject == "prefix 10.77.0.0/24" && finding.cause.find("berlin announces 10.77.0.0/24, which its grant (") != std::string::npos;
    });
  };
  EXPECT_TRUE(wait_until(10s, named));
  EXPECT_EQ(holder("10.77.0.0/24"), "nobody");
  EXPECT_FALSE(lab().pings("fra1.lan0", "10.77.0.1"));
  lab().sh("fra1", "ip route del 10.77.0.0/24");
  EXPECT_TRUE(wait_until(10s, [&] { return !named(); }));
}

TEST_P(SteeringOn, ARestartedRadialdPutsRightWhatMovedAndTouchesNothingElse) {
  apply("berlin", fabric(", 10.50.0.0/24"));
  apply("paris", fabric("", ", 10.50.0.0/24"));
  expect_held_by("10.50.0.0/24", "berlin");
  const auto before = adjacency_ages();
  lab().kill_radiald("fra1");
  lab().sh("berlin", "ip link set office down");
  ASSERT_TRUE(wait_until(30s, [&] { return lab().sh("fra1", "ip route show 10.50.0.0/24").find("10.50.0.0/24") != std::string::npos &&
                                           lab().sh("berlin", "ip route show 10.50.0.0/24").find("via") != std::string::npos; }));
  // Nobody steers: the contested prefix waits, all else goes on.
  EXPECT_EQ(holder("10.50.0.0/24"), "berlin");
  lab().expect_pings("while radiald is away");
  ASSERT_TRUE(lab().start_radiald("fra1"));
  expect_held_by("10.50.0.0/24", "paris");
  expect_answer("10.50.0.1");
  for (const auto& [node, age] : adjacency_ages()) EXPECT_GE(age, before.at(node)) << "the adjacency with " << node << " was reset";
  // And a restart when all is right: not one allowed IP is set.
  const auto held = lab().sh("fra1", "wg show wg0 allowed-ips | sort");
  lab().kill_radiald("fra1");
  const auto log = lab()->log_of("fra1");
  const auto log_before = read_file(log).value().size();
  ASSERT_TRUE(lab().start_radiald("fra1"));
  ASSERT_TRUE(wait_until(20s, [&] { return lab().status("fra1").has_value(); }));
  EXPECT_EQ(lab().sh("fra1", "wg show wg0 allowed-ips | sort"), held);
  const auto said = read_file(log).value().substr(log_before);
  EXPECT_EQ(said.find("steered"), std::string::npos) << said;
  EXPECT_EQ(said.find("applied: "), std::string::npos) << said;
  lab().sh("berlin", "ip link set office up");
  withdraw_all();
}

TEST_P(SteeringOn, WhatSomebodyMovedByHandIsPutBack) {
  apply("berlin", fabric(", 10.50.0.0/24"));
  expect_held_by("10.50.0.0/24", "berlin");
  const auto lisbon = lab().sh("fra1", "wg show wg0 allowed-ips | grep 192.168.40.0 | cut -f1").substr(0, 44);
  lab().sh("fra1", "wg set wg0 peer " + lisbon + " allowed-ips 192.168.40.0/24,10.50.0.0/24,10.30.0.0/16");
  expect_held_by("10.50.0.0/24", "berlin");
  expect_held_by("10.30.0.0/16", "paris");
  expect_answer("10.50.0.1");
  EXPECT_TRUE(lab().converge(60s));  // lisbon has its tunnel address again, too
  withdraw_all();
}

TEST_P(SteeringOn, AWireMadeAnewIsSteeredAsBefore) {
  apply("paris", fabric("", ", 10.50.0.0/24"));
  expect_held_by("10.50.0.0/24", "paris");
  lab().sh("fra1", "ip link delete wg0");
  ASSERT_TRUE(wait_until(30s, [&] { return lab()->run("fra1", {"wg", "show", "wg0"})->ok(); }));
  expect_held_by("10.50.0.0/24", "paris", 60s);
  expect_answer("10.50.0.1", 60s);
  withdraw_all();
  EXPECT_TRUE(lab().converge(90s));
}

INSTANTIATE_TEST_SUITE_P(Frr84, SteeringOn, testing::Values("8.4"), [](const auto&) { return "d12"; });
INSTANTIATE_TEST_SUITE_P(Frr103, SteeringOn, testing::Values("10.3"), [](const auto&) { return "d13"; });

}  // namespace
}  // namespace radial::test
