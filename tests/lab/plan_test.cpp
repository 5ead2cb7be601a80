#include "lab/plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "fabric/parse.h"

namespace radial::lab {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

Fabric fabric_of(const std::string& yaml) {
  auto parsed = parse_fabric(yaml);
  if (const auto* mistakes = std::get_if<std::vector<Mistake>>(&parsed))
    throw std::runtime_error(to_string(mistakes->front(), "fabric"));
  return std::get<Fabric>(std::move(parsed));
}

LabPlan plan_of(const std::string& yaml) {
  auto plan = plan_lab(fabric_of(yaml), "try");
  if (!plan) throw std::runtime_error(plan.error().message);
  return *plan;
}

std::string refusal_of(const std::string& yaml) {
  const auto plan = plan_lab(fabric_of(yaml), "try");
  return plan ? "accepted" : plan.error().message;
}

constexpr auto three_nodes = R"(
fabric: acme
hubs:
  fra1: { endpoint: vpn.example.com:51820, lans: [192.168.1.0/24] }
sites:
  berlin: { lans: [192.168.20.0/24, "fd20::/64"] }
  paris:  { lans: [192.168.30.0/24] }
)";

TEST(LabPlan, EveryLinkHasPrefixesOfItsOwnInTheFilesOrder) {
  const auto plan = plan_of(three_nodes);
  ASSERT_EQ(plan.nodes.size(), 3U);
  EXPECT_TRUE(plan.nodes[0].hub);
  EXPECT_EQ(plan.nodes[0].uplink_v4().to_string(), "198.18.0.2");
  EXPECT_EQ(plan.nodes[0].internet_v4().to_string(), "198.18.0.1");
  EXPECT_EQ(plan.nodes[2].name, "paris");
  EXPECT_EQ(plan.nodes[2].uplink_v4().to_string(), "198.18.0.10");
  EXPECT_EQ(plan.nodes[2].uplink_v6().to_string(), "2001:db8:0:2::2");
  EXPECT_EQ(plan.nodes[2].netns, "radial-try-paris");
  EXPECT_FALSE(plan.nodes[2].hub);
}

TEST(LabPlan, LinksStayApartUpToTheLastOne) {
  LabNode last;
  last.index = 32767;
  EXPECT_EQ(last.uplink_v4().to_string(), "198.19.255.254");
  EXPECT_EQ(last.uplink_v6().to_string(), "2001:db8:0:7fff::2");
}

TEST(LabPlan, ALanHasItsNodeFirstAndItsHostSecond) {
  const auto plan = plan_of(three_nodes);
  const auto* v4 = plan.find_lan_host("berlin.lan0");
  const auto* v6 = plan.find_lan_host("berlin.lan1");
  ASSERT_TRUE(v4 != nullptr && v6 != nullptr);
  EXPECT_EQ(v4->node_address.to_string(), "192.168.20.1");
  EXPECT_EQ(v4->address.value().to_string(), "192.168.20.2");
  EXPECT_EQ(v6->node_address.to_string(), "fd20::1");
  EXPECT_EQ(v6->address.value().to_string(), "fd20::2");
  EXPECT_EQ(v6->netns, "radial-try-berlin-lan1");
  EXPECT_EQ(plan.find_lan_host("berlin.lan2"), nullptr);
}

TEST(LabPlan, NarrowLansHaveTheHostsThatTheyHaveRoomFor) {
  const auto plan = plan_of(R"(
fabric: acme
hubs: { fra1: { endpoint: "vpn.example.com:51820", lans: [192.168.1.4/31, 192.168.2.9/32, 192.168.3.0/30] } }
sites: { berlin: { lans: [192.168.20.0/24] } }
)");
  const auto& lans = plan.nodes[0].lans;
  EXPECT_EQ(lans[0].node_address.to_string(), "192.168.1.4");
  EXPECT_EQ(lans[0].address.value().to_string(), "192.168.1.5");
  EXPECT_EQ(lans[1].node_address.to_string(), "192.168.2.9");
  EXPECT_FALSE(lans[1].address);
  EXPECT_EQ(lans[2].address.value().to_string(), "192.168.3.2");
}

TEST(LabPlan, AnEndpointsNameLeadsToTheHub) {
  const auto plan = plan_of(three_nodes);
  EXPECT_THAT(plan.endpoint_names.at("vpn.example.com"), ElementsAre(plan.nodes[0].uplink_v4()));
  EXPECT_EQ(hosts_file(plan),
            "127.0.0.1 localhost\n::1 localhost ip6-localhost ip6-loopback\n198.18.0.2 vpn.example.com\n"
            "192.168.1.2 fra1.lan0\n192.168.20.2 berlin.lan0\nfd20::2 berlin.lan1\n192.168.30.2 paris.lan0\n");
}

TEST(LabPlan, AnEndpointsAddressBecomesTheHubs) {
  const auto plan = plan_of(R"(
fabric: acme
hubs:
  fra1: { endpoint: "203.0.113.7:51820", lans: [192.168.1.0/24] }
sites: { berlin: { lans: [192.168.20.0/24] } }
)");
  EXPECT_THAT(plan.nodes[0].extra_addresses, ElementsAre(IpAddress::parse("203.0.113.7").value()));
  EXPECT_TRUE(plan.endpoint_names.empty());
}

TEST(LabPlan, WhatCollidesWithTheInternetIsRefused) {
  EXPECT_THAT(refusal_of(R"(
fabric: acme
hubs: { fra1: { endpoint: "vpn.example.com:51820", lans: [198.18.7.0/24] } }
sites: { berlin: { lans: [192.168.20.0/24] } }
)"),
              HasSubstr("LAN of fra1: 198.18.7.0/24 overlaps 198.18.0.0/15"));
  EXPECT_THAT(refusal_of(R"(
fabric: acme
hubs: { fra1: { endpoint: "198.18.77.1:51820", lans: [192.168.1.0/24] } }
sites: { berlin: { lans: [192.168.20.0/24] } }
)"),
              HasSubstr("endpoint of fra1: 198.18.77.1/32 overlaps"));
}

TEST(LabPlan, AnEndpointThatTheInternetCannotLeadToIsRefused) {
  auto fabric = fabric_of(three_nodes);
  fabric.hubs[0].endpoints = {Endpoint::parse("192.168.20.99:51820").value()};
  EXPECT_THAT(plan_lab(fabric, "try").error().message, HasSubstr("lies in LAN 192.168.20.0/24 of berlin"));
  fabric = fabric_of(three_nodes);
  fabric.hubs[0].endpoints = {Endpoint::parse("203.0.113.7:51820").value()};
  fabric.hubs.push_back(fabric.hubs[0]);
  fabric.hubs[1].name = "fra2";
  fabric.hubs[1].lans.clear();
  EXPECT_THAT(plan_lab(fabric, "try").error().message, HasSubstr("fra1 and fra2 have the same endpoint address"));
}

TEST(LabPlan, ANodeThatIsCalledInternetIsRefused) {
  EXPECT_THAT(refusal_of(R"(
fabric: acme
hubs: { fra1: { endpoint: "vpn.example.com:51820", lans: [192.168.1.0/24] } }
sites: { internet: { lans: [192.168.20.0/24] } }
)"),
              HasSubstr("rename it"));
}

TEST(LabPlan, ALongNameStillGetsAnInterface) {
  const auto plan = plan_of(R"(
fabric: acme
hubs: { fra1: { endpoint: "vpn.example.com:51820", lans: [192.168.1.0/24] } }
sites: { a-site-with-a-long-name: { lans: [192.168.20.0/24] } }
)");
  EXPECT_EQ(plan.nodes[0].link, "fra1");
  EXPECT_EQ(plan.nodes[1].link, "link1");
}

TEST(LabPlan, ALabsNameCannotLeaveItsFolder) {
  for (const auto* bad : {"", "..", "../x", "a/b", "-x", "a b", "a.b", "123456789012345678901234567890123"})
    EXPECT_FALSE(check_lab_name(bad)) << bad;
  for (const auto* good : {"acme", "acme-2", "A_b"}) EXPECT_TRUE(check_lab_name(good)) << good;
}

}  // namespace
}  // namespace radial::lab
