// An operator cuts his own network off, in every way that a fabric file can,
// and it comes back alone.
//
//   fra1.lan0 --- fra1 (hub, controller) --+
//                                          |
//   berlin.lan0 --- berlin ------------ internet
//                                          |
//   paris.lan0 --- paris ------------------+
//
// One lab serves all tests; they run in the file's order, and each leaves the
// fabric as `base` says.
#include <future>

#include "net/change/change_lab.h"

namespace radial::test {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

constexpr const char* machines = R"(
fabric: acme
hubs:
  fra1: { endpoint: vpn.example.com:51820, lans: [192.168.1.0/24] }
sites:
  berlin: { lans: [192.168.20.0/24] }
  paris:  { lans: [192.168.30.0/24] }
)";

constexpr const char* base = R"(fabric: acme
mtu: 1320
hubs:
  fra1: { endpoint: "vpn.example.com:51820", lans: [192.168.1.0/24] }
sites:
  berlin: { lans: [192.168.20.0/24], keepalive: 7 }
  paris: { lans: [192.168.30.0/24] }
)";

class Change : public ChangeLab {
 protected:
  static void SetUpTestSuite() {
    begin("change", machines, base);
    if (!lab_->ready()) return;
    join("berlin", "192.168.20.0/24");
    join("paris", "192.168.30.0/24");
    EXPECT_TRUE(whole_within(90s));
  }
};

TEST_F(Change, APlanSpeaksTheNativeTermsAndAGoodChangeIsKeptEverywhere) {
  ASSERT_TRUE(lab_->ready());
  const auto plan = with_file({"plan"}, base);
  EXPECT_EQ(plan.exit_code, 2) << plan.out << plan.err;
  EXPECT_THAT(plan.out, AllOf(HasSubstr("persistent-keepalive 7  # fra1"), HasSubstr("~ ip link set dev wg0 mtu 1320"),
                              HasSubstr("nft\n"), HasSubstr("Plan: "), HasSubstr(" at 3 nodes.")));
  EXPECT_THAT(plan.out, Not(HasSubstr("l4proto"))) << "a rule that stays, which nft prints in other words";
  EXPECT_EQ(keepalive_of_berlin(), "25\n");  // nothing happened
  EXPECT_EQ(with_file({"plan"}, "fabric: [").exit_code, 1);

  // The MTU changes at all nodes at one moment: every adjacency goes and comes.
  const auto applied = with_file({"apply"}, base);
  EXPECT_EQ(applied.exit_code, 0) << applied.err;
  EXPECT_THAT(applied.err, AllOf(HasSubstr("staged at 3 nodes"), HasSubstr("on trial")));
  EXPECT_TRUE(whole_within(30s));
  EXPECT_EQ(keepalive_of_berlin(), "7\n");
  const auto again = with_file({"plan"}, base);
  EXPECT_EQ(again.exit_code, 0) << again.out;
  EXPECT_THAT(again.out, HasSubstr("No changes"));
  EXPECT_EQ(with_file({"apply"}, with("mtu: 1320", "mtu: 13200000")).exit_code, 1);
}

TEST_F(Change, AWrongEndpointIsTakenBackAlthoughRoamingHidesIt) {
  const auto result = apply_quick(with("vpn.example.com:51820", "203.0.113.77:51820"));
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.err, HasSubstr("was taken back, the network is as before"));
  EXPECT_TRUE(whole_within(30s));
  EXPECT_THAT(lab_->sh("berlin", "wg show wg0 endpoints"), Not(HasSubstr("203.0.113.77")));
  EXPECT_THAT(radial("fra1", {"revisions"}).out, HasSubstr("reverted: after 8 s"));
}

TEST_F(Change, AWrongPortCutsAllSitesOffAtOnceAndTheyComeBack) {
  // What the hub's own firewall lets in is the old port.
  drop_udp_to("fra1", "51821-60000");
  const auto began = std::chrono::steady_clock::now();
  const auto result = apply_quick(with("vpn.example.com:51820\"", "vpn.example.com:51999\", listen_port: 51999"));
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_TRUE(whole_within(40s));
  // Staging, countdown, deadline, the sites' own longer one, and routing.
  EXPECT_LT(std::chrono::steady_clock::now() - began, 70s);
  EXPECT_EQ(lab_->sh("fra1", "wg show wg0 listen-port"), "51820\n");
  drop_no_more("fra1");
}

TEST_F(Change, AWrongMtuIsNoticedByWholePacketsAndTakenBack) {
  ASSERT_TRUE((*lab_)->set_faults("berlin", {.mtu = 1400}));  // larger ones vanish without a word
  const auto result = apply_quick(with("mtu: 1320", "mtu: 1420"));
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.err, HasSubstr("berlin"));
  EXPECT_TRUE(whole_within(40s));
  EXPECT_THAT(lab_->sh("berlin", "ip link show wg0"), HasSubstr("mtu 1320"));
  ASSERT_TRUE((*lab_)->heal("berlin"));
}

TEST_F(Change, ALanOfTheWrongSiteIsTakenBack) {
  const auto result = apply_quick(with("lans: [192.168.20.0/24]", "lans: [192.168.21.0/24]"));
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.err, HasSubstr("LAN 192.168.21.0/24 is declared, but no interface of this node is in it"));
  EXPECT_TRUE(whole_within(30s));
}

TEST_F(Change, ASiteLeftInAnotherAreaBringsAllBack) {
  auto applying = std::async(std::launch::async, [] { return apply_quick(with("mtu: 1320", "mtu: 1320\nrouting: { area: 5 }")); });
  EXPECT_TRUE(wait_until(30s, [] { return change_phase() == "counting down"; }));
  lab_->sh("berlin", "pkill -STOP -x radiald");
  const auto result = applying.get();
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.err, HasSubstr("berlin"));
  EXPECT_TRUE(whole_within(30s));
  EXPECT_THAT(lab_->vtysh("fra1", "show running-config"), Not(HasSubstr("area 0.0.0.5")));
  lab_->sh("berlin", "pkill -CONT -x radiald");  // late, it tries the change, and is told
  EXPECT_TRUE(whole_within(30s));
}

TEST_F(Change, ANodeThatRestartsInBetweenComesUpInTheSafeState) {
  const auto result = apply_while_restarting("berlin");
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.err, HasSubstr("berlin went back: radiald ended during the trial"));
  EXPECT_TRUE(wait_until(20s, [] { return keepalive_of_berlin() == "7\n"; }));
  EXPECT_TRUE(whole_within(30s));
}

TEST_F(Change, ANodeThatRebootsInBetweenComesUpInTheSafeState) {
  ok(with_file({"apply"}, base));  // also where this test runs alone
  const auto result = apply_while_restarting("berlin", [] { reboot_without_radiald("berlin"); });
  EXPECT_EQ(result.exit_code, 1) << result.out;
  EXPECT_THAT(result.err, AllOf(HasSubstr("was taken back"), HasSubstr("berlin")));
  EXPECT_TRUE(whole_within(60s));
  EXPECT_EQ(keepalive_of_berlin(), "7\n");
}

// With what it kept, and no name server. The hub is there, and carries on without its radiald.
TEST_F(Change, ANodeThatBootsWithoutTheControllerComesUp) {
  lab_->kill_radiald("fra1");
  lab_->kill_radiald("berlin");
  reboot_without_radiald("berlin");
  lab_->sh("berlin", "cp /etc/hosts /run/hosts && sed '/vpn.example.com/d' /run/hosts > /etc/hosts");
  ASSERT_TRUE(lab_->start_radiald("berlin"));
  auto took = wait_until(60s, whole);
  ASSERT_TRUE(took);
  EXPECT_TRUE(wait_until(30s, [] { return radial("berlin", {"status"}).out.find("cannot resolve the endpoint name vpn.example.com") != std::string::npos; }));
  lab_->sh("berlin", "cat /run/hosts > /etc/hosts");
  std::printf("a site is back %d ms after its radiald, without the controller\n", static_cast<int>(took->count()));
  EXPECT_EQ(keepalive_of_berlin(), "7\n");
  // Then the hub's machine, which is shut down in order.
  ASSERT_TRUE(lab_->start_radiald("fra1"));
  // The name is asked for again.
  ASSERT_TRUE(wait_until(60s, [] { return lab_->healthy(); })) << radial("berlin", {"status"}).out;
  lab_->sh("fra1", "pkill -TERM -x radiald; while pidof radiald >/dev/null; do sleep 0.05; done");
  reboot_without_radiald("fra1");
  ASSERT_TRUE(lab_->start_radiald("fra1"));
  took = wait_until(60s, whole);
  ASSERT_TRUE(took);
  std::printf("the hub is back %d ms after its radiald\n", static_cast<int>(took->count()));
  // It spoke to its sites where it had seen them last; they would have waited 15 s before they spoke to it.
  EXPECT_LE(took->count(), 10'000);
}

TEST_F(Change, WhatNobodyConfirmsIsTakenBackAndWhatIsConfirmedStays) {
  const auto changed = with("keepalive: 7", "keepalive: 11");
  auto result = with_file({"apply", "--confirm=20"}, changed);
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.out, HasSubstr("unless you say: radial confirm"));
  EXPECT_EQ(keepalive_of_berlin(), "11\n");
  EXPECT_TRUE(wait_until(40s, [] { return keepalive_of_berlin() == "7\n"; }));
  EXPECT_EQ(with_file({"apply", "--confirm=60"}, changed).exit_code, 0);
  ok(radial("fra1", {"confirm"}));
  EXPECT_EQ(change_phase(), "confirmed");
  ok(radial("fra1", {"rollback"}));
  EXPECT_TRUE(wait_until(20s, [] { return keepalive_of_berlin() == "7\n"; }));
}

TEST_F(Change, AnOutageThatWasThereBeforeDoesNotSetItOff) {
  ASSERT_TRUE((*lab_)->cut("paris"));
  EXPECT_TRUE(wait_until(40s, [] { return lab_->sh("fra1", "vtysh -c 'show ip ospf neighbor' | grep -c Full") == "1\n"; }));
  // It could not find the hub at another port afterwards.
  const auto refused = with_file({"apply", "--deadline", "20"}, with("vpn.example.com:51820\"", "vpn.example.com:51999\", listen_port: 51999"));
  EXPECT_EQ(refused.exit_code, 1);
  EXPECT_THAT(refused.err, HasSubstr("paris cannot be reached now and could not find the hub afterwards"));
  EXPECT_EQ(lab_->sh("fra1", "wg show wg0 listen-port"), "51820\n");
  const auto kept = with_file({"apply", "--deadline", "30"}, with("keepalive: 7", "keepalive: 13"));
  EXPECT_EQ(kept.exit_code, 0) << kept.err;
  EXPECT_EQ(keepalive_of_berlin(), "13\n");
  ASSERT_TRUE((*lab_)->heal("paris"));
  EXPECT_TRUE(whole_within(60s));
}

// It could not be tried there: it tries it alone.
TEST_F(Change, ANodeThatWasAwayHoldsBackWhatCostsItItsController) {
  ok(with_file({"apply", "--deadline", "30"}, with("keepalive: 7", "keepalive: 13")));  // also where this test runs alone
  ASSERT_TRUE((*lab_)->cut("paris"));
  EXPECT_TRUE(wait_until(40s, [] { return lab_->sh("fra1", "vtysh -c 'show ip ospf neighbor' | grep -c Full") == "1\n"; }));
  // Nobody can reach the hub over IPv6 from there.
  lab_->sh("paris", "nft 'add table inet own; add chain inet own out { type filter hook output priority 0; }; "
                    "add rule inet own out meta nfproto ipv6 udp dport 51820 drop'");
  const auto over_ipv6 = fmt::format("[{}]:51820", (*lab_)->plan().find("fra1")->uplink_v6());
  const auto applied = with_file({"apply", "--force", "--deadline", "30"}, with("vpn.example.com:51820", over_ipv6));
  EXPECT_EQ(applied.exit_code, 0) << applied.err;
  ASSERT_TRUE((*lab_)->heal("paris"));
  const auto paris = [] {
    const auto answer = nlohmann::json::parse(radial("fra1", {"members", "--json"}).out);
    for (const auto& one : answer["members"])
      if (one["node"] == "paris") return one;
    return nlohmann::json::object();
  };
  EXPECT_TRUE(wait_until(90s, [&] { return paris().contains("held_back"); })) << paris();
  EXPECT_TRUE(whole_within(30s));
  EXPECT_THAT(lab_->sh("paris", "wg show wg0 endpoints"), HasSubstr("198.18."));
  EXPECT_THAT(radial("paris", {"status"}).out, AllOf(HasSubstr("is held back"), HasSubstr("why    fra1 answers from")));
  EXPECT_THAT(radial("fra1", {"members"}).out, HasSubstr(" back "));
  EXPECT_THAT(radial("fra1", {"log"}).out, HasSubstr("back: it did not reach the controller with it"));

  // A restart tries it once more, and goes back again.
  lab_->kill_radiald("paris");
  ASSERT_TRUE(lab_->start_radiald("paris"));
  EXPECT_TRUE(wait_until(20s, [&] { return !paris().contains("held_back"); })) << paris();
  EXPECT_TRUE(wait_until(90s, [&] { return paris().contains("held_back"); })) << paris();

  // Its own firewall mended, and tried again.
  lab_->sh("paris", "nft delete table inet own");
  lab_->kill_radiald("paris");
  ASSERT_TRUE(lab_->start_radiald("paris"));
  EXPECT_TRUE(wait_until(60s, [&] { return paris().value("current", false); })) << paris();
  ok(with_file({"apply", "--deadline", "30"}, with("keepalive: 7", "keepalive: 13")));
  EXPECT_TRUE(whole_within(30s));
}

TEST_F(Change, AnEditIsCheckedBeforeItIsTaken) {
  const auto edit = [](const std::string& editor) {
    const auto result = (*lab_)->run("fra1", {"env", "EDITOR=" + editor, radial_program, "edit", "--deadline", "30"}, 120s);
    return result ? *result : ProcessResult{};
  };
  EXPECT_THAT(edit("true").out, HasSubstr("nothing was changed"));
  const auto wrong = edit("sed -i s/keepalive/keepalife/");
  EXPECT_EQ(wrong.exit_code, 1);
  EXPECT_THAT(wrong.err, HasSubstr("did you mean 'keepalive'?"));
  const auto good = edit("sed -i s/keepalive:.13/keepalive:\\ 7/");
  EXPECT_EQ(good.exit_code, 0) << good.err;
  EXPECT_EQ(keepalive_of_berlin(), "7\n");
}

// A disk of four megabytes under /var/lib/radial, with what is there, and full.
void fill_disk(LiveLab& lab, const std::string& node) {
  lab.sh(node, "mkdir -p /run/small && mount -t tmpfs -o size=4m tmpfs /run/small && cp -a /var/lib/radial/. /run/small/ && "
               "mount --bind /run/small /var/lib/radial && (cat /dev/zero > /var/lib/radial/fill 2>/dev/null; true)");
}
// Busy as long as somebody writes, and who was killed is not gone at once.
void make_read_only(LiveLab& lab, const std::string& node) {
  lab.sh(node, "for i in $(seq 100); do mount -o remount,ro /run/small 2>/dev/null && exit; sleep 0.1; done; mount -o remount,ro /run/small");
}
void empty_disk(LiveLab& lab, const std::string& node) {
  lab.sh(node, "mount -o remount,rw /run/small; rm -f /var/lib/radial/fill; umount /var/lib/radial && cp -a /run/small/. /var/lib/radial/ && umount /run/small");
}

TEST_F(Change, AFullOrReadOnlyDiskIsToldAndTheNetworkUntouched) {
  const auto changed = with("keepalive: 7", "keepalive: 17");
  // What the last change leaves goes away a moment later, and would make room.
  ASSERT_TRUE(wait_until(20s, [] { return lab_->sh("berlin", "ls /var/lib/radial | grep -cE 'staged|trial' || true") == "0\n"; }));
  fill_disk(*lab_, "berlin");
  const auto full = apply_quick(changed);
  EXPECT_EQ(full.exit_code, 1);
  EXPECT_THAT(full.err, AllOf(HasSubstr("berlin cannot take it"), HasSubstr("No space left on device")));
  make_read_only(*lab_, "berlin");
  const auto read_only = apply_quick(changed);
  EXPECT_EQ(read_only.exit_code, 1);
  EXPECT_THAT(read_only.err, AllOf(HasSubstr("berlin cannot take it"), HasSubstr("Read-only file system")));
  EXPECT_EQ(keepalive_of_berlin(), "7\n");
  EXPECT_TRUE(whole());
  // It starts from such a disk, too.
  lab_->kill_radiald("berlin");
  ASSERT_TRUE(lab_->start_radiald("berlin"));
  EXPECT_TRUE(whole_within(30s));
  lab_->kill_radiald("berlin");
  empty_disk(*lab_, "berlin");
  ASSERT_TRUE(lab_->start_radiald("berlin"));

  // The controller's own.
  lab_->kill_radiald("fra1");
  fill_disk(*lab_, "fra1");
  ASSERT_TRUE(lab_->start_radiald("fra1"));
  ASSERT_TRUE(wait_until(20s, [] { return change_phase() == "none"; }));
  const auto controller = apply_quick(changed);
  EXPECT_EQ(controller.exit_code, 1);
  EXPECT_THAT(controller.err, HasSubstr("full"));
  EXPECT_TRUE(whole());

  // Read-only, from its start: said with path and cure, and nothing is changed anywhere.
  lab_->kill_radiald("fra1");
  lab_->sh("fra1", "rm -f /var/lib/radial/fill");
  make_read_only(*lab_, "fra1");
  ASSERT_TRUE(lab_->start_radiald("fra1"));
  ASSERT_TRUE(wait_until(20s, [] { return change_phase() == "none"; }));
  const auto revisions = radial("fra1", {"revisions", "--json"}).out;
  for (const auto& refused : {apply_quick(changed), with_file({"apply", "--no-revert"}, changed),
                              radial("fra1", {"invite", "lisbon", "--lan", "192.168.40.0/24"}), radial("fra1", {"revoke", "paris"})}) {
    EXPECT_EQ(refused.exit_code, 1) << refused.out;
    EXPECT_THAT(refused.err, AllOf(HasSubstr("/var/lib/radial/controller.db is mounted read-only"), HasSubstr("mount -o remount,rw"),
                                   HasSubstr("nothing was changed")));
  }
  EXPECT_EQ(radial("fra1", {"revisions", "--json"}).out, revisions);
  EXPECT_THAT(radial("fra1", {"invitations"}).out, Not(HasSubstr("lisbon")));
  EXPECT_EQ(keepalive_of_berlin(), "7\n");
  EXPECT_TRUE(whole());
  // Writable again: it goes on as it is.
  lab_->sh("fra1", "mount -o remount,rw /run/small");
  for (const auto* seconds : {"17", "7"}) {
    ok(with_file({"apply", "--no-revert"}, with("keepalive: 7", std::string("keepalive: ") + seconds)));
    EXPECT_TRUE(wait_until(20s, [&] { return keepalive_of_berlin() == std::string(seconds) + "\n"; })) << seconds;
  }

  lab_->kill_radiald("fra1");
  empty_disk(*lab_, "fra1");
  ASSERT_TRUE(lab_->start_radiald("fra1"));
  ASSERT_TRUE(wait_until(20s, [] { return change_phase() == "none"; }));
  EXPECT_TRUE(whole_within(30s));
}

TEST_F(Change, AHubWhoseStoreIsDamagedGoesOnAndALostHubIsRestored) {
  ok(radial("fra1", {"backup", "/run/hub.backup"}));
  EXPECT_EQ(lab_->sh("fra1", "stat -c %a /run/hub.backup"), "600\n");
  EXPECT_EQ(radial("berlin", {"backup", "/run/no.backup"}).exit_code, 1);
  EXPECT_EQ(radial("fra1", {"restore", "/run/hub.backup"}).exit_code, 1);  // it is a node

  lab_->kill_radiald("fra1");
  lab_->sh("fra1", "printf 'no longer a store' > /var/lib/radial/controller.db; ip link del wg0");
  ASSERT_TRUE(lab_->start_radiald("fra1"));
  EXPECT_TRUE(whole_within(60s));
  EXPECT_THAT(radial("fra1", {"status"}).out, HasSubstr("no controller here"));

  // The machine burns down; another one takes its place.
  static_cast<void>(radial("fra1", {"down"}));
  lab_->kill_radiald("fra1");
  lab_->sh("fra1", "rm -rf /var/lib/radial/* /etc/radial/* /run/radial/*");
  lab_->sh("fra1", "head -c 2000 /run/hub.backup > /run/torn.backup");
  const auto torn = radial("fra1", {"restore", "/run/torn.backup"});
  EXPECT_EQ(torn.exit_code, 1);
  EXPECT_THAT(torn.err, HasSubstr("torn or damaged"));
  const auto restored = radial("fra1", {"restore", "/run/hub.backup"});
  EXPECT_EQ(restored.exit_code, 0) << restored.out << restored.err;
  EXPECT_TRUE(whole_within(60s));
  EXPECT_THAT(radial("fra1", {"revisions"}).out, HasSubstr("keepalive: 13"));
  EXPECT_EQ(with_file({"apply", "--deadline", "40"}, with("keepalive: 7", "keepalive: 19")).exit_code, 0);
  EXPECT_EQ(keepalive_of_berlin(), "19\n");
}

}  // namespace
}  // namespace radial::test
