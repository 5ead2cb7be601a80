// change_test.cpp's operator under BGP, with a second hub, and with ten sites.
#include <future>

#include "net/change/change_lab.h"

namespace radial::test {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

class ChangeUnderBgp : public ChangeLab {
 protected:
  static void SetUpTestSuite() {
    begin("chbgp", R"(
fabric: acme
hubs:
  fra1: { endpoint: vpn.example.com:51820, lans: [192.168.1.0/24] }
sites:
  berlin: { lans: [192.168.20.0/24] }
  paris:  { lans: [192.168.30.0/24] }
)",
          R"(fabric: acme
routing: bgp
hubs:
  fra1: { endpoint: "vpn.example.com:51820", lans: [192.168.1.0/24] }
sites:
  berlin: { lans: [192.168.20.0/24], keepalive: 7 }
  paris: { lans: [192.168.30.0/24] }
)");
    if (!lab_->ready()) return;
    join("berlin", "192.168.20.0/24");
    join("paris", "192.168.30.0/24");
    // As `radial status` says where it is missing.
    for (const auto* node : {"fra1", "berlin", "paris"})
      lab_->sh(node, "sed -i 's/^bgpd=.*/bgpd=yes/' /etc/frr/daemons && /usr/lib/frr/frrinit.sh restart >/dev/null 2>&1");
    EXPECT_TRUE(whole_within(90s));
  }
  static std::string sessions() { return lab_->vtysh("fra1", "show bgp summary"); }
};

TEST_F(ChangeUnderBgp, TheEngineItselfIsChangedAndKept) {
  ASSERT_TRUE(lab_->ready());
  const auto applied = with_file({"apply"}, base_);
  EXPECT_EQ(applied.exit_code, 0) << applied.err;
  EXPECT_TRUE(whole_within(30s));
  EXPECT_THAT(lab_->vtysh("berlin", "show running-config"), AllOf(HasSubstr("router bgp"), Not(HasSubstr("router ospf"))));
  EXPECT_THAT(with_file({"plan"}, base_).out, HasSubstr("No changes"));
}

TEST_F(ChangeUnderBgp, ASiteThatStaysWithTheOldEngineBringsAllBack) {
  auto applying = std::async(std::launch::async, [] { return apply_quick(with("routing: bgp", "routing: ospf")); });
  EXPECT_TRUE(wait_until(30s, [] { return change_phase() == "counting down"; }));
  lab_->sh("berlin", "pkill -STOP -x radiald");
  const auto result = applying.get();
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.err, HasSubstr("berlin"));
  EXPECT_TRUE(wait_until(30s, [] { return lab_->pings("paris.lan0", "192.168.1.2"); }));
  lab_->sh("berlin", "pkill -CONT -x radiald");
  EXPECT_TRUE(whole_within(60s));
  EXPECT_THAT(lab_->vtysh("fra1", "show running-config"), Not(HasSubstr("router ospf")));
}

TEST_F(ChangeUnderBgp, AWrongEndpointIsTakenBack) {
  const auto result = apply_quick(with("vpn.example.com:51820", "203.0.113.77:51820"));
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_TRUE(whole_within(30s));
  EXPECT_THAT(lab_->sh("berlin", "wg show wg0 endpoints"), Not(HasSubstr("203.0.113.77")));
}

TEST_F(ChangeUnderBgp, AWrongPortCutsAllSitesOffAtOnceAndTheyComeBack) {
  drop_udp_to("fra1", "51999");
  const auto result = apply_quick(with("vpn.example.com:51820\"", "vpn.example.com:51999\", listen_port: 51999"));
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_TRUE(whole_within(60s)) << sessions();
  EXPECT_EQ(lab_->sh("fra1", "wg show wg0 listen-port"), "51820\n");
  drop_no_more("fra1");
}

// The operator's own firewall stops them just then.
TEST_F(ChangeUnderBgp, SessionsThatEndDuringTheTrialAreNoticedThoughTheWireStands) {
  auto applying = std::async(std::launch::async, [] { return with_file({"apply", "--deadline", "20"}, with("keepalive: 7", "keepalive: 9")); });
  EXPECT_TRUE(wait_until(30s, [] { return change_phase() == "counting down"; }));
  drop("fra1", {"tcp dport 179", "tcp sport 179"});
  const auto result = applying.get();
  EXPECT_EQ(result.exit_code, 1) << result.out;
  EXPECT_THAT(result.err, AllOf(HasSubstr("was taken back"), HasSubstr("BGP session")));
  drop_no_more("fra1");
  EXPECT_TRUE(whole_within(60s)) << sessions();
  EXPECT_EQ(keepalive_of_berlin(), "7\n");
}

TEST_F(ChangeUnderBgp, ANodeThatRestartsInBetweenComesUpInTheSafeState) {
  EXPECT_EQ(apply_while_restarting("berlin").exit_code, 1);
  EXPECT_TRUE(wait_until(20s, [] { return keepalive_of_berlin() == "7\n"; }));
  EXPECT_TRUE(whole_within(30s));
}

TEST_F(ChangeUnderBgp, AnOutageThatWasThereBeforeDoesNotSetItOff) {
  ASSERT_TRUE((*lab_)->cut("paris"));
  EXPECT_TRUE(wait_until(60s, [] { return !lab_->pings("fra1.lan0", "192.168.30.2") && lab_->vtysh("fra1", "show ip route 192.168.30.0/24").find("\"bgp\"") == std::string::npos; }));
  const auto kept = with_file({"apply", "--deadline", "30"}, with("keepalive: 7", "keepalive: 13"));
  EXPECT_EQ(kept.exit_code, 0) << kept.err;
  EXPECT_EQ(keepalive_of_berlin(), "13\n");
  ASSERT_TRUE((*lab_)->heal("paris"));
  EXPECT_TRUE(whole_within(60s));
}

//   fra1.lan0 --- fra1 (controller) --- wire --- ams1 --- ams1.lan0
//                     berlin and paris have a wire to each
class ChangeWithTwoHubs : public ChangeLab {
 protected:
  static void SetUpTestSuite() {
    begin("chhubs", R"(
fabric: acme
hubs:
  fra1: { endpoint: vpn.example.com:51820, lans: [192.168.1.0/24] }
  ams1: { endpoint: vpn2.example.com:51820, lans: [192.168.2.0/24] }
sites:
  berlin: { lans: [192.168.20.0/24] }
  paris:  { lans: [192.168.30.0/24] }
)",
          R"(fabric: acme
hubs:
  fra1: { endpoint: "vpn.example.com:51820", lans: [192.168.1.0/24] }
  ams1: { endpoint: "vpn2.example.com:51820", lans: [192.168.2.0/24] }
sites:
  berlin: { lans: [192.168.20.0/24], keepalive: 7 }
  paris: { lans: [192.168.30.0/24] }
)");
    if (!lab_->ready()) return;
    join_by({"invite", "--hub", "ams1", "--endpoint", "vpn2.example.com", "--lan", "192.168.2.0/24"});
    join("berlin", "192.168.20.0/24");
    join("paris", "192.168.30.0/24");
    EXPECT_TRUE(both_within(120s));
  }
  static bool both() {
    const auto full = [](const std::string& hub) { return lab_->sh(hub, "vtysh -c 'show ip ospf neighbor' | grep -c Full || true") == "3\n"; };
    return whole() && lab_->pings("berlin.lan0", "192.168.2.2") && lab_->pings("ams1.lan0", "192.168.1.2") && full("fra1") && full("ams1");
  }
  static bool both_within(std::chrono::seconds limit) { return wait_until(limit, both).has_value(); }
  static void expect_whole(std::chrono::seconds limit) {
    EXPECT_TRUE(both_within(limit)) << lab_->vtysh("fra1", "show ip ospf neighbor") << lab_->vtysh("ams1", "show ip ospf neighbor");
  }
};

TEST_F(ChangeWithTwoHubs, AGoodChangeIsKeptAtAllFourNodes) {
  ASSERT_TRUE(lab_->ready());
  const auto applied = with_file({"apply"}, base_);
  EXPECT_EQ(applied.exit_code, 0) << applied.err;
  EXPECT_THAT(applied.err, HasSubstr("staged at 4 nodes"));
  expect_whole(30s);
}

TEST_F(ChangeWithTwoHubs, AWrongEndpointOfTheSecondHubIsTakenBack) {
  const auto result = apply_quick(with("vpn2.example.com:51820", "203.0.113.77:51820"));
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.err, HasSubstr("ams1"));
  expect_whole(40s);
  EXPECT_THAT(lab_->sh("berlin", "wg show wg1 endpoints"), Not(HasSubstr("203.0.113.77")));
}

// No route is lost by it: all goes over the other hub. It is a change for the worse all the same.
TEST_F(ChangeWithTwoHubs, AWrongPortOfTheSecondHubIsTakenBackThoughEveryPingCrosses) {
  drop_udp_to("ams1", "53000-53999");
  const auto result = apply_quick(with("vpn2.example.com:51820\"", "vpn2.example.com:53000\", listen_port: 53000"));
  EXPECT_EQ(result.exit_code, 1) << result.out;
  expect_whole(60s);
  EXPECT_EQ(lab_->sh("ams1", "wg show wg0 listen-port"), "51820\n");
  drop_no_more("ams1");
}

// The controller's own hub is cut off from all sites; they hear of it by way of the other hub, or go back alone.
TEST_F(ChangeWithTwoHubs, AWrongPortOfTheControllersHubIsTakenBack) {
  drop_udp_to("fra1", "53000-53999");
  const auto result = apply_quick(with("vpn.example.com:51820\"", "vpn.example.com:53000\", listen_port: 53000"));
  EXPECT_EQ(result.exit_code, 1) << result.out;
  expect_whole(60s);
  EXPECT_EQ(lab_->sh("fra1", "wg show wg0 listen-port"), "51820\n");
  drop_no_more("fra1");
}

TEST_F(ChangeWithTwoHubs, ASecondHubThatRestartsInBetweenBringsAllBack) {
  const auto result = apply_while_restarting("ams1");
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.err, HasSubstr("ams1 went back"));
  EXPECT_TRUE(wait_until(20s, [] { return keepalive_of_berlin() == "7\n"; }));
  expect_whole(40s);
}

// The controller's machine dies in the middle: every node goes back alone, and the sites go on over the other hub.
TEST_F(ChangeWithTwoHubs, AControllerThatDiesDuringTheTrialLeavesAllInTheSafeState) {
  auto applying = std::async(std::launch::async, [] { return with_file({"apply", "--deadline", "20"}, with("keepalive: 7", "keepalive: 9")); });
  EXPECT_TRUE(wait_until(30s, [] { return keepalive_of_berlin() == "9\n"; }));
  lab_->kill_radiald("fra1");
  ASSERT_TRUE((*lab_)->cut("fra1"));
  EXPECT_NE(applying.get().exit_code, 0);
  EXPECT_TRUE(wait_until(60s, [] { return keepalive_of_berlin() == "7\n"; }));
  EXPECT_TRUE(wait_until(60s, [] { return lab_->pings("berlin.lan0", "192.168.30.2") && lab_->pings("paris.lan0", "192.168.2.2"); }));
  ASSERT_TRUE((*lab_)->heal("fra1"));
  ASSERT_TRUE(lab_->start_radiald("fra1"));
  expect_whole(60s);
  EXPECT_EQ(keepalive_of_berlin(), "7\n");
}

// The controller's hub is cut off all the while: the site comes up with the other one.
TEST_F(ChangeWithTwoHubs, ASiteThatBootsWithoutTheControllersHubUsesTheOther) {
  ASSERT_TRUE((*lab_)->cut("fra1"));
  lab_->kill_radiald("berlin");
  reboot_without_radiald("berlin");
  ASSERT_TRUE(lab_->start_radiald("berlin"));
  const auto took = wait_until(60s, [] { return lab_->pings("berlin.lan0", "192.168.2.2") && lab_->pings("berlin.lan0", "192.168.30.2"); });
  ASSERT_TRUE(took);
  std::printf("a site is back %d ms after its radiald, over the other hub\n", static_cast<int>(took->count()));
  ASSERT_TRUE((*lab_)->heal("fra1"));
  expect_whole(60s);
}

TEST_F(ChangeWithTwoHubs, WithTheSecondHubAwayAChangeIsKeptAndCaughtUpWith) {
  ASSERT_TRUE((*lab_)->cut("ams1"));
  EXPECT_TRUE(wait_until(60s, [] { return lab_->sh("fra1", "vtysh -c 'show ip ospf neighbor' | grep -c Full") == "2\n"; }));
  const auto kept = with_file({"apply", "--deadline", "30"}, with("keepalive: 7", "keepalive: 13"));
  EXPECT_EQ(kept.exit_code, 0) << kept.err;
  ASSERT_TRUE((*lab_)->heal("ams1"));
  expect_whole(60s);
  const auto all_current = [] {
    const auto members = nlohmann::json::parse(radial("fra1", {"members", "--json"}).out)["members"];
    return std::all_of(members.begin(), members.end(), [](const auto& one) { return one.value("current", false); });
  };
  EXPECT_TRUE(wait_until(40s, all_current)) << radial("fra1", {"members"}).out;
}

class ChangeOfTenSites : public ChangeLab {
 protected:
  static constexpr int sites = 10;
  static std::string name(int site) { return fmt::format("s{}", site); }
  static std::string lan(int site) { return fmt::format("10.1.{}.0/24", site); }
  static void SetUpTestSuite() {
    std::string text = "fabric: acme\nhubs:\n  fra1: { endpoint: \"vpn.example.com:51820\", lans: [192.168.1.0/24] }\nsites:\n";
    for (int i = 1; i <= sites; ++i) text += fmt::format("  {}: {{ lans: [{}] }}\n", name(i), lan(i));
    begin("chten", text.c_str(), text);
    if (!lab_->ready()) return;
    for (int i = 1; i <= sites; ++i) join(name(i), lan(i));
    EXPECT_TRUE(all_within(90s));
  }
  static bool all_within(std::chrono::seconds limit) {
    return wait_until(limit, [] {
             for (int i = 1; i <= sites; ++i)
               if (!lab_->pings(name(i) + ".lan0", fmt::format("10.1.{}.2", i % sites + 1))) return false;
             return true;
           }).has_value();
  }
};

TEST_F(ChangeOfTenSites, NineCutOffAtOnceComeBackAlone) {
  ASSERT_TRUE(lab_->ready());
  // What the hub's own firewall lets in at the new port is the tenth alone.
  drop("fra1", {fmt::format("udp dport 53000 ip saddr != {}", (*lab_)->plan().find(name(sites))->uplink_v4())});
  const auto result = apply_quick(with("vpn.example.com:51820\"", "vpn.example.com:53000\", listen_port: 53000"));
  EXPECT_EQ(result.exit_code, 1) << result.out;
  EXPECT_THAT(result.err, AllOf(HasSubstr("staged at 11 nodes"), HasSubstr("was taken back")));
  EXPECT_TRUE(all_within(60s));
  EXPECT_EQ(lab_->sh("fra1", "wg show wg0 listen-port"), "51820\n");
  drop_no_more("fra1");
}

}  // namespace
}  // namespace radial::test
