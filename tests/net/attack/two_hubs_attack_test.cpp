// A hostile site with a wire to each of two hubs announces to both. No honest
// ping is lost: each hub's FIB stays right by itself, so that no packet goes
// round between the two.
// The topology is attack_lab.h's.
#include <gmock/gmock.h>

#include "net/attack/attack_lab.h"

namespace radial::test {
namespace {

using testing::HasSubstr;
using testing::Not;

class TwoHubsOn : public HostileSite {
 protected:
  std::string lab_name() const override { return "atk2"; }
  std::string fabric() const override { return two_hubs_attack_fabric; }
  std::vector<Attacker::HubSide> hubs() const override { return {{"fra1", "10.255.0.1"}, {"ams1", "10.255.1.1"}}; }

  // Attacks during a run of pings; then all that mallory did goes again.
  void expect_contained(const std::function<void()>& attack, const std::vector<std::string>& heard) {
    const std::vector<std::pair<std::string, std::string>> pairs{{"berlin.lan0", "192.168.60.2"}, {"vienna.lan0", "192.168.1.2"},
                                                                 {"fra1.lan0", "192.168.2.2"},    {"ams1.lan0", "192.168.20.2"}};
    SteadyPings pings(*lab(), pairs, 4s);
    attack();
    for (const auto* hub : {"fra1", "ams1"})
      for (const auto& prefix : heard) EXPECT_TRUE(mallory().heard(hub, prefix)) << prefix << " never came to " << hub << ": this test shows nothing";
    EXPECT_EQ(pings.lost(), 0);
    if (HasFailure())
      for (const auto* node : {"fra1", "ams1", "berlin", "vienna"})
        std::printf("--- %s\n%s", node, lab().vtysh(node, "show ip route").c_str());
    SteadyPings after(*lab(), pairs, 1s);
    mallory().stop();
    EXPECT_EQ(after.lost(), 0) << "while it was withdrawn";
  }
  void announce(const std::vector<std::string>& addresses, int cost = 1) {
    for (const auto& address : addresses) mallory().announce(address, cost);
  }
};

TEST_P(TwoHubsOn, TheLanOfASiteOfOneHubAndOfASiteOfBoth) {
  expect_contained([&] { announce({"192.168.60.200/24", "192.168.20.200/24"}); }, {"192.168.60.0", "192.168.20.0"});
}

TEST_P(TwoHubsOn, MoreSpecificsOfThem) {
  expect_contained([&] { announce({"192.168.60.1/25", "192.168.60.2/32", "192.168.20.1/25", "192.168.20.2/32"}); },
                   {"192.168.60.0/25", "192.168.20.0/25"});
}

TEST_P(TwoHubsOn, TheHubsLansAndADefaultRoute) {
  expect_contained([&] {
    announce({"192.168.1.200/24", "192.168.1.1/25", "192.168.1.2/32", "192.168.2.200/24", "192.168.2.1/25", "192.168.2.2/32", "1.2.3.4/1"});
    mallory().announce_default();
  }, {"192.168.1.0/25", "192.168.2.0/25", "0.0.0.0/1"});
  for (const auto* node : {"fra1", "ams1", "berlin", "vienna"})
    EXPECT_THAT(lab().sh(node, "ip route get 9.9.9.9"), HasSubstr("dev uplink")) << node;
}

TEST_P(TwoHubsOn, TheHubsEndpointsAndTheTunnels) {
  const auto fra = mallory().endpoint_of("fra1");
  const auto ams = mallory().endpoint_of("ams1");
  const auto vienna = lab().tunnel_address("vienna", "wg1");
  ASSERT_THAT(vienna, HasSubstr("10.255.1."));
  expect_contained([&] {
    mallory().announce_external({fra + "/32", ams + "/32", "198.18.0.0/16", "10.255.0.0/25", "10.255.1.0/25", "10.255.1.0/24"});
    if (!bgp()) mallory().announce(vienna + "/32", 1);
    // vienna's address in its hub's tunnel is still vienna's there.
    for (int i = 0; i < 3; ++i) EXPECT_TRUE(lab().pings("ams1", vienna)) << lab().sh("ams1", "ip route get " + vienna);
  }, {fra, "10.255.0.0/25", "10.255.1.0/25"});
}

TEST_P(TwoHubsOn, OverIpv6TheSame) {
  const std::vector<std::string> hubs{"fra1", "ams1"};
  std::vector<std::string> lies{"fd00:20::/64", "fd00:20::/65", "fd00:20::2/128", "fd00:60::/64", "fd00:60::/65", "fd00:60::2/128",
                                "fd00:1::/65", "fd00:1::2/128", "fd00:2::/65", "fd00:2::2/128", "8000::/1", "fd00:255::/65", "fd00:256::/65", "2001:db8::/32"};
  for (const auto& hub : hubs) lies.push_back(lab()->plan().find(hub)->uplink_v6().to_string() + "/128");
  const SteadyPings::Pairs pairs{{"berlin.lan1", "fd00:60::2"}, {"vienna.lan1", "fd00:1::2"}, {"fra1.lan1", "fd00:2::2"}, {"ams1.lan1", "fd00:20::2"}};
  SteadyPings pings(*lab(), pairs, 6s);
  if (!bgp()) mallory().announce_by_ospf6({"fd00:20::200/64", "fd00:60::200/64"}, 1);
  mallory().announce_ipv6(lies);
  for (const auto& hub : hubs)
    for (const auto* lie : {"fd00:20::/65", "fd00:60::/65", "8000::/1"})
      EXPECT_TRUE(mallory().heard_ipv6(hub, lie)) << lie << " never came to " << hub << ": this test shows nothing";
  EXPECT_EQ(pings.lost(), 0);
  for (const auto* node : {"fra1", "ams1", "berlin", "vienna"}) {
    const auto routes = lab().sh(node, "ip -6 route show");
    for (const auto* lie : {"8000::/1", "fd00:255::/65", "fd00:256::/65", "2001:db8::/32"}) EXPECT_THAT(routes, Not(HasSubstr(std::string(lie) + " "))) << node;
    if (HasFailure()) std::printf("--- %s\n%s", node, lab().vtysh(node, "show ipv6 route").c_str());
  }
  SteadyPings after(*lab(), pairs, 2s);
  mallory().stop();
  EXPECT_EQ(after.lost(), 0) << "while it was withdrawn";
}

INSTANTIATE_TEST_SUITE_P(Frr84, TwoHubsOn, testing::Values(Ground{"ospf84", "8.4", false}), title_of);
INSTANTIATE_TEST_SUITE_P(Frr84Bgp, TwoHubsOn, testing::Values(Ground{"bgp84", "8.4", true}), title_of);
INSTANTIATE_TEST_SUITE_P(Frr103, TwoHubsOn, testing::Values(Ground{"ospf103", "10.3", false}), title_of);
INSTANTIATE_TEST_SUITE_P(Frr103Bgp, TwoHubsOn, testing::Values(Ground{"bgp103", "10.3", true}), title_of);
INSTANTIATE_TEST_SUITE_P(Dedicated, TwoHubsOn, testing::Values(Ground{"dedospf84", "8.4", false, true}), title_of);
INSTANTIATE_TEST_SUITE_P(Dedicated103, TwoHubsOn, testing::Values(Ground{"dedospf103", "10.3", false, true}), title_of);
INSTANTIATE_TEST_SUITE_P(DedicatedBgp103, TwoHubsOn, testing::Values(Ground{"dedbgp103", "10.3", true, true}), title_of);
INSTANTIATE_TEST_SUITE_P(DedicatedBgp, TwoHubsOn, testing::Values(Ground{"dedbgp84", "8.4", true, true}), title_of);

}  // namespace
}  // namespace radial::test
