// A forger with a wire to each of two hubs (attack_lab.h), over OSPFv2 and over
// OSPFv3: the hub that it forges to finds it and cuts it off, also where the one
// in whose name it forges is a neighbour of the other hub alone; and what hubs and honest sites
// pass on of it to the other hub, sooner than it comes there by itself, is held against none of them.
#include "net/attack/forge_lab.h"

namespace radial::test {
namespace {

using testing::HasSubstr;
using testing::Not;

class ForgeToTwoHubs : public ForgingSite {
 protected:
  std::string lab_name() const override { return "forge2"; }
  std::string fabric() const override { return two_hubs_attack_fabric; }
  std::vector<Attacker::HubSide> hubs() const override { return {{"fra1", fra1}, {"ams1", ams1}}; }
  void turn_hostile() override {
    expect_ospf6();
    mallory().seize();
  }

  std::string judge() override { return hub_; }
  std::string wire() override { return hub_ == "fra1" ? "wg0" : "wg1"; }
  std::string source() override { return v6_ ? mallory().address6("link", wire()) : lab().tunnel_address("mallory", wire()); }
  std::string hub() override { return v6_ ? "fe80::1" : hub_ == "fra1" ? fra1 : ams1; }
  std::string database() override {
    return lab().vtysh(hub_, v6_ ? "show ipv6 ospf6 database" : "show ip ospf database") + lab().vtysh(hub_, "show ip ospf neighbor");
  }
  void expect_no_neighbor_line() override {
    const auto running = lab().vtysh(hub_, "show running-config") + "\n";
    for (const auto& address : {lab().tunnel_address("mallory", wire()), mallory().address6("link", wire())})
      EXPECT_THAT(running, Not(HasSubstr(" neighbor " + address + "\n")));
  }

  // vienna's way to fra1 is by ams1 and the hubs' own wire, or by a site of both.
  bool whole() override {
    return has_route("berlin", "192.168.60.0/24") && has_route("vienna", "192.168.20.0/24") && has_route("fra1", "192.168.60.0/24") &&
           has_route("ams1", "192.168.20.0/24") && has_route("berlin", "fd00:60::/64") && has_route("vienna", "fd00:20::/64") &&
           has_route("fra1", "fd00:60::/64") && has_route("ams1", "fd00:20::/64") && lab().pings("berlin.lan0", "192.168.60.2") &&
           lab().pings("vienna.lan0", "192.168.1.2") && lab().pings("fra1.lan0", "192.168.2.2") && lab().pings("berlin.lan1", "fd00:60::2") &&
           lab().pings("vienna.lan1", "fd00:1::2") && lab().pings("fra1.lan1", "fd00:2::2");
  }

  // One LSA in another's name, to `hub`, over both versions one after the other.
  void forge_both(const std::string& hub, const std::string& of, const std::string& with) {
    hub_ = hub;
    for (const bool v6 : {false, true}) {
      v6_ = v6;
      if (v6) forge("router", "0.0.0.0", of, "link=" + with);
      else forge("router", of, of, "stub:192.168.99.0:255.255.255.0");
      expect_found(v6 ? "forges the OSPFv3 router LSA 0.0.0.0 of " : "forges the router LSA " + of);
      if (HasFatalFailure()) return;
    }
  }
  void expect_found(const std::string& what) {
    expect_cut_off(what);
    stop_forging();
    if (HasFatalFailure()) return;
    const auto other = hub_ == "fra1" ? "ams1" : "fra1";
    if (const auto there = cut_off_at(other); !there.empty()) {
      EXPECT_THAT(there, testing::StartsWith("site mallory")) << "an honest one, at " << other;
      EXPECT_TRUE(readmitted_at(other));
    }
    readmit("berlin.lan0", "192.168.66.2");
    EXPECT_TRUE(wait_until(60s, [&] { return lab().pings("berlin.lan1", "fd00:66::2"); }));
  }

  // At neither hub, for longer than the two audits that a false link takes.
  static void expect_nobody_cut_off() {
    std::string found;
    EXPECT_FALSE(wait_until(11s, [&] { return !(found = cut_off_at("fra1") + cut_off_at("ams1")).empty(); })) << found;
  }

  static constexpr const char* fra1 = "10.255.0.1";
  static constexpr const char* ams1 = "10.255.1.1";
  std::string hub_ = "fra1";
  bool v6_ = false;
};

TEST_P(ForgeToTwoHubs, TheRouterLsaOfASiteOfBoth) { forge_both("fra1", router_id_of("berlin"), fra1); }

// It never speaks to the hub that has to find it.
TEST_P(ForgeToTwoHubs, TheRouterLsaOfASiteOfTheOther) { forge_both("fra1", lab().tunnel_address("vienna", "wg1"), ams1); }

TEST_P(ForgeToTwoHubs, TheRouterLsaOfTheOtherHub) { forge_both("ams1", fra1, ams1); }

// berlin hands fra1, in its own name, what is forged so at ams1, and withdraws it.
TEST_P(ForgeToTwoHubs, ThatAnotherMightSeemTheForger) {
  hub_ = "ams1";
  const auto berlin = router_id_of("berlin");
  const auto vienna = lab().tunnel_address("vienna", "wg1");
  forge("summary", "192.168.99.0", berlin, "mask:255.255.255.0");
  expect_found("forges the summary LSA 192.168.99.0 of berlin");
  if (HasFatalFailure()) return;
  forge("router", berlin, berlin, fmt::format("link:{1}:{0} link:{2}:{0} stub:192.168.20.0:255.255.255.0", berlin, ams1, vienna));
  expect_found("forges the router LSA " + berlin);
  if (HasFatalFailure()) return;
  expect_nobody_cut_off();
}

// It stands in both hubs' databases.
TEST_P(ForgeToTwoHubs, AFalseLink) {
  hub_ = "ams1";
  const auto me = router_id_of("mallory");
  const auto vienna = lab().tunnel_address("vienna", "wg1");
  forge("router", me, me, fmt::format("link:{2}:{0} link:{1}:{0} stub:192.168.66.0:255.255.255.0", me, vienna, ams1));
  expect_found("claims a link to vienna");
  if (HasFatalFailure()) return;
  expect_nobody_cut_off();
}

INSTANTIATE_TEST_SUITE_P(Frr84, ForgeToTwoHubs, testing::Values(Ground{"ospf84", "8.4"}), title_of);
INSTANTIATE_TEST_SUITE_P(Frr103, ForgeToTwoHubs, testing::Values(Ground{"ospf103", "10.3"}), title_of);

}  // namespace
}  // namespace radial::test
