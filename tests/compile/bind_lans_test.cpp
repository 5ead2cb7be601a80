#include <gtest/gtest.h>

#include "compile/frr_lines.h"

namespace radial {
namespace {

Lan lan(std::string_view prefix, bool active = false) { return {Prefix::parse(prefix).value(), active}; }
LocalAddress held(std::string interface, std::string_view address) {
  return {std::move(interface), InterfaceAddress::parse(address).value()};
}

class BindLans : public testing::Test {
 protected:
  BindLans() {
    Wire wire;
    wire.interface = "wg0";
    config_.wires.push_back(wire);
    config_.lan_cost = 7;
    config_.frr.push_back({"ospfd", "router ospf", {}});
  }
  BoundLans bind(std::vector<Lan> lans, const std::vector<LocalAddress>& local) {
    config_.lans = std::move(lans);
    return bind_lans(config_, local);
  }
  NodeConfig config_;
};

using Lines = std::vector<std::string>;

TEST_F(BindLans, BindsAnInterfaceThatHoldsOnlyALan) {
  const auto bound = bind({lan("192.168.1.0/24")},
                          {held("lo", "127.0.0.1/8"), held("eth0", "203.0.113.5/24"),
                           held("eth1.20", "192.168.1.1/24"), held("eth1.20", "192.168.1.2/24")});
  ASSERT_EQ(bound.stanzas.size(), 1U);
  EXPECT_EQ(bound.stanzas[0].daemon, "ospfd");
  EXPECT_EQ(bound.stanzas[0].context, "interface eth1.20");
  EXPECT_EQ(bound.stanzas[0].lines, (Lines{"ip ospf cost 7", "ip ospf passive", "ip ospf area 0.0.0.0"}));
  EXPECT_TRUE(bound.unbound.empty());
}

TEST_F(BindLans, AnActiveLanIsNotPassive) {
  const auto bound = bind({lan("192.168.1.0/24", true)}, {held("eth1", "192.168.1.1/24")});
  EXPECT_EQ(bound.stanzas.at(0).lines, (Lines{"ip ospf cost 7", "ip ospf area 0.0.0.0"}));
}

TEST_F(BindLans, BindsByAddressWhereTheInterfaceHoldsMore) {
  const auto bound = bind({lan("192.168.1.0/24")}, {held("eth1", "203.0.113.5/24"), held("eth1", "192.168.1.1/24")});
  EXPECT_EQ(bound.stanzas.at(0).lines, (Lines{"ip ospf cost 7 192.168.1.1", "ip ospf passive 192.168.1.1",
                                              "ip ospf area 0.0.0.0 192.168.1.1"}));
}

TEST_F(BindLans, BindsByAddressWhereOneLanIsActiveAndOneIsNot) {
  const auto bound = bind({lan("192.168.1.0/24"), lan("192.168.2.0/24", true)},
                          {held("eth1", "192.168.2.1/24"), held("eth1", "192.168.1.1/24")});
  EXPECT_EQ(bound.stanzas.at(0).lines,
            (Lines{"ip ospf cost 7 192.168.1.1", "ip ospf passive 192.168.1.1", "ip ospf area 0.0.0.0 192.168.1.1",
                   "ip ospf cost 7 192.168.2.1", "ip ospf area 0.0.0.0 192.168.2.1"}));
}

TEST_F(BindLans, ReportsWhatNobodyHolds) {
  // An address in a wider network would announce more than was declared.
  const auto bound = bind({lan("192.168.1.0/25"), lan("192.168.9.0/24"), lan("192.168.3.0/24")},
                          {held("eth1", "192.168.1.1/24"), held("eth3", "192.168.3.1/24")});
  ASSERT_EQ(bound.stanzas.size(), 1U);
  EXPECT_EQ(bound.unbound, (std::vector<Lan>{lan("192.168.1.0/25"), lan("192.168.9.0/24")}));
}

TEST_F(BindLans, LeavesWiresAlone) {
  const auto bound = bind({lan("10.255.0.0/16")}, {held("wg0", "10.255.0.1/24")});
  EXPECT_TRUE(bound.stanzas.empty());
  EXPECT_EQ(bound.unbound.size(), 1U);
}

TEST_F(BindLans, ALanWiderThanTheInterfacesNetworkIsBoundToEach) {
  const auto bound = bind({lan("10.20.0.0/16")}, {held("eth1", "10.20.1.1/24"), held("eth2", "10.20.2.1/24")});
  EXPECT_EQ(bound.stanzas.size(), 2U);
  EXPECT_TRUE(bound.unbound.empty());
}

}  // namespace
}  // namespace radial
