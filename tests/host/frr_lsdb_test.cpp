// ospfd's database of one hub and three sites, as FRR 8.4 (NBMA) and 10.3
// (point-to-multipoint) printed it; lisbon redistributes a static route.
#include "host/frr_lsdb.h"

#include <algorithm>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/file.h"
#include "support/paths.h"

namespace radial::host {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::IsEmpty;

IpAddress address(const char* text) { return IpAddress::parse(text).value(); }
Prefix prefix(const char* text) { return Prefix::parse(text).value(); }

class LsdbOf : public testing::TestWithParam<std::string> {
 protected:
  OspfDatabase read(LsaType type) {
    const auto file = fmt::format("{}/tests/host/data/frr/{}/lsdb-{}.json", test::source_dir(), GetParam(), to_string(type));
    OspfDatabase database;
    const auto status = frr::parse_ospf_database(read_file(file).value(), type, database);
    EXPECT_TRUE(status) << (status ? "" : status.error().message);
    EXPECT_EQ(database.unreadable, 0U);
    EXPECT_EQ(database.router_id, address("10.255.0.1"));
    return database;
  }
};
INSTANTIATE_TEST_SUITE_P(Captured, LsdbOf, testing::Values("8.4", "10.3"),
                         [](const auto& version) { return version.param == "8.4" ? "Frr84" : "Frr103"; });

TEST_P(LsdbOf, RouterLsasSayWhoAnnouncesWhichStubAndIsLinkedToWhom) {
  const auto database = read(LsaType::router);
  ASSERT_EQ(database.lsas.size(), 4U);
  const auto& lisbon = database.lsas[1];
  EXPECT_EQ(lisbon.originator, address("10.255.0.19"));
  EXPECT_EQ(lisbon.id, address("10.255.0.19"));
  EXPECT_EQ(lisbon.sequence, 0x80000005U);
  EXPECT_EQ(lisbon.checksum, GetParam() == "8.4" ? 0x8da8U : 0xa465U);
  EXPECT_FALSE(lisbon.withdrawn());
  EXPECT_EQ(lisbon.border, false);
  EXPECT_THAT(lisbon.prefixes, Contains(AnnouncedPrefix{prefix("192.168.40.0/24"), 10}));
  if (GetParam() == "8.4") {
    EXPECT_THAT(lisbon.transits, ElementsAre(address("10.255.0.1")));
    EXPECT_THAT(lisbon.neighbors, IsEmpty());
  } else {
    EXPECT_THAT(lisbon.neighbors, ElementsAre(address("10.255.0.1")));
    EXPECT_THAT(lisbon.prefixes, Contains(AnnouncedPrefix{prefix("10.255.0.19/32"), 0}));
  }
}

TEST_P(LsdbOf, ExternalLsas) {
  const auto database = read(LsaType::external);
  ASSERT_EQ(database.lsas.size(), 1U);
  EXPECT_EQ(database.lsas[0].type, LsaType::external);
  EXPECT_EQ(database.lsas[0].originator, address("10.255.0.19"));
  EXPECT_THAT(database.lsas[0].prefixes, ElementsAre(AnnouncedPrefix{prefix("10.99.0.0/24"), 20}));
}

TEST_P(LsdbOf, NetworkLsas) {
  const auto database = read(LsaType::network);
  if (GetParam() != "8.4") {
    EXPECT_THAT(database.lsas, IsEmpty());
    return;
  }
  ASSERT_EQ(database.lsas.size(), 1U);
  EXPECT_THAT(database.lsas[0].prefixes, ElementsAre(AnnouncedPrefix{prefix("10.255.0.0/24"), 0}));
  EXPECT_EQ(database.lsas[0].neighbors.size(), 4U);
}

// ospf6d's of a hub and three sites, over multicast (8.4) and point-to-multipoint (10.3); paris has a second area and
// redistributes a static route.
TEST_P(LsdbOf, Ospf6) {
  OspfDatabase database;
  const auto status = frr::parse_ospf6_database(
      read_file(fmt::format("{}/tests/host/data/frr/{}/lsdb6.json", test::source_dir(), GetParam())).value(), database);
  ASSERT_TRUE(status) << status.error().message;
  EXPECT_EQ(database.unreadable, 0U);
  const auto hub = address("10.255.0.1"), paris = address("10.255.0.173");
  const auto lsa = [&](LsaType type, const char* id) {
    for (const auto& one : database.lsas)
      if (one.type == type && one.originator == paris && one.id == address(id)) return one;
    ADD_FAILURE() << to_string(type, OspfVersion::v3);
    return OspfLsa{};
  };
  const bool p2mp = GetParam() == "10.3";
  const auto router = lsa(LsaType::router, "0.0.0.0");
  EXPECT_EQ(router.sequence, 0x80000004U);
  EXPECT_EQ(router.checksum, p2mp ? 50558 : 52342);
  EXPECT_EQ(router.neighbors, p2mp ? std::vector{hub} : std::vector<IpAddress>{});
  EXPECT_EQ(router.border, true);
  EXPECT_EQ(router.transits, p2mp ? std::vector<IpAddress>{} : std::vector{hub});
  const auto own = lsa(LsaType::intra_prefix, "0.0.0.0");
  EXPECT_THAT(own.prefixes, Contains(AnnouncedPrefix{prefix("fd00:30::/64"), 10}));
  EXPECT_EQ(own.attached_to, paris);
  EXPECT_THAT(lsa(LsaType::summary, "0.0.0.1").prefixes, ElementsAre(AnnouncedPrefix{prefix("fd10:30:1::/64"), 10}));
  EXPECT_THAT(lsa(LsaType::external, "0.0.0.1").prefixes, ElementsAre(AnnouncedPrefix{prefix("fd10:30:9::/48"), 20}));
  EXPECT_THAT(lsa(LsaType::link, "0.0.0.5").prefixes, Contains(AnnouncedPrefix{prefix("fd00:255::/64"), 0}));
  EXPECT_EQ(std::count_if(database.lsas.begin(), database.lsas.end(), [](const auto& one) { return one.type == LsaType::network; }), p2mp ? 0 : 1);
}

TEST(Lsdb, AnOspf6LsaThatMakesNoSenseIsCountedAndHidesNoOther) {
  OspfDatabase database;
  ASSERT_TRUE(frr::parse_ospf6_database(R"({"areaScopedLinkStateDb":[{"areaId":"0.0.0.0","lsa":[7,
      {"type":"Inter-Prefix","age":3600,"linkStateId":"0.0.0.1","advertisingRouter":"10.0.0.9","lsSequenceNumber":2147483649,"checksum":1,"prefix":"fd00::/999"},
      {"type":"Inter-Prefix","age":3600,"linkStateId":"0.0.0.2","advertisingRouter":"10.0.0.9","lsSequenceNumber":4294967295,"checksum":1,"prefix":"fd00::1/64"},
      {"type":"Grace","age":1,"linkStateId":"0.0.0.3","advertisingRouter":"10.0.0.9","lsSequenceNumber":99999999999,"checksum":1}]}],
      "asScopedLinkStateDb":{}})", database));
  EXPECT_EQ(database.unreadable, 3U);
  ASSERT_EQ(database.lsas.size(), 1U);
  EXPECT_TRUE(database.lsas[0].withdrawn());
  EXPECT_THAT(database.lsas[0].prefixes, ElementsAre(AnnouncedPrefix{prefix("fd00::/64"), 0}));
}

TEST(Lsdb, AnLsaThatMakesNoSenseIsCountedAndHidesNoOther) {
  OspfDatabase database;
  ASSERT_TRUE(frr::parse_ospf_database(R"({"routerId":"10.0.0.1","asExternalLinkStates":[
      {"linkStateId":"10.1.0.0","advertisingRouter":"10.0.0.9","lsaSeqNumber":"80000001","checksum":"1f","lsaAge":3600,"networkMask":99},
      7,
      {"linkStateId":"10.2.0.0","advertisingRouter":"10.0.0.9","lsaSeqNumber":"8000000a","checksum":"ffff","lsaAge":3600,"networkMask":16}]})",
                                       LsaType::external, database));
  EXPECT_EQ(database.unreadable, 2U);
  ASSERT_EQ(database.lsas.size(), 1U);
  EXPECT_TRUE(database.lsas[0].withdrawn());
  EXPECT_FALSE(frr::parse_ospf_database("[]", LsaType::router, database));
  EXPECT_TRUE(frr::parse_ospf_database("% OSPF is not enabled", LsaType::router, database));
}

// `show ip ospf database TYPE self-originate json` nests in another way: 8.4 and 10.3 alike.
TEST(Lsdb, ARoutersOwnInstances) {
  OspfDatabase own;
  ASSERT_TRUE(frr::parse_own_lsas(R"({"routerId":"10.255.1.1","Router Link States":{"0.0.0.0":{"10.255.1.1":{
      "lsaAge":33,"linkStateId":"10.255.1.1","advertisingRouter":"10.255.1.1","lsaSeqNumber":"80000006","checksum":"2e6c",
      "routerLinks":{"link0":{"linkType":"Stub Network"}}}}}})",
                                  LsaType::router, own));
  ASSERT_TRUE(frr::parse_own_lsas(R"({"routerId":"10.255.1.1","AS External Link States":{"10.9.0.0":{
      "lsaAge":3600,"linkStateId":"10.9.0.0","advertisingRouter":"10.255.1.1","lsaSeqNumber":"8000000a","checksum":"1"}}})",
                                  LsaType::external, own));
  ASSERT_EQ(own.lsas.size(), 2U);
  EXPECT_EQ(own.router_id, address("10.255.1.1"));
  EXPECT_EQ(own.lsas[0].type, LsaType::router);
  EXPECT_EQ(own.lsas[0].sequence, 0x80000006U);
  EXPECT_EQ(own.lsas[0].checksum, 0x2e6cU);
  EXPECT_TRUE(own.lsas[1].withdrawn());
}

}  // namespace
}  // namespace radial::host
