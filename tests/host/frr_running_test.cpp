#include "host/frr_running.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/file.h"
#include "support/paths.h"

namespace radial::host::frr {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

std::string data(const std::string& version, const std::string& name) {
  return read_file(test::source_dir() + "/tests/host/data/frr/" + version + "/" + name).value();
}

class FrrRunningOf : public testing::TestWithParam<std::string> {};
INSTANTIATE_TEST_SUITE_P(Captured, FrrRunningOf, testing::Values("8.4", "10.3"),
                         [](const auto& version) { return version.param == "8.4" ? "Frr84" : "Frr103"; });

TEST_P(FrrRunningOf, OspfContextsAndLines) {
  const auto contexts = contexts_of(data(GetParam(), "running_ospfd.txt"));
  EXPECT_THAT(contexts.at("interface lan0"),
              testing::UnorderedElementsAre("ip ospf cost 10 192.168.1.1", "ip ospf area 0 192.168.1.1",
                                            "ip ospf passive 192.168.1.1"));
  EXPECT_THAT(contexts.at("router ospf"),
              testing::UnorderedElementsAre("ospf router-id 10.255.0.1", "auto-cost reference-bandwidth 1000",
                                            "timers throttle spf 10 50 1000", "timers throttle lsa all 0",
                                            "timers lsa min-arrival 0", "redistribute static",
                                            "neighbor 10.255.0.11 poll-interval 1", "neighbor 10.255.0.12 priority 3"));
  EXPECT_THAT(contexts.at("router ospf vrf red"), IsEmpty()) << "a context without lines is a context all the same";
  EXPECT_EQ(contexts.at("interface wg0").size(), 9U);
}

TEST_P(FrrRunningOf, NestedContextsCarryTheirParents) {
  const auto bgp = contexts_of(data(GetParam(), "running_bgpd.txt"));
  EXPECT_THAT(bgp.at("router bgp 65000 / address-family ipv6 unicast"),
              ElementsAre("network fd00:1::/64", "neighbor SITES activate", "neighbor SITES route-reflector-client"));
  EXPECT_THAT(bgp.at("router bgp 65000 / address-family ipv4 unicast"), ElementsAre("network 10.0.0.0/8"));
  EXPECT_THAT(bgp.at("router bgp 65000"), testing::Contains("neighbor SITES timers 1 4"));

  const auto bfd = contexts_of(data(GetParam(), "running_bfdd.txt"));
  EXPECT_THAT(bfd.at("bfd"), IsEmpty());
  EXPECT_THAT(bfd.at("bfd / profile w"), ElementsAre("transmit-interval 100", "receive-interval 100"));
  EXPECT_THAT(bfd.at("bfd / profile x"), ElementsAre("detect-multiplier 5"));
  EXPECT_THAT(bfd.at("bfd / peer 10.255.0.11"), ElementsAre("profile w"));
}

TEST(FrrRunning, MgmtdPrintsRouteMapsTwiceAndTheyCountOnce) {
  const auto contexts = contexts_of(data("10.3", "running_mgmtd.txt"));
  EXPECT_THAT(contexts.at("route-map RM permit 10"),
              ElementsAre("match ip address prefix-list PL", "set src 10.255.0.1"));
  EXPECT_THAT(contexts.at("route-map RM deny 20"), IsEmpty());
  EXPECT_THAT(contexts.at("interface wg0"), ElementsAre("description hello there"));
  EXPECT_THAT(contexts.at(""),
              testing::IsSupersetOf({"ip route 10.9.0.0/16 10.255.0.9 wg0 250", "zebra route-map delay-timer 0",
                                     "ip prefix-list PL seq 10 deny any"}));
}

TEST_P(FrrRunningOf, TheSavedFileHoldsAllDaemonsContexts) {
  const auto contexts = contexts_of(data(GetParam(), "frr.conf"));
  EXPECT_THAT(contexts.at("interface wg0"),
              testing::IsSupersetOf({"description hello there", "ip ospf cost 10", "ipv6 ospf6 area 0"}));
  EXPECT_THAT(contexts.at("router bgp 65000 / address-family ipv6 unicast"), testing::SizeIs(3));
  EXPECT_THAT(contexts.at("bfd / profile w"), testing::SizeIs(2));
  EXPECT_THAT(contexts.at(""), testing::Contains("ip protocol ospf route-map RM"));
}

TEST(FrrRunning, AFileWithoutIndentationFollowsItsOpeningWords) {
  const auto contexts = contexts_of(
      "hostname r1\ninterface eth0\nip ospf area 0\nip ospf cost 5\n!\ninterface eth1\ndescription x\nrouter ospf\n"
      "redistribute static\nexit\nip route 10.0.0.0/8 192.0.2.1\nend\n");
  EXPECT_THAT(contexts.at("interface eth0"), ElementsAre("ip ospf area 0", "ip ospf cost 5"));
  EXPECT_THAT(contexts.at("interface eth1"), ElementsAre("description x"));
  EXPECT_THAT(contexts.at("router ospf"), ElementsAre("redistribute static"));
  EXPECT_THAT(contexts.at(""), ElementsAre("hostname r1", "ip route 10.0.0.0/8 192.0.2.1"));
}

TEST(FrrRunning, OldFilesWithoutExitEndAContextByIndentation) {
  const auto contexts = contexts_of(
      "interface eth0\n ip ospf cost 5\nip route 10.0.0.0/8 192.0.2.1\nrouter bgp 1\n address-family ipv4 unicast\n"
      "  network 10.0.0.0/8\n bgp router-id 1.1.1.1\nline vty\n");
  EXPECT_THAT(contexts.at("interface eth0"), ElementsAre("ip ospf cost 5"));
  EXPECT_THAT(contexts.at(""), ElementsAre("ip route 10.0.0.0/8 192.0.2.1"));
  EXPECT_THAT(contexts.at("router bgp 1 / address-family ipv4 unicast"), ElementsAre("network 10.0.0.0/8"));
  EXPECT_THAT(contexts.at("router bgp 1"), ElementsAre("bgp router-id 1.1.1.1"));
}

TEST(FrrRunning, NothingAndNonsenseAreNoContexts) {
  EXPECT_THAT(contexts_of(""), ElementsAre(testing::Pair("", IsEmpty())));
  EXPECT_THAT(contexts_of("exit\nexit\n!\n end\n\n  exit-address-family\n").at(""), testing::SizeIs(testing::Le(1U)));
}

TEST(FrrRunning, KeysLeadBackToTheirCommands) {
  EXPECT_THAT(context_path("router bgp 1 / address-family ipv6 unicast"),
              ElementsAre("router bgp 1", "address-family ipv6 unicast"));
  EXPECT_THAT(context_path(""), IsEmpty());
  EXPECT_EQ(parent_of("bfd / profile w"), "bfd");
  EXPECT_EQ(parent_of("bfd"), "");
  EXPECT_TRUE(is_within("bfd / profile w", "bfd"));
  EXPECT_FALSE(is_within("router ospf6", "router ospf"));
}

TEST(TornEntries, AreOursAndOnOneSideOnly) {
  const std::string kept = "ip prefix-list radial-never seq 1 permit 10.0.0.0/8";
  const std::string ghost = "ip prefix-list radial-never seq 2 permit 192.168.20.0/24 le 32";
  const std::string lost = "ipv6 prefix-list radial-never6 seq 3 permit fd00::/16";
  const std::string operators = "ip prefix-list mine seq 5 permit any";
  EXPECT_EQ(torn_entries({kept, ghost, operators, "log syslog"}, {kept, lost, "ip route 10.1.0.0/16 wg0"}), (std::vector<std::string>{ghost, lost}));
  EXPECT_TRUE(torn_entries({kept, operators}, {kept}).empty());
  EXPECT_TRUE(torn_entries({"log syslog"}, {kept, lost}).empty()) << "a zebra that prints none";
}

}  // namespace
}  // namespace radial::host::frr
