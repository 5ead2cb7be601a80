// The FRR adapter against real daemons of both versions.
#include <iostream>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "frr_node.h"
#include "support/frr_release.h"

namespace radial::host {
namespace {

using namespace std::chrono_literals;
using test::eventually;
using test::FrrNode;

const std::set<std::string> all_daemons = {"zebra", "ospfd", "staticd", "bgpd"};

class FrrAdapter : public testing::TestWithParam<std::string> {
 protected:
  void SetUp() override {
    if (const auto missing = test::frr_missing({GetParam()}); !missing.empty()) GTEST_SKIP() << missing;
    root_ = lab::choose_frr(GetParam())->root;
  }
  [[nodiscard]] FrrNode node(const std::vector<std::string>& daemons = {"zebra", "ospfd", "staticd", "bgpd"}) const {
    return FrrNode(root_, daemons);
  }
  [[nodiscard]] static bool old() { return GetParam() == "8.4"; }
  std::string root_;
};
INSTANTIATE_TEST_SUITE_P(Version, FrrAdapter, testing::Values("8.4", "10.3"),
                         [](const auto& version) { return version.param == "8.4" ? "Frr84" : "Frr103"; });

// What an operator wrote by hand, comments and all.
constexpr const char* operators_own = R"(! edge router, see the wiki
hostname edge
!
interface lan0
 description the office
exit
!
ip route 198.51.100.0/24 192.168.1.9
!
router ospf
 redistribute static
 timers throttle spf 20 60 2000
exit
!
router bgp 65001
 no bgp ebgp-requires-policy
 neighbor 192.168.1.9 remote-as 65002
 !
 address-family ipv4 unicast
  network 192.168.1.0/24
 exit-address-family
exit
!
access-list theirs seq 5 permit 192.168.0.0/16
!
ip prefix-list theirs seq 5 permit 192.168.0.0/16 le 24
!
route-map theirs permit 10
 match ip address prefix-list theirs
exit
!
)";

void make_links(const FrrNode& node) {
  node.in(R"(ip link add lan0 type bridge; ip addr add 192.168.1.1/24 dev lan0; ip link set lan0 up
             ip link add wg0 type veth peer name peer0; ip addr add 10.255.0.1/24 dev wg0; ip link set wg0 up; ip link set peer0 up)");
}

std::vector<FrrLines> ours(const std::string& cost = "10") {
  return {
      {"ospfd",
       "router ospf",
       {"ospf router-id 10.255.0.1", "timers throttle lsa all 0", "timers lsa min-arrival 0",
        "neighbor 10.255.0.11 poll-interval 1"}},
      {"ospfd",
       "interface wg0",
       {"ip ospf network non-broadcast", "ip ospf hello-interval 1", "ip ospf dead-interval 4", "ip ospf cost " + cost,
        "ip ospf priority 255", "ip ospf mtu-ignore", "ip ospf area 0.0.0.0"}},
      {"ospfd",
       "interface lan0",
       {"ip ospf cost 10 192.168.1.1", "ip ospf passive 192.168.1.1", "ip ospf area 0.0.0.0 192.168.1.1"}},
      {"zebra", "", {"ip prefix-list radial seq 5 permit 10.0.0.0/8 le 32", "zebra route-map delay-timer 0"}},
      {"zebra", "route-map radial permit 10", {"match ip address prefix-list radial"}},
      {"zebra", "route-map radial deny 20", {}},
      {"staticd", "", {"ip route 10.20.0.0/16 10.255.0.11 wg0 250", "ip route 10.30.0.0/16 10.255.0.12 wg0 250"}},
  };
}

// Observe, diff, apply, and keep the ownership as the agent does.
FrrChange reconcile(Frr& frr, const std::vector<FrrLines>& desired, std::vector<FrrLines>& owned) {
  auto running = frr.running(all_daemons);
  if (!running) throw std::runtime_error(running.error().message);
  auto change = diff_frr(desired, owned, *running);
  owned = owned_before(owned, change);
  if (auto applied = frr.apply(change); !applied) throw std::runtime_error(applied.error().message);
  const auto kept = owned_after(owned, desired);
  if (auto saved = frr.save(kept, owned); !saved) throw std::runtime_error(saved.error().message);
  owned = kept;
  return change;
}

TEST_P(FrrAdapter, LeavesWhatItDidNotMakeThroughApplyChangeAndRemoval) {
  const auto node = this->node();
  make_links(node);
  node.write_config("frr.conf", operators_own);
  node.start();
  auto frr = node.frr();
  const auto before = frr.running(all_daemons).value();
  ASSERT_THAT(before.daemons.at("ospfd").at("router ospf"), testing::Contains("redistribute static"))
      << "the operator's own lines are loaded";
  ASSERT_THAT(before.daemons.at("staticd").at(""), testing::Contains("ip route 198.51.100.0/24 192.168.1.9"));
  ASSERT_THAT(before.daemons.at("zebra").at("interface lan0"), testing::Contains("description the office"));

  std::vector<FrrLines> owned;
  const auto added = reconcile(frr, ours(), owned);
  EXPECT_THAT(added.conflicts, testing::IsEmpty());
  EXPECT_EQ(owned, ours());
  EXPECT_THAT(node.read_config("frr.conf"),
              testing::AllOf(testing::StartsWith("! edge router, see the wiki\n"),
                             testing::HasSubstr(" neighbor 10.255.0.11 poll-interval 1\n")));
  const auto after = frr.running(all_daemons).value();
  EXPECT_TRUE(diff_frr(ours(), owned, after).empty()) << diff_frr(ours(), owned, after).describe().front();
  EXPECT_TRUE(reconcile(frr, ours(), owned).empty()) << "a second apply changes nothing";
  for (const auto& [daemon, contexts] : before.daemons)
    for (const auto& [context, lines] : contexts)
      EXPECT_THAT(after.daemons.at(daemon).at(context), testing::IsSupersetOf(lines)) << daemon << " " << context;

  const auto changed = reconcile(frr, ours("20"), owned);
  EXPECT_THAT(changed.describe(), testing::ElementsAre("ospfd: interface wg0: ip ospf cost 20"));
  EXPECT_THAT(frr.running({"ospfd"}).value().daemons.at("ospfd").at("interface wg0"),
              testing::Contains("ip ospf cost 20"));

  reconcile(frr, {}, owned);
  EXPECT_THAT(owned, testing::IsEmpty());
  const auto end = frr.running(all_daemons).value();
  EXPECT_EQ(end.daemons, before.daemons);
  EXPECT_EQ(node.read_config("frr.conf"), operators_own) << "byte for byte";
}

TEST_P(FrrAdapter, WithoutAnybodyElsesLinesNothingStays) {
  const auto node = this->node();
  make_links(node);
  node.start();
  auto frr = node.frr();
  const auto before = frr.running(all_daemons).value();
  std::vector<FrrLines> owned;
  reconcile(frr, ours(), owned);
  reconcile(frr, {}, owned);
  EXPECT_EQ(frr.running(all_daemons).value().daemons, before.daemons) << "not even an empty 'router ospf'";
}

TEST_P(FrrAdapter, AValueOfTheOperatorIsAConflictAndStaysInForce) {
  const auto node = this->node();
  make_links(node);
  node.write_config("frr.conf", "router ospf\n ospf router-id 9.9.9.9\nexit\n");
  node.start();
  auto frr = node.frr();
  std::vector<FrrLines> owned;
  for (int pass = 0; pass < 2; ++pass) {
    const auto change = reconcile(frr, ours(), owned);
    ASSERT_EQ(change.conflicts.size(), 1U);
    EXPECT_THAT(change.conflicts[0], testing::HasSubstr("ospf router-id 9.9.9.9"));
  }
  EXPECT_THAT(frr.running({"ospfd"}).value().daemons.at("ospfd").at("router ospf"),
              testing::Contains("ospf router-id 9.9.9.9"));
  EXPECT_THAT(node.read_config("frr.conf"), testing::Not(testing::HasSubstr("router-id 10.255.0.1")));
}

TEST_P(FrrAdapter, DriftIsPutBack) {
  const auto node = this->node();
  make_links(node);
  node.start();
  auto frr = node.frr();
  std::vector<FrrLines> owned;
  reconcile(frr, ours(), owned);
  node.frr_shell("vtysh -c 'configure terminal' -c 'interface wg0' -c 'ip ospf cost 77' -c 'no ip ospf mtu-ignore'");
  const auto change = reconcile(frr, ours(), owned);
  EXPECT_THAT(change.describe(), testing::UnorderedElementsAre("ospfd: interface wg0: ip ospf cost 10",
                                                               "ospfd: interface wg0: ip ospf mtu-ignore"));
  node.frr_shell("vtysh -c 'configure terminal' -c 'no router ospf'");
  EXPECT_FALSE(reconcile(frr, ours(), owned).empty());
  EXPECT_TRUE(reconcile(frr, ours(), owned).empty());
}

TEST_P(FrrAdapter, WhatWasSavedComesBackWithoutUs) {
  const auto node = this->node();
  make_links(node);
  node.write_config("frr.conf", operators_own);
  node.start();
  std::vector<FrrLines> owned;
  {
    auto frr = node.frr();
    reconcile(frr, ours(), owned);
  }
  node.kill_all();
  node.start();
  auto frr = node.frr();
  const auto change = diff_frr(ours(), owned, frr.running(all_daemons).value());
  EXPECT_THAT(change.describe(), testing::IsEmpty());
  EXPECT_THAT(frr.running({"bgpd"}).value().daemons.at("bgpd").at("router bgp 65001"),
              testing::Contains("neighbor 192.168.1.9 remote-as 65002"));

  // vtysh has handed our filters round to all daemons; they go from all of them.
  reconcile(frr, {}, owned);
  const auto left = frr.running(all_daemons).value();
  for (const auto& [daemon, contexts] : left.daemons)
    for (const auto& [context, lines] : contexts) {
      EXPECT_THAT(context, testing::Not(testing::HasSubstr("radial"))) << daemon;
      for (const auto& line : lines) EXPECT_THAT(line, testing::Not(testing::HasSubstr("radial"))) << daemon;
    }
}

TEST_P(FrrAdapter, SurvivesADaemonThatIsKilled) {
  const auto node = this->node();
  make_links(node);
  node.start();
  auto frr = node.frr();
  const auto first = frr.incarnation("ospfd");
  ASSERT_TRUE(first);
  EXPECT_EQ(frr.incarnation("ospfd"), first);
  ASSERT_TRUE(frr.ospf_neighbors());

  node.kill("ospfd");
  EXPECT_TRUE(eventually([&] { return !frr.serves("ospfd"); }));
  EXPECT_FALSE(frr.incarnation("ospfd"));
  const auto gone = frr.ospf_neighbors();
  ASSERT_FALSE(gone);
  EXPECT_EQ(gone.error().code, Errc::unavailable);
  EXPECT_THAT(gone.error().message, testing::HasSubstr("ospfd=yes in /etc/frr/daemons"));

  node.start("ospfd");
  EXPECT_TRUE(frr.ospf_neighbors()) << "reconnected on its own";
  EXPECT_NE(frr.incarnation("ospfd"), first);
  std::vector<FrrLines> owned;
  reconcile(frr, ours(), owned);
  EXPECT_TRUE(reconcile(frr, ours(), owned).empty());
}

TEST_P(FrrAdapter, AddingANeighborTouchesNoOtherAdjacency) {
  const auto hub = this->node({"zebra", "ospfd"});
  const auto site = this->node({"zebra", "ospfd"});
  FrrNode::wire(hub, "wg0", site, "wg0");
  hub.in("ip addr add 10.255.0.1/24 dev wg0");
  site.in("ip addr add 10.255.0.11/24 dev wg0");
  hub.start();
  site.start();
  const auto wire = [&](const char* id, const std::vector<std::string>& neighbors, bool is_hub) {
    FrrLines router{"ospfd", "router ospf", {std::string("ospf router-id ") + id}};
    for (const auto& neighbor : neighbors) router.lines.push_back("neighbor " + neighbor);
    const auto* mode = old()    ? "ip ospf network non-broadcast"
                       : is_hub ? "ip ospf network point-to-multipoint non-broadcast"
                                : "ip ospf network point-to-multipoint";
    return std::vector<FrrLines>{router,
                                 {"ospfd",
                                  "interface wg0",
                                  {mode, "ip ospf hello-interval 1", "ip ospf dead-interval 2",
                                   is_hub ? "ip ospf priority 255" : "ip ospf priority 0", "ip ospf area 0.0.0.0"}}};
  };
  auto frr = hub.frr();
  auto far = site.frr();
  const auto apply = [](Frr& to, const std::vector<FrrLines>& desired, const std::vector<FrrLines>& owned) {
    const auto change = diff_frr(desired, owned, to.running({"ospfd"}).value());
    const auto applied = to.apply(change);
    ASSERT_TRUE(applied) << applied.error().message;
  };
  apply(far, wire("10.255.0.11", old() ? std::vector<std::string>{"10.255.0.1"} : std::vector<std::string>{}, false),
        {});
  auto desired = wire("10.255.0.1", {"10.255.0.11"}, true);
  apply(frr, desired, {});
  const auto is_full = [&] {
    const auto neighbors = frr.ospf_neighbors();
    return neighbors && !neighbors->empty() && neighbors->front().state == "Full";
  };
  ASSERT_TRUE(eventually(is_full, 30s));
  const auto up_before = frr.ospf_neighbors().value().front().up;

  auto owned = desired;
  for (int i = 12; i < 112; ++i) {
    desired[0].lines.push_back(fmt::format("neighbor 10.255.0.{}", i));
    apply(frr, desired, owned);
    owned = desired;
  }
  desired[0].lines.resize(2);
  apply(frr, desired, owned);
  const auto neighbors = frr.ospf_neighbors().value();
  const auto kept = std::find_if(neighbors.begin(), neighbors.end(),
                                 [](const auto& n) { return n.address.to_string() == "10.255.0.11"; });
  ASSERT_NE(kept, neighbors.end());
  EXPECT_EQ(kept->state, "Full");
  EXPECT_GE(kept->up, up_before) << "it has been up all the time";
}

TEST_P(FrrAdapter, AnAddressInOspfAnnouncesItsPrefixAlone) {
  const auto node = this->node({"zebra", "ospfd"});
  make_links(node);
  node.in("ip addr add 172.16.5.1/24 dev lan0");
  node.start();
  auto frr = node.frr();
  const std::vector<FrrLines> desired = {
      {"ospfd", "router ospf", {"ospf router-id 10.255.0.1"}},
      {"ospfd",
       "interface lan0",
       {"ip ospf cost 7 192.168.1.1", "ip ospf passive 192.168.1.1", "ip ospf area 0.0.0.0 192.168.1.1"}}};
  ASSERT_TRUE(frr.apply(diff_frr(desired, {}, frr.running({"ospfd"}).value())));
  std::string lsas;
  EXPECT_TRUE(eventually(
      [&] {
        lsas = frr.command("ospfd", "show ip ospf database router self-originate").value();
        return lsas.find("192.168.1.0") != std::string::npos;
      },
      15s))
      << lsas;
  EXPECT_EQ(lsas.find("172.16.5"), std::string::npos) << lsas;
  const auto interfaces = frr.ospf_interfaces().value();
  ASSERT_FALSE(interfaces.empty());
  EXPECT_EQ(interfaces[0].cost, 7U);
  EXPECT_TRUE(interfaces[0].passive);
}

TEST_P(FrrAdapter, RefusalsCarryFrrsWordsAndStopNothingElse) {
  const auto node = this->node({"zebra", "ospfd"});
  make_links(node);
  node.start();
  auto frr = node.frr();
  FrrChange change;
  change.steps = {{"ospfd", "interface wg0", "ip ospf cost 10"},
                  {"ospfd", "interface wg0", "ip ospf colour blue"},
                  {"ospfd", "interface wg0", "ip ospf hello-interval 1"},
                  {"ospfd", "no such context", "ip ospf cost 1"}};
  const auto applied = frr.apply(change);
  ASSERT_FALSE(applied);
  EXPECT_EQ(applied.error().code, Errc::invalid_argument);
  EXPECT_THAT(applied.error().message,
              testing::AllOf(testing::HasSubstr("2 of 4"), testing::HasSubstr("ip ospf colour blue"),
                             testing::HasSubstr("Unknown command")));
  EXPECT_THAT(frr.running({"ospfd"}).value().daemons.at("ospfd").at("interface wg0"),
              testing::UnorderedElementsAre("ip ospf cost 10", "ip ospf hello-interval 1"));
  // Also where there are so many that they are one transaction first.
  change.steps.clear();
  for (int i = 0; i < 150; ++i) change.steps.push_back({"zebra", "", fmt::format("ip prefix-list many seq {} permit 10.0.{}.0/24", i + 1, i)});
  change.steps[70].line = "ip prefix-list many seq 71 permit blue";
  // mgmtd 10.3 dies of a transaction that does not validate; of a single line it does not.
  if (old()) change.steps[80].line += " le 8";
  const auto many = frr.apply(change);
  ASSERT_FALSE(many);
  EXPECT_THAT(many.error().message, testing::AllOf(testing::HasSubstr(old() ? "2 of 150" : "1 of 150"), testing::HasSubstr("permit blue"), testing::HasSubstr(old() ? "le 8" : "")));
  const auto lists = frr.running({"zebra"}).value().daemons.at("zebra").at("");
  EXPECT_EQ(std::count_if(lists.begin(), lists.end(), [](const std::string& line) { return line.starts_with("ip prefix-list many "); }), old() ? 148 : 149);
  // In config mode "show version" would be unknown.
  EXPECT_TRUE(frr.command("ospfd", "show version"));
  const auto unknown = frr.command("ospfd", "show nonsense");
  ASSERT_FALSE(unknown);
  EXPECT_THAT(unknown.error().message, testing::HasSubstr("Unknown command"));
  EXPECT_FALSE(frr.command("ospfd", "show version\nconfigure terminal")) << "one command is one line";
  EXPECT_FALSE(frr.command("../frr/ospfd", "show version"));
  EXPECT_EQ(frr.version().value(), old() ? "8.4.4" : "10.3");
}

TEST_P(FrrAdapter, WaitsForTheLockOfAnotherSession) {
  if (old()) return;  // without mgmtd there is no such lock
  const auto node = this->node({"zebra", "staticd"});
  make_links(node);
  node.start();
  auto other = node.frr();
  ASSERT_TRUE(eventually([&] { return other.command("mgmtd", "configure terminal file-lock").has_value(); }, 10s));
  std::thread release([&] {
    std::this_thread::sleep_for(500ms);  // the time that the other session takes
    EXPECT_TRUE(other.command("mgmtd", "end"));
  });
  auto frr = node.frr();
  FrrChange change;
  change.steps = {{"staticd", "", "ip route 10.20.0.0/16 10.255.0.11 wg0 250"}};
  const auto applied = frr.apply(change);
  release.join();
  ASSERT_TRUE(applied) << applied.error().message;
  EXPECT_THAT(frr.running({"staticd"}).value().daemons.at("staticd").at(""),
              testing::Contains("ip route 10.20.0.0/16 10.255.0.11 wg0 250"));
  EXPECT_THAT(frr.running({"zebra"}).value().daemons.at("zebra").at(""),
              testing::Not(testing::Contains(testing::HasSubstr("ip route"))));
}

TEST_P(FrrAdapter, ManyLinesAndALargeAnswer) {
  const auto node = this->node({"zebra", "ospfd", "staticd"});
  make_links(node);
  node.start();
  auto frr = node.frr();
  const std::set<std::string> daemons{"zebra", "ospfd", "staticd"};
  std::vector<FrrLines> desired = {{"ospfd", "router ospf", {}}, {"staticd", "", {}}};
  for (int i = 0; i < 250; ++i) desired[0].lines.push_back(fmt::format("neighbor 10.255.{}.{}", i / 200, i % 200 + 2));
  // The filter of a hub with 400 sites: in seconds.
  FrrLines lists{"zebra", "", {}};
  std::vector<FrrLines> maps;
  for (int i = 0; i < 400; ++i) {
    for (int k = 0; k < 4; ++k) lists.lines.push_back(fmt::format("ip prefix-list radial-s{} seq {} permit 10.{}.{}.0/24", i, 5 * (k + 1), i / 50, i % 50 * 4 + k));
    maps.push_back({"zebra", fmt::format("route-map radial permit {}", i + 1), {fmt::format("match ip address prefix-list radial-s{}", i)}});
  }
  desired.push_back(lists);
  desired.insert(desired.end(), maps.begin(), maps.end());
  for (int i = 0; i < 100; ++i) desired[1].lines.push_back(fmt::format("ip route 10.{}.0.0/16 10.255.0.11 wg0 250", i));
  const auto began = std::chrono::steady_clock::now();
  const auto applied = frr.apply(diff_frr(desired, {}, frr.running(daemons).value()));
  ASSERT_TRUE(applied) << applied.error().message;
  RecordProperty("apply_ms", std::to_string((std::chrono::steady_clock::now() - began) / 1ms));
  EXPECT_THAT(diff_frr(desired, {}, frr.running(daemons).value()).describe(), testing::IsEmpty());
  const auto installed = [&] {
    const auto routes = frr.routes(Family::v4).value();
    return std::count_if(routes.begin(), routes.end(),
                         [](const auto& route) { return route.protocol == "static" && route.installed; });
  };
  EXPECT_TRUE(eventually([&] { return installed() == 100; }, 20s)) << installed();
  ASSERT_TRUE(frr.apply(diff_frr({}, desired, frr.running(daemons).value())));
  EXPECT_THAT(frr.running({"zebra"}).value().daemons.at("zebra"), testing::Not(testing::Contains(testing::Key(testing::HasSubstr("route-map")))));
  EXPECT_FALSE(frr.running({"ospfd"}).value().daemons.at("ospfd").contains("router ospf"));
}

}  // namespace
}  // namespace radial::host
