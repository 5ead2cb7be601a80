// The same as forge_test.cpp over OSPFv3, which alone is forged here: the site is
// cut off, from OSPFv2 as well. And whose ospf6d is killed is no forger.
#include "net/attack/forge_lab.h"

namespace radial::test {
namespace {

using testing::HasSubstr;
using testing::Not;

// Over a hub on 10.3, over one on 8.4 whose radial-wire copies multicast, and over a wire for each site.
class Forge6On : public ForgingSite {
 protected:
  std::string lab_name() const override { return "forge6"; }
  std::string fabric() const override { return attack_fabric6; }
  void turn_hostile() override {
    expect_ospf6();
    mallory().seize();
  }
  std::string source() override { return mallory().address6("link"); }
  std::string hub() override { return "fe80::1"; }
  std::string database() override { return lab().vtysh("fra1", "show ipv6 ospf6 database"); }
  void expect_no_neighbor_line() override {
    const auto running = lab().vtysh("fra1", "show running-config") + "\n";
    EXPECT_THAT(running, Not(HasSubstr("ipv6 ospf6 neighbor " + source() + "\n")));
    EXPECT_THAT(running, Not(HasSubstr("neighbor " + router_id_of("mallory") + "\n")));
  }

  bool full(const std::set<std::string>& sites) {
    const auto answer = lab()->run("fra1", {"vtysh", "-c", "show ipv6 ospf6 neighbor json"});  // which may not run just now
    if (!answer || !answer->ok()) return false;
    const auto neighbors = Json::parse(answer->out, nullptr, false);
    if (!neighbors.is_object() || !neighbors.contains("neighbors")) return false;
    std::set<std::string> seen;
    for (const auto& one : neighbors["neighbors"])
      if (one.value("state", "").starts_with("Full")) seen.insert(one.value("neighborId", ""));
    return std::all_of(sites.begin(), sites.end(), [&](const std::string& site) { return seen.contains(router_id_of(site)); });
  }
  bool whole() override {
    return full({"berlin", "paris"}) && has_route("paris", "fd00:20::/64") && has_route("berlin", "fd00:30::/64") &&
           has_route("fra1", "fd00:20::/64") && lab().pings("berlin.lan1", "fd00:30::2") && lab().pings("paris.lan1", "fd00:1::2") &&
           lab().pings("fra1.lan1", "fd00:20::2") && lab().pings("berlin.lan0", "192.168.30.2");
  }
  void expect_cut_off_and_readmit(const std::string& what) {
    expect_cut_off(what);
    stop_forging();
    if (HasFatalFailure()) return;
    readmit("berlin.lan1", "fd00:66::2");
    EXPECT_TRUE(wait_until(60s, [&] { return full({"mallory"}); })) << "mallory is no neighbour again";
  }
};

// Each restart makes every neighbour hand back what it holds of the old router.
TEST_P(Forge6On, WhoseOspf6dIsKilledIsNoForger) {
  for (const auto* node : {"fra1", "berlin", "fra1"}) {
    const auto before = lab().pids(node, "ospf6d");
    lab().sh(node, "pkill -9 -x ospf6d");
    ASSERT_TRUE(wait_until(60s, [&] {
      const auto now = lab().pids(node, "ospf6d");
      return !now.empty() && now != before && full({"berlin", "paris", "mallory"}) && whole();
    })) << node << "\n" << database();
  }
  // It would have been found by now, or within this.
  EXPECT_FALSE(wait_until(5s, [&] { return !cut_off().empty(); })) << cut_off();
}

TEST_P(Forge6On, AnothersRouterLsa) {
  forge("router", "0.0.0.0", router_id_of("berlin"), "link=10.255.0.1");
  expect_cut_off_and_readmit("forges the OSPFv3 router LSA 0.0.0.0 of berlin");
}

TEST_P(Forge6On, AnothersPrefixes) {
  forge("intra-prefix", "0.0.0.0", router_id_of("berlin"), "prefix=fd00:99::/64");
  expect_cut_off_and_readmit("forges the OSPFv3 intra-area-prefix LSA 0.0.0.0 of berlin");
}

TEST_P(Forge6On, PrefixesHungOnAnothersRouterLsa) {
  forge("intra-prefix", "0.0.0.9", router_id_of("mallory"), "prefix=fd00:99::/64 on=" + router_id_of("berlin"));
  expect_cut_off_and_readmit("hangs prefixes of its own on OSPFv3 LSAs of berlin");
}

TEST_P(Forge6On, AnExternalLsaOfTheHub) {
  forge("external", "0.0.0.9", "10.255.0.1", "prefix=fd99::/16");
  expect_cut_off_and_readmit("forges the OSPFv3 external LSA 0.0.0.9 of fra1");
}

TEST_P(Forge6On, AnInterAreaPrefixLsa) {
  forge("summary", "0.0.0.9", router_id_of("mallory"), "prefix=fd00:20::/64");
  expect_cut_off_and_readmit("originates the OSPFv3 inter-area-prefix LSA fd00:20::/64");
}

TEST_P(Forge6On, AFalseLink) {
  const auto berlin = router_id_of("berlin");
  forge("router", "0.0.0.0", router_id_of("mallory"), "link=10.255.0.1 link=" + berlin);
  expect_cut_off_and_readmit("claims an OSPFv3 link to berlin");
  expect_to_stay();
}

TEST_P(Forge6On, SpeakingAsAnother) {
  const auto berlin = router_id_of("berlin");
  forge_as(berlin, "router", "0.0.0.0", berlin, "link=10.255.0.1");
  expect_cut_off_and_readmit("speaks OSPFv3 as berlin");
}

TEST_P(Forge6On, AFloodOfThousandsOfPrefixes) {
  mallory().sh("awk 'BEGIN { for (i = 0; i < 3000; i++) printf \"route add blackhole fd64::%x/128 proto 99\\n\", i + 1 }' | ip -6 -batch -");
  mallory().configure({"router ospf6", "redistribute kernel"});
  expect_cut_off("floods the fabric over OSPFv3");
  mallory().configure({"router ospf6", "no redistribute kernel"});
  mallory().sh("ip -6 route flush proto 99");
}

INSTANTIATE_TEST_SUITE_P(Frr84, Forge6On, testing::Values(Ground{"ospf84", "8.4", false}), title_of);
INSTANTIATE_TEST_SUITE_P(Frr103, Forge6On, testing::Values(Ground{"ospf103", "10.3", false}), title_of);
INSTANTIATE_TEST_SUITE_P(Dedicated, Forge6On, testing::Values(Ground{"ded84", "8.4", false, true}), title_of);
INSTANTIATE_TEST_SUITE_P(Dedicated103, Forge6On, testing::Values(Ground{"ded103", "10.3", false, true}), title_of);

}  // namespace
}  // namespace radial::test
