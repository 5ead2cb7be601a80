#include <chrono>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "host/frr.h"
#include "host/frr_rules.h"

namespace radial::host {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using Kind = FrrChange::Kind;
using Contexts = std::map<std::string, std::vector<std::string>>;

const std::vector<FrrLines> wire = {
    {"ospfd", "router ospf", {"ospf router-id 10.255.0.1", "neighbor 10.255.0.11", "neighbor 10.255.0.12"}},
    {"ospfd", "interface wg0", {"ip ospf dead-interval 4", "ip ospf cost 10", "ip ospf area 0.0.0.0"}},
};

FrrRunning ospfd(Contexts contexts) {
  contexts[""];
  return {{{"ospfd", std::move(contexts)}}};
}

// The lines as FRR would hold them.
FrrRunning running_with(const std::vector<FrrLines>& stanzas, Contexts others = {}) {
  FrrRunning running;
  for (const auto& stanza : stanzas) {
    auto& lines = running.daemons[stanza.daemon][stanza.context];
    lines.insert(lines.end(), stanza.lines.begin(), stanza.lines.end());
  }
  for (auto& [daemon, contexts] : running.daemons) {
    contexts[""];
    for (const auto& [context, lines] : others)
      contexts[context].insert(contexts[context].end(), lines.begin(), lines.end());
  }
  return running;
}

TEST(FrrDiff, AddsInTheOrderDesired) {
  const auto change = diff_frr(wire, {}, ospfd({}));
  EXPECT_THAT(change.describe(),
              ElementsAre("ospfd: router ospf: ospf router-id 10.255.0.1", "ospfd: router ospf: neighbor 10.255.0.11",
                          "ospfd: router ospf: neighbor 10.255.0.12", "ospfd: interface wg0: ip ospf dead-interval 4",
                          "ospfd: interface wg0: ip ospf cost 10", "ospfd: interface wg0: ip ospf area 0.0.0.0"));
  EXPECT_EQ(change.added, wire);
  EXPECT_THAT(change.conflicts, IsEmpty());
}

TEST(FrrDiff, IsEmptyWhenAllIsThereInAnyOrderAndSpelling) {
  const auto running =
      ospfd({{"interface wg0", {"ip ospf area 0", "ip ospf cost 10", "ip ospf dead-interval 4", "ip ospf mtu-ignore"}},
             {"router ospf",
              {"neighbor 10.255.0.12", "redistribute static", "neighbor 10.255.0.11", "ospf router-id 10.255.0.1"}}});
  EXPECT_TRUE(diff_frr(wire, wire, running).empty());
  EXPECT_TRUE(diff_frr(wire, {}, running).empty()) << "what is there already needs no owner";
  EXPECT_THAT(diff_frr(wire, {}, running).added, IsEmpty()) << "and does not become ours";
}

TEST(FrrDiff, DefaultsThatFrrDoesNotPrintAreSatisfied) {
  const std::vector<FrrLines> desired = {
      {"ospfd", "interface wg0", {"ip ospf hello-interval 10", "ip ospf priority 1"}},
      {"ospfd",
       "router ospf",
       {"timers lsa min-arrival 1000", "timers throttle lsa all 5000", "timers throttle spf 0 50 5000"}}};
  EXPECT_TRUE(diff_frr(desired, {}, ospfd({})).empty());
  // Coming back from another value of ours takes a line.
  const std::vector<FrrLines> owned = {{"ospfd", "interface wg0", {"ip ospf hello-interval 1"}}};
  const auto change = diff_frr(desired, owned, running_with(owned));
  ASSERT_EQ(change.steps.size(), 1U);
  EXPECT_EQ(change.steps[0], (FrrChange::Step{"ospfd", "interface wg0", "ip ospf hello-interval 10", Kind::replace,
                                              "ip ospf hello-interval 1"}));
}

TEST(FrrDiff, ASingleValueIsReplacedInPlace) {
  auto desired = wire;
  desired[1].lines[1] = "ip ospf cost 20";
  const auto change = diff_frr(desired, wire, running_with(wire));
  EXPECT_THAT(change.steps, ElementsAre(FrrChange::Step{"ospfd", "interface wg0", "ip ospf cost 20", Kind::replace,
                                                        "ip ospf cost 10"}));
}

TEST(FrrDiff, AValueThatDriftedIsPutBack) {
  const auto running =
      ospfd({{"interface wg0", {"ip ospf dead-interval 40", "ip ospf cost 10", "ip ospf area 0.0.0.0"}},
             {"router ospf", wire[0].lines}});
  const auto change = diff_frr(wire, wire, running);
  EXPECT_THAT(change.describe(), ElementsAre("ospfd: interface wg0: ip ospf dead-interval 4"));
  EXPECT_THAT(change.conflicts, IsEmpty());
}

TEST(FrrDiff, AnAreaIsTakenAwayBeforeAnotherIsSet) {
  auto desired = wire;
  desired[1].lines[2] = "ip ospf area 0.0.0.7";
  EXPECT_THAT(diff_frr(desired, wire, running_with(wire)).steps,
              ElementsAre(FrrChange::Step{"ospfd", "interface wg0", "no ip ospf area 0.0.0.0", Kind::remove,
                                          "ip ospf area 0.0.0.0"},
                          FrrChange::Step{"ospfd", "interface wg0", "ip ospf area 0.0.0.7", Kind::add, ""}));
}

TEST(FrrDiff, OptionsOfANeighborGoBackToTheirDefaultsByName) {
  const std::vector<FrrLines> owned = {{"ospfd", "router ospf", {"neighbor 10.255.0.11 priority 3 poll-interval 1"}}};
  const std::vector<FrrLines> desired = {{"ospfd", "router ospf", {"neighbor 10.255.0.11"}}};
  EXPECT_THAT(diff_frr(desired, owned, running_with(owned)).describe(),
              ElementsAre("ospfd: router ospf: neighbor 10.255.0.11 priority 0 poll-interval 60"));
  const std::vector<FrrLines> turned = {{"ospfd", "router ospf", {"neighbor 10.255.0.11 poll-interval 1 priority 3"}}};
  EXPECT_TRUE(diff_frr(turned, owned, running_with(owned)).empty()) << "the order of options does not count";
}

TEST(FrrDiff, RemovesOurLinesThatAreNoLongerDesiredAndNothingElse) {
  auto desired = wire;
  desired[0].lines.pop_back();
  const auto running = running_with(wire, {{"router ospf", {"neighbor 10.9.9.9", "redistribute static"}}});
  EXPECT_THAT(diff_frr(desired, wire, running).describe(), ElementsAre("ospfd: router ospf: no neighbor 10.255.0.12"));
}

TEST(FrrDiff, ALineOfOursThatIsGoneNeedsNoRemoval) { EXPECT_TRUE(diff_frr({}, wire, ospfd({})).empty()); }

TEST(FrrDiff, DownRemovesAgainstTheOrderAndTheRouterAsAWhole) {
  EXPECT_THAT(diff_frr({}, wire, running_with(wire)).describe(),
              ElementsAre("ospfd: interface wg0: no ip ospf area 0.0.0.0", "ospfd: interface wg0: no ip ospf cost 10",
                          "ospfd: interface wg0: no ip ospf dead-interval 4", "ospfd: no router ospf"));
}

TEST(FrrDiff, ARouterThatSomebodyElseUsesStays) {
  const auto with_lines = running_with(wire, {{"router ospf", {"redistribute static"}}});
  EXPECT_THAT(diff_frr({}, wire, with_lines).describe(), testing::Not(testing::Contains("ospfd: no router ospf")));
  EXPECT_THAT(diff_frr({}, wire, with_lines).describe(),
              testing::Contains("ospfd: router ospf: no ospf router-id 10.255.0.1"));

  const auto with_interface = running_with(wire, {{"interface eth0", {"ip ospf area 0"}}});
  EXPECT_THAT(diff_frr({}, wire, with_interface).describe(), testing::Not(testing::Contains("ospfd: no router ospf")))
      << "an operator's interface in OSPF needs the router, empty as it is";
}

TEST(FrrDiff, SomebodyElsesValueIsAConflictAndStays) {
  const auto running = ospfd({{"router ospf", {"ospf router-id 9.9.9.9"}}});
  const auto change = diff_frr(wire, {}, running);
  ASSERT_EQ(change.conflicts.size(), 1U);
  EXPECT_THAT(
      change.conflicts[0],
      testing::AllOf(testing::HasSubstr("ospf router-id 9.9.9.9"), testing::HasSubstr("ospf router-id 10.255.0.1"),
                     testing::HasSubstr("router ospf"), testing::HasSubstr("fabric file")));
  EXPECT_THAT(change.describe(), testing::Not(testing::Contains(testing::HasSubstr("router-id"))));
  EXPECT_THAT(change.describe(), testing::Contains("ospfd: interface wg0: ip ospf cost 10")) << "the rest goes on";
  // It does not become ours by being wished for.
  const auto owned = owned_before({}, change);
  EXPECT_EQ(diff_frr(wire, owned, running).conflicts.size(), 1U);
}

TEST(FrrDiff, NetworkStatementsOfSomebodyElseExcludeAreasOnInterfaces) {
  const auto change = diff_frr(wire, {}, ospfd({{"router ospf", {"network 192.0.2.0/24 area 0"}}}));
  ASSERT_EQ(change.conflicts.size(), 1U);
  EXPECT_THAT(change.conflicts[0], testing::HasSubstr("network 192.0.2.0/24 area 0"));
  EXPECT_THAT(change.describe(), testing::Not(testing::Contains(testing::HasSubstr("ip ospf area"))));
}

TEST(FrrDiff, StaticRoutesExcludeEachOtherByPrefixAndNextHop) {
  const std::vector<FrrLines> desired = {
      {"staticd", "", {"ip route 10.1.0.0/16 10.255.0.11 wg0 250", "ip route 10.2.0.0/16 10.255.0.12 wg0 250"}}};
  FrrRunning running{{{"staticd", {{"", {"ip route 10.1.0.0/16 10.255.0.11 wg0", "ip route 10.1.0.0/16 192.0.2.1"}}}}}};
  const auto change = diff_frr(desired, {}, running);
  EXPECT_THAT(change.describe(), ElementsAre("staticd: ip route 10.2.0.0/16 10.255.0.12 wg0 250"));
  EXPECT_EQ(change.conflicts.size(), 1U) << "same prefix and next hop, another distance, not ours";
  running.daemons["staticd"][""] = {"ip route 10.1.0.0/16 10.255.0.11 wg0 200",
                                    "ip route 10.2.0.0/16 10.255.0.12 wg0 250"};
  const std::vector<FrrLines> owned = {{"staticd", "", {"ip route 10.1.0.0/16 10.255.0.11 wg0 200"}}};
  EXPECT_THAT(diff_frr(desired, owned, running).describe(),
              ElementsAre("staticd: ip route 10.1.0.0/16 10.255.0.11 wg0 250"));
  EXPECT_THAT(diff_frr({}, owned, running).describe(),
              ElementsAre("staticd: no ip route 10.1.0.0/16 10.255.0.11 wg0 200"));
}

TEST(FrrDiff, AContextWithoutLinesIsMadeAndGoes) {
  const std::vector<FrrLines> desired = {{"zebra", "route-map radial permit 10", {}}};
  const FrrRunning none{{{"zebra", {{"", {}}}}}};
  const auto change = diff_frr(desired, {}, none);
  EXPECT_THAT(change.steps, ElementsAre(FrrChange::Step{"zebra", "route-map radial permit 10", "", Kind::add, ""}));
  EXPECT_EQ(owned_before({}, change), desired);
  const FrrRunning there{{{"zebra", {{"", {}}, {"route-map radial permit 10", {}}}}}};
  EXPECT_TRUE(diff_frr(desired, desired, there).empty());
  EXPECT_THAT(diff_frr({}, desired, there).describe(), ElementsAre("zebra: no route-map radial permit 10"));
}

TEST(FrrDiff, ARouteMapGoesAsAWholeNotLineByLine) {
  // Without its match a deny entry would deny everything for a moment.
  const std::vector<FrrLines> owned = {{"zebra", "", {"ip prefix-list radial seq 5 permit 10.0.0.0/8"}},
                                       {"zebra", "route-map radial deny 10", {"match ip address prefix-list radial"}}};
  EXPECT_THAT(
      diff_frr({}, owned, running_with(owned)).describe(),
      ElementsAre("zebra: no route-map radial deny 10", "zebra: no ip prefix-list radial seq 5 permit 10.0.0.0/8"));
}

TEST(FrrDiff, CopiesOfOurFiltersInOtherDaemonsGoWithThem) {
  const std::vector<FrrLines> owned = {{"bgpd", "", {"ip prefix-list radial seq 5 permit 10.0.0.0/8"}}};
  auto running = running_with(owned);
  running.daemons["zebra"][""] = {"ip prefix-list radial seq 5 permit 10.0.0.0/8",
                                  "ip prefix-list theirs seq 5 deny any"};
  EXPECT_TRUE(diff_frr(owned, owned, running).empty()) << "while it is wanted a copy does no harm";
  EXPECT_THAT(diff_frr({}, owned, running).describe(),
              testing::UnorderedElementsAre("bgpd: no ip prefix-list radial seq 5 permit 10.0.0.0/8",
                                            "zebra: no ip prefix-list radial seq 5 permit 10.0.0.0/8"));
  const std::vector<FrrLines> entry = {{"zebra", "route-map radial deny 20", {}}};
  auto handed_round = running_with(entry);
  handed_round.daemons["ospfd"] = handed_round.daemons["zebra"];
  EXPECT_THAT(
      diff_frr({}, entry, handed_round).describe(),
      testing::UnorderedElementsAre("zebra: no route-map radial deny 20", "ospfd: no route-map radial deny 20"));
}

TEST(FrrDiff, NestedContextsGoFromTheOutsideWhenAllIsOurs) {
  const std::vector<FrrLines> owned = {
      {"bfdd", "bfd / profile radial", {"transmit-interval 100", "receive-interval 100"}}};
  auto running = running_with(owned);
  running.daemons["bfdd"]["bfd"];
  EXPECT_THAT(diff_frr({}, owned, running).describe(), ElementsAre("bfdd: no bfd"));
  running.daemons["bfdd"]["bfd / peer 192.0.2.1"] = {"profile theirs"};
  EXPECT_THAT(diff_frr({}, owned, running).describe(), ElementsAre("bfdd: bfd: no profile radial"));
  // 8.4 knows no "no transmit-interval".
  const std::vector<FrrLines> less = {{"bfdd", "bfd / profile radial", {"receive-interval 100"}}};
  EXPECT_THAT(diff_frr(less, owned, running).describe(),
              ElementsAre("bfdd: bfd / profile radial: transmit-interval 300"));
}

TEST(FrrDiff, LinesThatStartWithNoAreTakenAwayByTheirPositive) {
  const std::vector<FrrLines> owned = {{"bgpd", "router bgp 65000", {"no bgp default ipv4-unicast"}}};
  EXPECT_THAT(diff_frr({}, owned, running_with(owned, {{"router bgp 65000", {"bgp router-id 1.1.1.1"}}})).describe(),
              ElementsAre("bgpd: router bgp 65000: bgp default ipv4-unicast"));
}

TEST(FrrDiff, DaemonsThatWereNotLookedAtAreNotJudged) { EXPECT_TRUE(diff_frr({}, wire, FrrRunning{}).empty()); }

TEST(FrrDiff, OwnershipFollowsAChange) {
  auto desired = wire;
  desired[1].lines[1] = "ip ospf cost 20";
  const auto change = diff_frr(desired, wire, running_with(wire));
  const auto before = owned_before(wire, change);
  EXPECT_THAT(before[1].lines, testing::Contains("ip ospf cost 20"));
  EXPECT_THAT(before[1].lines, testing::Contains("ip ospf cost 10")) << "a crash now must know both";
  const auto after = owned_after(before, desired);
  EXPECT_THAT(after[1].lines, testing::Not(testing::Contains("ip ospf cost 10")));
  EXPECT_TRUE(diff_frr(desired, after, running_with(desired)).empty());
}

TEST(FrrDiff, AHubOfAThousandSitesIsComparedInNoTime) {
  std::vector<FrrLines> stanzas = {{"ospfd", "router ospf", {}}, {"staticd", "", {}}};
  for (int i = 0; i < 1000; ++i) {
    stanzas[0].lines.push_back(fmt::format("neighbor 10.{}.{}.1 poll-interval 1", i / 250, i % 250));
    stanzas[1].lines.push_back(fmt::format("ip route 192.{}.{}.0/24 10.255.0.1 wg0 250", i / 250, i % 250));
  }
  const auto began = std::chrono::steady_clock::now();
  EXPECT_TRUE(diff_frr(stanzas, stanzas, running_with(stanzas)).empty());
  EXPECT_EQ(diff_frr({}, stanzas, running_with(stanzas)).steps.size(), 1001U);
  EXPECT_LT(std::chrono::steady_clock::now() - began, std::chrono::seconds(2)) << "quadratic again?";
}

TEST(FrrDiff, SecretsStayOutOfTheDescription) {
  const std::vector<FrrLines> desired = {{"ospfd", "interface wg0", {"ip ospf message-digest-key 1 md5 hunter2"}}};
  EXPECT_THAT(diff_frr(desired, {}, ospfd({})).describe(),
              ElementsAre("ospfd: interface wg0: ip ospf message-digest-key 1 md5 (hidden)"));
  const auto conflict =
      diff_frr(desired, {}, ospfd({{"interface wg0", {"ip ospf message-digest-key 1 md5 swordfish"}}}));
  ASSERT_EQ(conflict.conflicts.size(), 1U);
  EXPECT_THAT(conflict.conflicts[0],
              testing::Not(testing::AnyOf(testing::HasSubstr("hunter2"), testing::HasSubstr("swordfish"))));
}

// bgpd has one router of the default VRF.
const std::vector<FrrLines> sessions = {
    {"bgpd", "router bgp 65000", {"bgp router-id 10.255.0.1", "neighbor 10.255.0.11 remote-as 65000"}},
    {"bgpd", "router bgp 65000 / address-family ipv4 unicast", {"neighbor 10.255.0.11 activate"}},
};

TEST(FrrDiff, AnOperatorsBgpOfAnotherAsIsOneConflict) {
  FrrRunning running;
  running.daemons["bgpd"] = {{"", {}}, {"router bgp 64999", {"neighbor 203.0.113.1 remote-as 64998"}}};
  const auto change = diff_frr(sessions, {}, running);
  EXPECT_TRUE(change.empty()) << change.describe().front();
  ASSERT_EQ(change.conflicts.size(), 1U);
  EXPECT_NE(change.conflicts[0].find("router bgp 64999"), std::string::npos) << change.conflicts[0];
  EXPECT_NE(change.conflicts[0].find("asn: 64999"), std::string::npos) << change.conflicts[0];
  running.daemons["bgpd"] = {{"", {}}, {"router bgp 64999 vrf blue", {"neighbor 203.0.113.1 remote-as 64998"}}};
  EXPECT_EQ(diff_frr(sessions, {}, running).steps.size(), 3U) << "a VRF has its own";
}

TEST(FrrDiff, OurOwnBgpOfAnotherAsMakesRoomFirst) {
  auto old = sessions;
  for (auto& stanza : old) stanza.context.replace(stanza.context.find("65000"), 5, "65001");
  const auto change = diff_frr(sessions, old, running_with(old));
  EXPECT_THAT(change.describe(),
              ElementsAre("bgpd: no router bgp 65001", "bgpd: router bgp 65000: bgp router-id 10.255.0.1",
                          "bgpd: router bgp 65000: neighbor 10.255.0.11 remote-as 65000",
                          "bgpd: router bgp 65000 / address-family ipv4 unicast: neighbor 10.255.0.11 activate"));
  // With a line of somebody else's in it, it stays, and is in the way.
  auto running = running_with(old);
  running.daemons["bgpd"]["router bgp 65001"].push_back("neighbor 203.0.113.1 remote-as 64998");
  EXPECT_EQ(diff_frr(sessions, old, running).conflicts.size(), 1U);
}

TEST(FrrDiff, ASiteThatGoesTakesItsSessionAndFilterAndNoOther) {
  std::vector<FrrLines> both = {
      {"bgpd", "", {"ip prefix-list radial-in-a seq 5 permit 192.168.20.0/24 le 32", "ip prefix-list radial-in-b seq 5 deny any"}},
      {"bgpd", "router bgp 65000", {"neighbor 10.255.0.11 peer-group radial-sites", "neighbor 10.255.0.12 peer-group radial-sites"}},
      {"bgpd", "router bgp 65000 / address-family ipv4 unicast",
       {"neighbor 10.255.0.11 maximum-prefix 257 restart 1", "neighbor 10.255.0.12 maximum-prefix 257 restart 1",
        "neighbor 10.255.0.11 prefix-list radial-in-a in", "neighbor 10.255.0.11 activate",
        "neighbor 10.255.0.12 prefix-list radial-in-b in", "neighbor 10.255.0.12 activate"}},
  };
  auto one = both;
  for (auto& stanza : one)
    std::erase_if(stanza.lines, [](const auto& line) { return line.find(".12") != line.npos || line.find("-b ") != line.npos; });
  EXPECT_THAT(diff_frr(one, both, running_with(both)).describe(),
              ElementsAre("bgpd: router bgp 65000 / address-family ipv4 unicast: no neighbor 10.255.0.12 activate",
                          "bgpd: router bgp 65000 / address-family ipv4 unicast: no neighbor 10.255.0.12 prefix-list radial-in-b in",
                          "bgpd: router bgp 65000 / address-family ipv4 unicast: no neighbor 10.255.0.12 maximum-prefix 257 restart 1",
                          "bgpd: router bgp 65000: no neighbor 10.255.0.12 peer-group radial-sites",
                          "bgpd: no ip prefix-list radial-in-b seq 5 deny any"));
}

}  // namespace
}  // namespace radial::host
