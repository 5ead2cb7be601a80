// What a hostile site announces by configuring its own FRR is contained: no
// honest ping is lost, and no honest node's FIB has it.
#include <fmt/format.h>
#include <gmock/gmock.h>

#include "net/attack/attack_lab.h"

namespace radial::test {
namespace {

using testing::HasSubstr;
using testing::Not;

struct Ground {
  std::string title;
  std::string frr;   // of all nodes: empty is this machine's
  bool bgp = false;
};
void PrintTo(const Ground& ground, std::ostream* out) { *out << ground.title; }

class AnnounceOn : public testing::TestWithParam<Ground> {
 protected:
  void SetUp() override {
    if (!GetParam().frr.empty() && std::getenv("RADIAL_TRIXIE_ROOT") == nullptr)
      GTEST_SKIP() << "no Debian 13 folder with FRR 10.3 (RADIAL_TRIXIE_ROOT)";
    if (!lab_ || title_ != GetParam().title) {
      lab_.reset();
      title_ = GetParam().title;
      lab::LabOptions options;
      options.name = "atk" + title_;
      options.frr = GetParam().frr;
      if (bgp()) options.daemons.insert("bgpd");
      lab_ = std::make_unique<LiveLab>(std::string(attack_fabric) + (bgp() ? "routing: bgp\n" : ""), std::move(options));
      ASSERT_TRUE(lab_->ready());
      // From here on mallory is its operator's alone: no radiald, no filter.
      lab_->sh("mallory", "kill -9 $(pidof radiald)");
      lab_->sh("mallory", fmt::format("vtysh -c 'configure terminal' -c 'no ip protocol {0} route-map radial-{0}'", bgp() ? "bgp" : "ospf"));
    }
    ASSERT_TRUE(lab_->ready());
  }
  static void TearDownTestSuite() { lab_.reset(); }
  LiveLab& lab() { return *lab_; }
  static bool bgp() { return GetParam().bgp; }

  // mallory announces `address`'s network as a stub of its own, at `cost`.
  void announce(const std::string& address, int cost) {
    if (bgp()) return announce_by_bgp({InterfaceAddress::parse(address).value().network().to_string()});
    lab().sh("mallory", fmt::format("ip link add atk{0} type bridge && ip address add {1} dev atk{0} && ip link set atk{0} up", made_, address));
    lab().sh("mallory", fmt::format("vtysh -c 'configure terminal' -c 'interface atk{0}' -c 'ip ospf cost {1}' -c 'ip ospf passive' -c 'ip ospf area 0.0.0.0'",
                                    made_++, cost));
  }
  // bgpd announces what it is told to, whether it has a route or not.
  void announce_by_bgp(const std::vector<std::string>& prefixes) {
    std::string command = router_bgp() + " -c 'no bgp network import-check' -c 'address-family ipv4 unicast'";
    for (const auto& prefix : prefixes) command += fmt::format(" -c 'network {}'", prefix);
    lab().sh("mallory", command);
    by_bgp_.insert(by_bgp_.end(), prefixes.begin(), prefixes.end());
  }
  std::string router_bgp() {
    const auto line = lab().sh("mallory", "vtysh -c 'show running-config' 2>/dev/null | grep -m 1 '^router bgp'");
    return fmt::format("vtysh -c 'configure terminal' -c '{}'", line.substr(0, line.find('\n')));
  }
  void stop_announcing() {
    if (!by_bgp_.empty()) {
      std::string command = router_bgp() + " -c 'address-family ipv4 unicast'";
      for (const auto& prefix : by_bgp_) command += fmt::format(" -c 'no network {}'", prefix);
      lab().sh("mallory", command);
      by_bgp_.clear();
    }
    while (made_ > 0) lab().sh("mallory", fmt::format("ip link delete atk{0}; vtysh -c 'configure terminal' -c 'no interface atk{0}' || true", --made_));
  }
  // The same for prefixes that hold its own hub's addresses, to which its own
  // packets must still find their way: as external routes, past them by rule.
  void announce_external(const std::vector<std::string>& prefixes) {
    if (bgp()) return announce_by_bgp(prefixes);
    const auto hub = hub_endpoint();
    lab().sh("mallory", fmt::format("ip rule add pref 5 to {0} lookup 100; ip route add {0} via $(ip -4 route show default | cut -d' ' -f3) table 100; "
                                    "ip rule add pref 6 to 10.255.0.1 lookup 101; ip route add 10.255.0.1 dev wg0 table 101", hub));
    std::string command = "vtysh -c 'configure terminal'";
    for (const auto& prefix : prefixes) command += fmt::format(" -c 'ip route {} blackhole'", prefix);
    lab().sh("mallory", command + " -c 'router ospf' -c 'redistribute static metric 1 metric-type 1'");
    external_ = prefixes;
  }
  void stop_external() {
    if (bgp()) return stop_announcing();
    std::string command = "vtysh -c 'configure terminal'";
    for (const auto& prefix : external_) command += fmt::format(" -c 'no ip route {} blackhole'", prefix);
    lab().sh("mallory", command + " -c 'router ospf' -c 'no redistribute static'");
    lab().sh("mallory", "ip rule del pref 5; ip rule del pref 6; ip route flush table 100; ip route flush table 101");
    external_.clear();
  }
  std::string hub_endpoint() { return lab()->plan().find("fra1")->uplink_v4().to_string(); }
  // The hub's ospfd has heard it: the attack took place.
  bool hub_heard(const std::string& prefix) {
    if (bgp())  // the hub's bgpd forgets what it refused
      return wait_until(20s, [&] {
               return lab().vtysh("mallory", "show bgp ipv4 unicast neighbors 10.255.0.1 advertised-routes").find(prefix) != std::string::npos;
             }).has_value();
    return wait_until(20s, [&] {
             return lab().vtysh("fra1", "show ip ospf database").find(prefix) != std::string::npos ||
                    lab().vtysh("fra1", "show ip ospf route").find(prefix) != std::string::npos;
           }).has_value();
  }
  std::string route_get(const std::string& node, const std::string& address) {
    return lab().sh(node, "ip route get " + address);
  }

  // Attacks during a run of pings; then all that mallory did goes again.
  void expect_contained(const std::function<void()>& attack, const std::vector<std::string>& heard,
                        const std::function<void()>& stop) {
    HonestPings pings(*lab(), 5s);
    attack();
    for (const auto& prefix : heard) EXPECT_TRUE(hub_heard(prefix)) << prefix << " never arrived: this test shows nothing";
    EXPECT_THAT(route_get("fra1", "192.168.20.2"), Not(HasSubstr(mallory_address()))) << "the hub sends berlin's traffic to mallory";
    EXPECT_EQ(pings.lost(), 0);
    if (HasFailure())
      for (const auto* node : {"fra1", "berlin", "paris"}) std::printf("--- %s\n%s", node, lab().vtysh(node, "show ip route").c_str());
    HonestPings after(*lab(), 2s);
    stop();
    EXPECT_EQ(after.lost(), 0) << "while it was withdrawn";
  }
  void expect_contained(const std::vector<std::pair<std::string, int>>& announcements, const std::vector<std::string>& heard) {
    expect_contained([&] { for (const auto& [address, cost] : announcements) announce(address, cost); }, heard,
                     [&] { stop_announcing(); });
  }
  std::string mallory_address() {
    const auto text = lab().sh("mallory", "ip -4 -o address show dev wg0 | sed 's/.*inet \\([0-9.]*\\).*/\\1/'");
    return text.substr(0, text.find('\n'));
  }

  static inline std::unique_ptr<LiveLab> lab_;
  static inline std::string title_;
  std::vector<std::string> by_bgp_;
  int made_ = 0;
  std::vector<std::string> external_;
};

TEST_P(AnnounceOn, AnothersLanCheaperAndAtEqualCost) {
  expect_contained({{"192.168.20.200/24", 10}}, {"192.168.20.0"});
  expect_contained({{"192.168.20.200/24", 1}}, {"192.168.20.0"});
}

TEST_P(AnnounceOn, AMoreSpecificOfAnothersLan) {
  expect_contained({{"192.168.20.1/25", 1}, {"192.168.30.3/30", 1}, {"192.168.20.2/32", 1}}, {"192.168.20.0/25"});
  for (const auto* node : {"fra1", "paris"})
    EXPECT_THAT(lab().sh(node, "ip route show"), Not(HasSubstr("192.168.20.0/25"))) << node;
}

TEST_P(AnnounceOn, ADefaultRouteWholeAndInHalves) {
  HonestPings pings(*lab(), 5s);
  const auto before = route_get("berlin", "9.9.9.9");
  if (bgp()) announce_by_bgp({"0.0.0.0/0"});
  else lab().sh("mallory", "vtysh -c 'configure terminal' -c 'router ospf' -c 'default-information originate always metric 1'");
  announce("1.2.3.4/1", 1);
  announce("129.2.3.4/1", 1);
  EXPECT_TRUE(hub_heard("0.0.0.0/1"));
  EXPECT_EQ(pings.lost(), 0);
  for (const auto* node : {"fra1", "berlin", "paris"}) {
    EXPECT_THAT(route_get(node, "9.9.9.9"), HasSubstr("dev uplink")) << node;
    EXPECT_THAT(lab().sh(node, "ip route show"), Not(HasSubstr("0.0.0.0/1"))) << node;
  }
  if (!bgp()) lab().sh("mallory", "vtysh -c 'configure terminal' -c 'router ospf' -c 'no default-information originate'");
  stop_announcing();
}

TEST_P(AnnounceOn, TheHubsLan) {
  expect_contained({{"192.168.1.200/24", 1}, {"192.168.1.2/32", 1}, {"192.168.1.1/25", 1}}, {"192.168.1.0/25"});
}

TEST_P(AnnounceOn, TheHubsEndpointAndTheTunnel) {
  const auto endpoint = hub_endpoint();
  expect_contained([&] { announce_external({endpoint + "/32", "198.18.0.0/16", "10.255.0.0/25", "10.255.0.1/32", "10.255.0.0/24"}); },
                   {endpoint, "10.255.0.0/25"},
                   [&] {
                     for (const auto* node : {"berlin", "paris"})
                       EXPECT_THAT(route_get(node, endpoint), HasSubstr("dev uplink")) << node;
                     for (const auto* node : {"fra1", "berlin", "paris"})
                       EXPECT_THAT(lab().sh(node, "ip route show"), Not(HasSubstr("10.255.0.0/25"))) << node;
                     stop_external();
                   });
}

TEST_P(AnnounceOn, AnothersSourceAddressIsDropped) {
  lab().sh("mallory", "ip address add 192.168.20.2/32 dev lo");
  const auto spoofed = lab()->run("mallory", {"ping", "-c", "5", "-i", "0.2", "-W", "1", "-I", "192.168.20.2", "192.168.30.2"});
  ASSERT_TRUE(spoofed);
  EXPECT_THAT(spoofed->out, HasSubstr(" 0 received"));
  // From its own address it gets through: what was dropped was the source.
  EXPECT_TRUE(lab().pings("mallory.lan0", "192.168.30.2"));
  lab().sh("mallory", "ip address del 192.168.20.2/32 dev lo");
}

// What OSPF can only answer by cutting the site off (forge_test.cpp).
TEST_P(AnnounceOn, AFloodOfTenThousandPrefixesByBgp) {
  if (!bgp()) GTEST_SKIP() << "under OSPF a flood is found, not contained";
  lab().sh("mallory", "awk 'BEGIN { for (i = 0; i < 10000; i++) printf \"route add blackhole 100.%d.%d.%d/32 proto 99\\n\", 64 + i / 65536, (i / 256) % 256, i % 256 }' > /tmp/attack-flood; "
                      "ip -batch /tmp/attack-flood; rm /tmp/attack-flood");
  HonestPings pings(*lab(), 10s);
  lab().sh("mallory", router_bgp() + " -c 'address-family ipv4 unicast' -c 'redistribute kernel'");
  EXPECT_TRUE(hub_heard("100.64.39.15"));
  EXPECT_EQ(pings.lost(), 0);
  for (const auto* node : {"fra1", "berlin"}) EXPECT_THAT(lab().sh(node, "ip route show"), Not(HasSubstr("100.64."))) << node;
  lab().sh("mallory", router_bgp() + " -c 'address-family ipv4 unicast' -c 'no redistribute kernel'");
  lab().sh("mallory", "ip route flush proto 99");
}

std::string title_of(const testing::TestParamInfo<Ground>& ground) { return ground.param.title; }
INSTANTIATE_TEST_SUITE_P(Native, AnnounceOn, testing::Values(Ground{"ospf84", "", false}), title_of);
INSTANTIATE_TEST_SUITE_P(NativeBgp, AnnounceOn, testing::Values(Ground{"bgp84", "", true}), title_of);
INSTANTIATE_TEST_SUITE_P(Frr103, AnnounceOn, testing::Values(Ground{"ospf103", "10.3", false}), title_of);
INSTANTIATE_TEST_SUITE_P(Frr103Bgp, AnnounceOn, testing::Values(Ground{"bgp103", "10.3", true}), title_of);

}  // namespace
}  // namespace radial::test
