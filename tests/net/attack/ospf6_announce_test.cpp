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
class Ospf6On : public testing::TestWithParam<std::string> {
 protected:
  void SetUp() override {
    if (const auto missing = frr_missing({GetParam()}); !missing.empty()) GTEST_SKIP() << missing;
    if (!lab_ || frr_ != GetParam()) {
      mallory_.reset();
      lab_.reset();
      frr_ = GetParam();
      lab::LabOptions options;
      options.name = "atk6" + std::string(frr_ == "8.4" ? "old" : "new");
      options.frr = frr_;
      lab_ = std::make_unique<LiveLab>(attack_fabric6, std::move(options));
      ASSERT_TRUE(lab_->ready());
      ASSERT_THAT(lab_->vtysh("fra1", "show ipv6 ospf6 neighbor"), HasSubstr("Full")) << "IPv6 does not go by OSPFv3 here";
      mallory_ = std::make_unique<Attacker>(*lab_, false);
      mallory().sh("pkill -9 -x radiald");
      mallory().configure({"no ip protocol ospf route-map radial-ospf", "no ipv6 protocol ospf6 route-map radial-ospf6"});
    }
    ASSERT_TRUE(lab_->ready());
  }
  static void TearDownTestSuite() {
    mallory_.reset();
    lab_.reset();
  }
  LiveLab& lab() { return *lab_; }
  static Attacker& mallory() { return *mallory_; }

  void announce(const std::vector<std::string>& addresses, int cost) {
    for (const auto& address : addresses) {
      const auto bridge = fmt::format("atv{}", made_++);
      mallory().sh(fmt::format("ip link add {0} type bridge && ip address add {1} dev {0} nodad && ip link set {0} up", bridge, address));
      mallory().configure({"interface " + bridge, fmt::format("ipv6 ospf6 cost {}", cost), "ipv6 ospf6 passive", "ipv6 ospf6 area 0.0.0.0"});
    }
  }
  void announce_external(const std::vector<std::string>& prefixes) {
    std::vector<std::string> lines;
    for (const auto& prefix : prefixes) lines.push_back(fmt::format("ipv6 route {} blackhole", prefix));
    lines.insert(lines.end(), {"router ospf6", "redistribute static metric 1 metric-type 1", "default-information originate always metric 1 metric-type 1"});
    mallory().configure(lines);
    external_ = prefixes;
  }
  void stop() {
    while (made_ > 0)
      mallory().sh(fmt::format("ip link delete atv{0}; vtysh -c 'configure terminal' -c 'no interface atv{0}' || true", --made_));
    if (external_.empty()) return;
    std::vector<std::string> lines;
    for (const auto& prefix : external_) lines.push_back(fmt::format("no ipv6 route {} blackhole", prefix));
    lines.insert(lines.end(), {"router ospf6", "no redistribute static", "no default-information originate"});
    mallory().configure(lines);
    external_.clear();
  }
  bool heard(const std::string& prefix) {
    return wait_until(20s, [&] {
             return lab().vtysh("fra1", "show ipv6 ospf6 database detail").find(prefix) != std::string::npos ||
                    lab().vtysh("fra1", "show ipv6 ospf6 route").find(prefix) != std::string::npos;
           }).has_value();
  }

  void expect_contained(const std::function<void()>& attack, const std::vector<std::string>& prefixes) {
    const SteadyPings::Pairs pairs{{"berlin.lan1", "fd00:30::2"}, {"paris.lan1", "fd00:1::2"}, {"fra1.lan1", "fd00:20::2"}, {"berlin.lan0", "192.168.30.2"}};
    SteadyPings pings(*lab(), pairs, 5s);
    attack();
    for (const auto& prefix : prefixes) EXPECT_TRUE(heard(prefix)) << prefix << " never arrived: this test shows nothing";
    // One of some 2,000 was lost once in many runs, not understood; a diversion loses hundreds.
    EXPECT_LE(pings.lost(), 3);
    if (HasFailure())
      for (const auto* node : {"fra1", "berlin", "paris"}) std::printf("--- %s\n%s", node, lab().vtysh(node, "show ipv6 route").c_str());
    SteadyPings after(*lab(), pairs, 2s);
    stop();
    EXPECT_EQ(after.lost(), 0) << "while it was withdrawn";
  }

  static inline std::unique_ptr<LiveLab> lab_;
  static inline std::unique_ptr<Attacker> mallory_;
  static inline std::string frr_ = "none";
  int made_ = 0;
  std::vector<std::string> external_;
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
  stop();
}

TEST_P(Ospf6On, TheHubsLan) {
  expect_contained([&] { announce({"fd00:1::200/64", "fd00:1::2/128", "fd00:1::1/65"}, 1); }, {"fd00:1::/65"});
}

TEST_P(Ospf6On, ADefaultRouteTheUnderlayAndTheTunnel) {
  const auto endpoint = lab()->plan().find("fra1")->uplink_v6().to_string();
  expect_contained([&] { announce_external({endpoint + "/128", "2001:db8::/32", "8000::/1", "fd00:255::/65", "fd00:255::1/128"}); },
                   {endpoint, "8000::/1", "fd00:255::/65"});
  for (const auto* node : {"fra1", "berlin", "paris"})
    EXPECT_THAT(lab().sh(node, "ip -6 route show"), Not(HasSubstr("8000::/1"))) << node;
}

TEST_P(Ospf6On, NoNodeTakesItsDefaultRouteOrAPartOfTheUnderlay) {
  const auto endpoint = lab()->plan().find("fra1")->uplink_v6().to_string();
  announce_external({endpoint + "/128", "8000::/1", "::/1", "fd00:255::/65"});
  EXPECT_TRUE(heard("8000::/1"));
  EXPECT_TRUE(heard(endpoint));
  for (const auto* node : {"fra1", "berlin", "paris"}) {
    for (const auto* address : {"2620:fe::fe", "9000::1"})
      EXPECT_THAT(lab().sh(node, fmt::format("ip -6 route get {} 2>&1 || true", address)), Not(HasSubstr("dev wg0"))) << node;
    if (node != std::string("fra1")) { EXPECT_THAT(lab().sh(node, "ip -6 route get " + endpoint), HasSubstr("dev uplink")) << node; }
    EXPECT_THAT(lab().sh(node, "ip -6 route show"), Not(HasSubstr("fd00:255::/65"))) << node;
  }
  stop();
}

TEST_P(Ospf6On, AnothersSourceAddressIsDropped) {
  expect_spoofing_over_ipv6_fails(lab(), mallory());
}

INSTANTIATE_TEST_SUITE_P(Frr84, Ospf6On, testing::Values("8.4"), [](const auto&) { return std::string("Frr84"); });
INSTANTIATE_TEST_SUITE_P(Frr103, Ospf6On, testing::Values("10.3"), [](const auto&) { return std::string("Frr103"); });

}  // namespace
}  // namespace radial::test
