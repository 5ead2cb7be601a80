// Two hubs, each with a tunnel prefix of its own and a wire between them; every
// site has a wire to both and prefers the cheaper.
//
//   LAN 192.168.1.0/24 -- fra1 ---- wire ---- ams1 -- LAN 192.168.2.0/24
//                         | cost 10            | cost 100
//              +----------+---------+----------+
//            berlin              lisbon            vienna (at ams1 alone)
//        192.168.20.0/24     192.168.40.0/24      192.168.60.0/24
// Beside each LAN 192.168.K.0/24 there is fd00:K::/64, by OSPFv3.
#include "support/frr_release.h"
#include "support/live_lab.h"

namespace radial::test {
namespace {

constexpr const char* two_hubs = R"(
fabric: acme
hubs:
  fra1: { endpoint: fra1.example.com:51820, lans: [192.168.1.0/24, "fd00:1::/64"], tunnel: 10.255.0.0/24, tunnel6: "fd00:255::/64" }
  ams1: { endpoint: ams1.example.com:51820, lans: [192.168.2.0/24, "fd00:2::/64"], tunnel: 10.255.1.0/24, tunnel6: "fd00:256::/64", cost: 100 }
sites:
  berlin: { lans: [192.168.20.0/24, "fd00:20::/64"], grant: [10.50.0.0/24] }
  lisbon: { lans: [192.168.40.0/24, "fd00:40::/64"], grant: [10.50.0.0/24] }
  vienna: { lans: [192.168.60.0/24, "fd00:60::/64"], hubs: [ams1] }
)";

class TwoHubs : public testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    const std::string frr = GetParam();
    if (const auto missing = frr_missing({frr}); !missing.empty()) GTEST_SKIP() << missing;
    lab::LabOptions options;
    options.name = "hubs" + std::string(frr == "8.4" ? "84" : "103");
    options.frr = frr;
    lab_ = std::make_unique<LiveLab>(two_hubs, std::move(options));
    ASSERT_TRUE(lab_->ready());
  }
  void TearDown() override { lab_.reset(); }

  std::unique_ptr<LiveLab> lab_;
};

TEST_P(TwoHubs, SitesGoOverTheCheaperHubAndOverTheOtherWhenItIsGone) {
  auto& lab = *lab_;
  EXPECT_TRUE(wait_until(30s, [&] { return lab.sh("berlin", "ip route show 192.168.40.0/24").find("dev wg0") != std::string::npos; }))
      << lab.sh("berlin", "ip route");
  // vienna is not wired to fra1: the hubs' own wire carries it, or ams1's.
  EXPECT_TRUE(lab.pings("fra1.lan0", "192.168.60.2"));
  ASSERT_TRUE(lab->cut("fra1"));
  EXPECT_TRUE(wait_until(60s, [&] {
    return lab.pings("berlin.lan0", "192.168.40.2") && lab.pings("lisbon.lan0", "192.168.2.2") && lab.pings("vienna.lan0", "192.168.20.2");
  })) << lab.sh("berlin", "ip route; wg show");
  ASSERT_TRUE(lab->heal("fra1"));
  EXPECT_TRUE(lab.converge(120s));
  EXPECT_TRUE(wait_until(60s, [&] { return lab.sh("berlin", "ip route show 192.168.40.0/24").find("dev wg0") != std::string::npos; }))
      << lab.sh("berlin", "ip route");
}

// What fra1 says then reaches ams1 through the sites alone: none of them is taken for a forger.
TEST_P(TwoHubs, SitesPassOnWhatAHubSaysWhileTheWireBetweenTheHubsIsCut) {
  auto& lab = *lab_;
  lab.cut_path("fra1", "ams1");
  const auto neighbors = [&] { return lab.vtysh("ams1", "show ip ospf neighbor") + lab.vtysh("ams1", "show ipv6 ospf6 neighbor"); };
  EXPECT_NE(lab.vtysh("ams1", "show ipv6 ospf6 neighbor").find("Full"), std::string::npos) << "IPv6 does not go by OSPFv3 here";
  ASSERT_TRUE(wait_until(120s, [&] { return neighbors().find("wgh") == std::string::npos; })) << neighbors();
  lab.sh("fra1", "pkill -STOP -x radiald");  // it would put the costs right
  const auto heard = [&] { return lab.vtysh("ams1", "show ip ospf database router adv-router 10.255.0.1"); };
  const auto heard6 = [&] { return lab.vtysh("ams1", "show ipv6 ospf6 database intra-prefix adv-router 10.255.0.1 detail json"); };
  for (int cost = 20; cost < 26; ++cost) {
    lab.sh("fra1", fmt::format("vtysh -c 'configure terminal' -c 'interface lan0' -c 'ip ospf cost {0}' -c exit -c 'interface lan1' -c 'ipv6 ospf6 cost {0}'", cost));
    EXPECT_TRUE(wait_until(30s, [&] { return heard().find(fmt::format("TOS 0 Metric: {}\n", cost)) != std::string::npos; })) << heard();
    EXPECT_TRUE(wait_until(30s, [&] { return heard6().find(fmt::format("\"metric\":{}\n", cost)) != std::string::npos; })) << heard6();
  }
  lab.sh("fra1", "pkill -CONT -x radiald");
  EXPECT_TRUE(lab.pings("berlin.lan0", "192.168.2.2"));
  const auto cut_off = [&] { return !lab.sh("ams1", "grep 'cut off' " + (*lab).log_of("ams1").string() + " || true").empty(); };
  EXPECT_FALSE(wait_until(8s, cut_off)) << "for longer than the guard takes";
  lab.heal_path();
  EXPECT_TRUE(lab.converge(120s));
  EXPECT_FALSE(wait_until(8s, cut_off));
}

INSTANTIATE_TEST_SUITE_P(Frr84, TwoHubs, testing::Values("8.4"), [](const auto&) { return "d12"; });
INSTANTIATE_TEST_SUITE_P(Frr103, TwoHubs, testing::Values("10.3"), [](const auto&) { return "d13"; });

}  // namespace
}  // namespace radial::test
