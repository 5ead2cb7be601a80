#include "host/frr_file.h"

#include <chrono>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/file.h"
#include "host/frr_running.h"
#include "support/paths.h"

namespace radial::host::frr {
namespace {

const std::vector<FrrLines> ours = {
    {"ospfd", "router ospf", {"ospf router-id 10.255.0.1", "neighbor 10.255.0.11"}},
    {"ospfd", "interface wg0", {"ip ospf cost 10", "ip ospf area 0.0.0.0"}},
    {"staticd", "", {"ip route 10.9.0.0/16 10.255.0.11 wg0 250"}},
    {"bfdd", "bfd / profile radial", {"transmit-interval 100"}},
};

constexpr const char* theirs = R"(! written by hand, 2019
frr defaults traditional
hostname edge
!
! the uplink; do not touch
interface eth0
 description uplink
exit
!
ip route 0.0.0.0/0 192.0.2.1
!
router bgp 65001
 neighbor 192.0.2.1 remote-as 65002
 !
 address-family ipv4 unicast
  network 198.51.100.0/24
 exit-address-family
exit
!
)";

TEST(FrrFile, GoesInBesideWhatIsThere) {
  EXPECT_EQ(merge_config(theirs, ours, {}), std::string(theirs) + R"(router ospf
 ospf router-id 10.255.0.1
 neighbor 10.255.0.11
exit
!
interface wg0
 ip ospf cost 10
 ip ospf area 0.0.0.0
exit
!
ip route 10.9.0.0/16 10.255.0.11 wg0 250
!
bfd
 profile radial
  transmit-interval 100
 exit
 !
exit
!
)");
}

TEST(FrrFile, IsDoneOnce) {
  const auto once = merge_config(theirs, ours, {});
  EXPECT_EQ(merge_config(once, ours, ours), once);
}

TEST(FrrFile, ComesOutAgainAndLeavesEveryOtherByte) {
  const auto in = merge_config(theirs, ours, {});
  const auto out = merge_config(in, {}, ours);
  EXPECT_EQ(out, theirs);
}

TEST(FrrFile, SharesAContextWithSomebodyElse) {
  const std::string text =
      "router ospf\n redistribute static\n passive-interface eth9\nexit\n!\ninterface wg0\n description mine\nexit\n";
  const auto in = merge_config(text, ours, {});
  EXPECT_THAT(in, testing::HasSubstr("router ospf\n redistribute static\n passive-interface eth9\n ospf router-id "
                                     "10.255.0.1\n neighbor 10.255.0.11\nexit\n"));
  EXPECT_THAT(in,
              testing::HasSubstr("interface wg0\n description mine\n ip ospf cost 10\n ip ospf area 0.0.0.0\nexit\n"));
  const auto out = merge_config(in, {}, ours);
  EXPECT_EQ(out, text + "!\n") << "but for a separator behind a block that had none";
}

TEST(FrrFile, ReplacesAValueWhereItStands) {
  const auto in = merge_config(theirs, ours, {});
  auto desired = ours;
  desired[1].lines[0] = "ip ospf cost 77";
  auto expected = in;
  expected.replace(expected.find("ip ospf cost 10"), 15, "ip ospf cost 77");
  EXPECT_EQ(merge_config(in, desired, ours), expected);
}

TEST(FrrFile, LeavesAValueThatIsNotOurs) {
  const std::string text = "router ospf\n ospf router-id 9.9.9.9\nexit\n";
  const auto in = merge_config(text, ours, {});
  EXPECT_THAT(in, testing::HasSubstr("ospf router-id 9.9.9.9"));
  EXPECT_THAT(in, testing::Not(testing::HasSubstr("ospf router-id 10.255.0.1")));
}

TEST(FrrFile, StaysBeforeAFinalEnd) {
  const auto in = merge_config("hostname a\nend\n", {{"staticd", "", {"ip route 10.0.0.0/8 blackhole"}}}, {});
  EXPECT_EQ(in, "hostname a\nip route 10.0.0.0/8 blackhole\nend\n");
}

TEST(FrrFile, StartsAnEmptyFileAndOneWithoutAFinalNewline) {
  EXPECT_EQ(merge_config("", {{"ospfd", "router ospf", {"ospf router-id 1.1.1.1"}}}, {}),
            "router ospf\n ospf router-id 1.1.1.1\nexit\n!\n");
  EXPECT_EQ(merge_config("hostname a", {{"staticd", "", {"ip route 10.0.0.0/8 blackhole"}}}, {}),
            "hostname a\nip route 10.0.0.0/8 blackhole\n");
  EXPECT_EQ(merge_config("hostname a", {}, {}), "hostname a") << "nothing to do changes nothing";
}

TEST(FrrFile, DoesNotFallIntoAContextThatAPersonLeftOpen) {
  const auto in =
      merge_config("interface eth0\nip ospf cost 5\n", {{"staticd", "", {"ip route 10.0.0.0/8 blackhole"}}}, {});
  EXPECT_EQ(contexts_of(in).at(""), std::vector<std::string>{"ip route 10.0.0.0/8 blackhole"}) << in;
}

TEST(FrrFile, AThousandLinesAreMergedInNoTime) {
  std::vector<FrrLines> stanzas = {{"ospfd", "router ospf", {}}};
  for (int i = 0; i < 1000; ++i) stanzas[0].lines.push_back(fmt::format("neighbor 10.{}.{}.1", i / 250, i % 250));
  const auto began = std::chrono::steady_clock::now();
  const auto in = merge_config(theirs, stanzas, {});
  auto fewer = stanzas;
  fewer[0].lines.resize(500);
  EXPECT_EQ(merge_config(merge_config(in, fewer, stanzas), {}, fewer), theirs);
  EXPECT_LT(std::chrono::steady_clock::now() - began, std::chrono::seconds(5)) << "quadratic again?";
}

class FrrFileOf : public testing::TestWithParam<std::string> {};
INSTANTIATE_TEST_SUITE_P(Captured, FrrFileOf, testing::Values("8.4", "10.3"),
                         [](const auto& version) { return version.param == "8.4" ? "Frr84" : "Frr103"; });

TEST_P(FrrFileOf, WhatFrrWroteItselfIsKeptLineByLine) {
  const auto text =
      read_file(test::source_dir() + "/tests/host/data/frr/" + GetParam() + "/frr.conf").value();
  const std::vector<FrrLines> more = {
      {"ospfd", "interface wg1", {"ip ospf area 0"}},
      {"bgpd", "router bgp 65000 / address-family ipv6 unicast", {"network fd00:2::/64"}},
      {"bfdd", "bfd / profile radial", {"detect-multiplier 4"}},
      {"zebra", "route-map radial permit 10", {"match ip address prefix-list radial"}}};
  const auto in = merge_config(text, more, {});
  const auto contexts = contexts_of(in);
  EXPECT_THAT(contexts.at("router bgp 65000 / address-family ipv6 unicast"), testing::Contains("network fd00:2::/64"));
  EXPECT_THAT(contexts.at("bfd / profile radial"), testing::ElementsAre("detect-multiplier 4"));
  EXPECT_EQ(merge_config(in, more, more), in);
  EXPECT_EQ(merge_config(in, {}, more), text);
}

}  // namespace
}  // namespace radial::host::frr
