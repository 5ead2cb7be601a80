// What a hostile site announces by configuring its own FRR over OSPFv3 is
// contained like its IPv4: no honest IPv6 ping is lost. The topology is
// attack_lab.h's.
#include <gmock/gmock.h>

#include "net/attack/attack_lab.h"

namespace radial::test {
namespace {

using testing::HasSubstr;
using testing::Not;

// Over a hub on 10.3 and over one on 8.4 whose radial-wire copies multicast.
class Ospf6On : public HostileSite {
 protected:
  std::string lab_name() const override { return "atk6"; }
  std::string fabric() const override { return attack_fabric6; }
  void turn_hostile() override {
    expect_ospf6();
    mallory().seize();
  }
  static void announce(const std::vector<std::string>& addresses, int cost) { mallory().announce_by_ospf6(addresses, cost); }
  static bool heard(const std::string& prefix) { return mallory().heard_ipv6("fra1", prefix); }

  void expect_contained(const std::function<void()>& attack, const std::vector<std::string>& prefixes) {
    HonestPings6 pings(*lab(), 5s);
    attack();
    for (const auto& prefix : prefixes) EXPECT_TRUE(heard(prefix)) << prefix << " never arrived: this test shows nothing";
    EXPECT_EQ(pings.lost(), 0);
    if (HasFailure())
      for (const auto* node : {"fra1", "berlin", "paris"}) std::printf("--- %s\n%s", node, lab().vtysh(node, "show ipv6 route").c_str());
    HonestPings6 after(*lab(), 2s);
    mallory().stop();
    EXPECT_EQ(after.lost(), 0) << "while it was withdrawn";
  }
};

TEST_P(Ospf6On, AnothersLanAtEqualCostCheaperAndInParts) {
  expect_contained([&] { announce({"fd00:20::200/64"}, 10); }, {"fd00:20::/64"});
  expect_contained([&] { announce({"fd00:30::200/64", "fd00:20::1/65", "fd00:20::2/128", "fd00:30::2/127"}, 1); }, {"fd00:20::/65"});
}

TEST_P(Ospf6On, WhatIsRefusedIsNamed) {
  announce({"fd00:1::1/65"}, 1);
  EXPECT_TRUE(wait_until(30s, [&] {
    const auto hub = lab().status("fra1");
    return hub && std::any_of(hub->findings.begin(), hub->findings.end(), [](const auto& one) {
             return one.subject == "site mallory" && one.what.find("announces fd00:1::/65, refused") != std::string::npos;
           });
  })) << cli::status_text(lab().status("fra1").value());
  mallory().stop();
}

TEST_P(Ospf6On, TheHubsLan) {
  expect_contained([&] { announce({"fd00:1::200/64", "fd00:1::2/128", "fd00:1::1/65"}, 1); }, {"fd00:1::/65"});
}

TEST_P(Ospf6On, ADefaultRouteTheUnderlayAndTheTunnel) {
  const auto endpoint = lab()->plan().find("fra1")->uplink_v6().to_string();
  expect_contained([&] { mallory().announce_ipv6({endpoint + "/128", "2001:db8::/32", "8000::/1", "fd00:255::/65", "fd00:255::1/128"}); },
                   {endpoint, "8000::/1", "fd00:255::/65"});
  for (const auto* node : {"fra1", "berlin", "paris"})
    EXPECT_THAT(lab().sh(node, "ip -6 route show"), Not(HasSubstr("8000::/1"))) << node;
}

TEST_P(Ospf6On, NoNodeTakesItsDefaultRouteOrAPartOfTheUnderlay) {
  const auto endpoint = lab()->plan().find("fra1")->uplink_v6().to_string();
  mallory().announce_ipv6({endpoint + "/128", "8000::/1", "::/1", "fd00:255::/65"});
  EXPECT_TRUE(heard("8000::/1"));
  EXPECT_TRUE(heard(endpoint));
  for (const auto* node : {"fra1", "berlin", "paris"}) {
    for (const auto* address : {"2620:fe::fe", "9000::1"})
      EXPECT_THAT(lab().sh(node, fmt::format("ip -6 route get {} 2>&1 || true", address)), Not(HasSubstr("dev wg0"))) << node;
    if (node != std::string("fra1")) { EXPECT_THAT(lab().sh(node, "ip -6 route get " + endpoint), HasSubstr("dev uplink")) << node; }
    EXPECT_THAT(lab().sh(node, "ip -6 route show"), Not(HasSubstr("fd00:255::/65"))) << node;
  }
  mallory().stop();
}

TEST_P(Ospf6On, AnothersSourceAddressIsDropped) {
  expect_spoofing_over_ipv6_fails(lab(), mallory());
}

INSTANTIATE_TEST_SUITE_P(Frr84, Ospf6On, testing::Values(Ground{"84", "8.4"}), title_of);
INSTANTIATE_TEST_SUITE_P(Frr103, Ospf6On, testing::Values(Ground{"103", "10.3"}), title_of);

}  // namespace
}  // namespace radial::test
