// ospfd's database of one hub and three sites, as FRR 8.4 (NBMA) and 10.3
// (point-to-multipoint) printed it; lisbon redistributes a static route.
#include "host/frr_lsdb.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/file.h"

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
    const auto file = fmt::format("{}/tests/host/data/frr/{}/lsdb-{}.json", RADIAL_SOURCE_DIR, GetParam(), to_string(type));
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
