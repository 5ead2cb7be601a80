#include "observe/route_table.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace radial::observe {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

Prefix prefix(const char* text) { return Prefix::parse(text).value(); }

// A hub with berlin (its LAN alone) and paris (a wider grant).
NodeConfig hub() {
  NodeConfig config;
  config.node = "fra1";
  config.lans = {{prefix("192.168.1.0/24"), false}};
  config.tunnels = {prefix("10.255.0.0/24")};
  Wire wire;
  wire.shape = WireShape::multipoint;
  wire.interface = "wg0";
  for (const auto* name : {"berlin", "paris"}) {
    WirePeer peer;
    peer.node = name;
    wire.peers.push_back(peer);
  }
  wire.peers[0].lans = wire.peers[0].grant.prefixes = {prefix("192.168.20.0/24")};
  wire.peers[1].grant.prefixes = {prefix("10.30.0.0/16")};
  config.wires.push_back(wire);
  return config;
}

const RouteRow* row_of(const RouteTable& table, const char* text) {
  for (const auto& row : table.rows)
    if (row.prefix == prefix(text)) return &row;
  return nullptr;
}

std::optional<std::string> steered(const Prefix& asked) {
  if (prefix("10.30.0.0/16").contains(asked)) return "paris";
  if (asked == prefix("192.168.20.0/24")) return "berlin";
  return std::nullopt;
}

TEST(RouteTable, SaysOfEachPrefixWhoAnnouncesIsGrantedServesAndGetsIt) {
  const auto table = route_table(hub(),
                                 {{prefix("10.30.7.0/24"), "paris"}, {prefix("192.168.20.0/24"), "berlin"},
                                  {prefix("192.168.1.0/24"), "fra1"}, {prefix("10.255.0.7/32"), "berlin"}},
                                 {{prefix("10.30.7.0/24"), {"paris"}, false}, {prefix("192.168.1.0/24"), {}, true},
                                  {prefix("198.18.0.0/30"), {}, true}},
                                 steered);
  EXPECT_TRUE(table.steers);
  ASSERT_EQ(table.rows.size(), 3U) << "tunnel addresses and the uplink's network are no rows";
  EXPECT_EQ(*row_of(table, "10.30.7.0/24"), (RouteRow{prefix("10.30.7.0/24"), {"paris"}, {"paris"}, {}, {"paris"}, "paris"}));
  EXPECT_EQ(*row_of(table, "192.168.1.0/24"), (RouteRow{prefix("192.168.1.0/24"), {"fra1"}, {}, {}, {"here"}, std::nullopt}));
  // Declared and announced, yet not in the FIB.
  EXPECT_THAT(row_of(table, "192.168.20.0/24")->serving, IsEmpty());
}

TEST(RouteTable, NamesWhoAnnouncesWhatItIsNotGranted) {
  const auto table = route_table(hub(), {{prefix("10.30.7.0/24"), "berlin"}, {prefix("10.30.7.0/24"), "paris"},
                                         {prefix("0.0.0.0/0"), "paris"}, {prefix("10.99.0.0/24"), "203.0.113.9"}},
                                 {}, steered);
  EXPECT_THAT(row_of(table, "10.30.7.0/24")->refused, ElementsAre("berlin"));
  EXPECT_THAT(row_of(table, "0.0.0.0/0")->refused, ElementsAre("paris"));
  EXPECT_THAT(row_of(table, "10.99.0.0/24")->refused, ElementsAre("203.0.113.9"));
}

TEST(RouteTable, AHubWithAWireForEachSiteGrantsButSteersNothing) {
  const auto multipoint = hub();
  auto config = multipoint;
  config.wires.clear();
  for (const auto& peer : multipoint.wires.front().peers) {
    Wire wire;
    wire.hub = "fra1";
    wire.peers = {peer};
    config.wires.push_back(wire);
  }
  const auto table = route_table(config, {{prefix("10.30.7.0/24"), "berlin"}}, {{prefix("10.30.7.0/24"), {"paris"}, false}}, steered);
  EXPECT_FALSE(table.steers);
  EXPECT_EQ(*row_of(table, "10.30.7.0/24"),
            (RouteRow{prefix("10.30.7.0/24"), {"berlin"}, {"paris"}, {"berlin"}, {"paris"}, std::nullopt}));
  EXPECT_THAT(row_of(table, "192.168.20.0/24")->granted_to, ElementsAre("berlin"));
}

TEST(RouteTable, SurvivesItsJson) {
  const auto table = route_table(hub(), {{prefix("10.30.7.0/24"), "berlin"}}, {{prefix("10.30.7.0/24"), {"paris"}, false}}, steered);
  EXPECT_EQ(route_table_from_json(to_json(table)).value(), table);
  EXPECT_FALSE(route_table_from_json("{}"));
}

}  // namespace
}  // namespace radial::observe
