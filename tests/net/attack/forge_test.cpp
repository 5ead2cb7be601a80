// What a hostile site forges, or floods, is found within seconds; the site is
// named and cut off, and the fabric is whole again. OSPF cannot prevent it:
// docs/security.md.
#include "net/attack/forge_lab.h"

namespace radial::test {
namespace {

using testing::HasSubstr;
using testing::Not;

class ForgeOn : public ForgingSite {
 protected:
  std::string lab_name() const override { return "forge"; }
  std::string source() override { return router_id_of("mallory"); }
  std::string hub() override { return "10.255.0.1"; }
  std::string database() override { return lab().vtysh("fra1", "show ip ospf database"); }
  void expect_no_neighbor_line() override {
    EXPECT_THAT(lab().vtysh("fra1", "show running-config"), Not(HasSubstr("neighbor " + router_id_of("mallory"))));
  }

  bool honest_full() {
    const auto neighbors = Json::parse(lab().vtysh("fra1", "show ip ospf neighbor json"), nullptr, false);
    if (!neighbors.is_object() || !neighbors.contains("neighbors")) return false;
    int full = 0;
    for (const auto& [id, list] : neighbors["neighbors"].items())
      if (id != router_id_of("mallory"))
        for (const auto& one : list) full += one.value("nbrState", "").starts_with("Full") ? 1 : 0;
    return full == 2;
  }
  bool honest_pings() {
    return lab().pings("berlin.lan0", "192.168.30.2") && lab().pings("paris.lan0", "192.168.1.2") && lab().pings("fra1.lan0", "192.168.20.2");
  }
  bool honest_routes() {
    return has_route("paris", "192.168.20.0/24") && has_route("berlin", "192.168.30.0/24") && has_route("fra1", "192.168.20.0/24");
  }
  bool whole() override { return honest_full() && honest_routes() && honest_pings(); }
  void readmit() { ForgingSite::readmit("berlin.lan0", "192.168.66.2"); }
};

TEST_P(ForgeOn, AnothersRouterLsa) {
  const auto berlin = router_id_of("berlin");
  forge("router", berlin, berlin, "stub:192.168.99.0:255.255.255.0");
  expect_cut_off("forges the router LSA");
  stop_forging();
  // It stays so when radiald starts again.
  lab().kill_radiald("fra1");
  ASSERT_TRUE(lab().start_radiald("fra1"));
  ASSERT_TRUE(wait_until(30s, [&] { return !cut_off().empty(); }));
  EXPECT_THAT(lab().sh("fra1", "nft list table inet radial"), HasSubstr("mallory is cut off"));
  readmit();
}

TEST_P(ForgeOn, ASummaryLsa) {
  forge("summary", "192.168.20.0", router_id_of("mallory"), "mask:255.255.255.0");
  expect_cut_off("originates the summary LSA 192.168.20.0/24");
  stop_forging();
  // Once it has lost its adjacency, it hands over all that it holds anew, the forged LSA too.
  EXPECT_TRUE(wait_until(60s, [&] { return lab().vtysh("mallory", "show ip ospf neighbor json").find("Full") == std::string::npos; }));
  readmit();
  EXPECT_FALSE(wait_until(3s, [&] { return !cut_off().empty(); })) << cut_off();
}

TEST_P(ForgeOn, AnExternalLsaOfTheHub) {
  forge("external", "10.0.0.0", "10.255.0.1", "mask:255.0.0.0");
  expect_cut_off("forges the external LSA 10.0.0.0");
  stop_forging();
  readmit();
}

TEST_P(ForgeOn, AFalseLink) {
  const auto me = router_id_of("mallory");
  forge("router", me, me, fmt::format("link:10.255.0.1:{0} link:{1}:{0} stub:192.168.66.0:255.255.255.0", me, router_id_of("berlin")));
  expect_cut_off("claims a link to berlin");
  stop_forging();
  readmit();
  expect_to_stay();
}

TEST_P(ForgeOn, AFloodOfTenThousandPrefixes) {
  mallory().make_flood();
  HonestPings pings(*lab(), 15s);
  mallory().flood(true);
  expect_cut_off("floods the fabric");
  std::printf("  honest pings lost while flooded: %d\n", pings.lost());
  mallory().flood(false);
}

INSTANTIATE_TEST_SUITE_P(Frr84, ForgeOn, testing::Values(Ground{"Frr84", "8.4"}), title_of);
INSTANTIATE_TEST_SUITE_P(Frr103, ForgeOn, testing::Values(Ground{"Frr103", "10.3"}), title_of);
INSTANTIATE_TEST_SUITE_P(Nbma, ForgeOn, testing::Values(Ground{"nbma84", "8.4", false, false, "wireguard-go"}), title_of);
INSTANTIATE_TEST_SUITE_P(Dedicated, ForgeOn, testing::Values(Ground{"Ded84", "8.4", false, true}), title_of);
INSTANTIATE_TEST_SUITE_P(Dedicated103, ForgeOn, testing::Values(Ground{"Ded103", "10.3", false, true}), title_of);

}  // namespace
}  // namespace radial::test
