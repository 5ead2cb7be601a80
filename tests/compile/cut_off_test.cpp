#include "compile/cut_off.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace radial {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

TEST(CutOff, TakesTheNeighborAndDropsItsOspfBothWays) {
  NodeConfig config;
  Wire wire;
  wire.interface = "wg0";
  wire.shape = WireShape::multipoint;
  for (const auto* name : {"a", "b"}) {
    WirePeer peer;
    peer.node = name;
    peer.addresses = {IpAddress::parse(*name == 'a' ? "10.255.0.1" : "10.255.0.11").value(),
                      IpAddress::parse(*name == 'a' ? "fe80::1" : "fe80::11").value()};
    wire.peers.push_back(peer);
  }
  config.wires = {wire};
  config.frr = {{"ospfd", "router ospf", {"neighbor 10.255.0.1", "neighbor 10.255.0.11", "neighbor 10.255.0.1 poll-interval 1"}},
                {"ospf6d", "interface wg0", {"ipv6 ospf6 neighbor fe80::1", "ipv6 ospf6 neighbor fe80::11"}}};
  config.nft = "table inet radial {\n\tchain forward {\n\t}\n}\n";
  const auto guarded = without_routing(config, {"a"});
  EXPECT_THAT(guarded.frr[0].lines, ElementsAre("neighbor 10.255.0.11"));
  EXPECT_THAT(guarded.frr[1].lines, ElementsAre("ipv6 ospf6 neighbor fe80::11"));
  EXPECT_THAT(guarded.nft, HasSubstr("iifname \"wg0\" ip saddr 10.255.0.1 meta l4proto 89 drop comment \"a is cut off\""));
  EXPECT_THAT(guarded.nft, HasSubstr("oifname \"wg0\" ip6 daddr fe80::1 meta l4proto 89 drop"));
  EXPECT_THAT(guarded.nft, Not(HasSubstr("10.255.0.11 ")));
  EXPECT_EQ(without_routing(config, {}), config);
}

TEST(CutOff, OfADedicatedWireDropsAllOfItsOspf) {
  NodeConfig config;
  config.node = "fra1";
  Wire wire;
  wire.interface = "wgs11";
  wire.hub = "fra1";
  wire.peers.resize(1);
  wire.peers[0].node = "a";
  config.wires = {wire};
  config.nft = "table inet radial {\n}\n";
  const auto guarded = without_routing(config, {"a"});
  EXPECT_THAT(guarded.nft, HasSubstr("\t\tiifname \"wgs11\" meta l4proto 89 drop comment \"a is cut off\"\n"));
  EXPECT_THAT(guarded.nft, HasSubstr("\t\toifname \"wgs11\" meta l4proto 89 drop"));
  EXPECT_EQ(without_routing(config, {"b"}), config);
}

}  // namespace
}  // namespace radial
