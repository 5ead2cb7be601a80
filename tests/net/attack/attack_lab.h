// The topology of the attack tests. mallory's operator is hostile: root on the
// site, but not on any other node.
//
//   LAN 192.168.1.0/24 -- fra1 (hub, one wg0)
//                          | internet
//        +-----------------+------------------+
//      berlin            paris             mallory
//  192.168.20.0/24   192.168.30.0/24    192.168.66.0/24
//                    grant 10.30.0.0/16
#pragma once

#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "net/attack/attacker.h"
#include "support/frr_release.h"
#include "support/scoped_environment.h"
#include "support/steady_pings.h"

namespace radial::test {

inline constexpr const char* attack_fabric = R"(
fabric: acme
hubs:
  fra1: { endpoint: vpn.example.com:51820, lans: [192.168.1.0/24] }
sites:
  berlin:  { lans: [192.168.20.0/24] }
  paris:   { lans: [192.168.30.0/24], grant: [10.30.0.0/16] }
  mallory: { lans: [192.168.66.0/24] }
)";

// The same with an IPv6 LAN fd00:K::/64 beside each 192.168.K.0/24.
inline constexpr const char* attack_fabric6 = R"(
fabric: acme
hubs:
  fra1: { endpoint: vpn.example.com:51820, lans: [192.168.1.0/24, "fd00:1::/64"], tunnel: 10.255.0.0/24, tunnel6: "fd00:255::/64" }
sites:
  berlin:  { lans: [192.168.20.0/24, "fd00:20::/64"] }
  paris:   { lans: [192.168.30.0/24, "fd00:30::/64"], grant: [10.30.0.0/16, "fd10:30::/32"] }
  mallory: { lans: [192.168.66.0/24, "fd00:66::/64"] }
)";

// With two hubs:
//   LAN 192.168.1.0/24 -- fra1 ------ wire ------ ams1 -- LAN 192.168.2.0/24
//                  cost 10 |  \                  / |  cost 100
//                          |    +-- mallory --+    |
//                        berlin -------------------+
//                  192.168.20.0/24     |           |
//                               192.168.66.0/24   vienna (ams1 alone) 192.168.60.0/24
inline constexpr const char* two_hubs_attack_fabric = R"(
fabric: acme
hubs:
  fra1: { endpoint: fra1.example.com:51820, lans: [192.168.1.0/24, "fd00:1::/64"], tunnel: 10.255.0.0/24, tunnel6: "fd00:255::/64" }
  ams1: { endpoint: ams1.example.com:51820, lans: [192.168.2.0/24, "fd00:2::/64"], tunnel: 10.255.1.0/24, tunnel6: "fd00:256::/64", cost: 100 }
sites:
  berlin:  { lans: [192.168.20.0/24, "fd00:20::/64"] }
  vienna:  { lans: [192.168.60.0/24, "fd00:60::/64"], grant: [10.60.0.0/16], hubs: [ams1] }
  mallory: { lans: [192.168.66.0/24, "fd00:66::/64"] }
)";

// Pings every 10 ms between the honest nodes, both ways.
class HonestPings : public SteadyPings {
 public:
  HonestPings(const lab::Lab& lab, std::chrono::seconds length)
      : SteadyPings(lab, {{"berlin.lan0", "192.168.30.2"}, {"paris.lan0", "192.168.1.2"}, {"fra1.lan0", "192.168.20.2"}}, length) {}
};

// The same over IPv6, with one pair of IPv4 beside it, for attack_fabric6.
class HonestPings6 : public SteadyPings {
 public:
  HonestPings6(const lab::Lab& lab, std::chrono::seconds length)
      : SteadyPings(lab, {{"berlin.lan1", "fd00:30::2"}, {"paris.lan1", "fd00:1::2"}, {"fra1.lan1", "fd00:20::2"}, {"berlin.lan0", "192.168.30.2"}}, length) {}
};

// Every hub of `fabric` has a wire for each of its sites.
inline std::string with_a_wire_for_each_site(std::string fabric) {
  constexpr std::string_view hub = "endpoint: ";
  constexpr std::string_view dedicated = "wire: dedicated, ";
  for (auto at = fabric.find(hub); at != std::string::npos; at = fabric.find(hub, at + dedicated.size() + hub.size()))
    fabric.insert(at, dedicated);
  return fabric;
}

// mallory sends from an address of berlin's LAN, over IPv6: nothing arrives. From its own it does.
inline void expect_spoofing_over_ipv6_fails(LiveLab& lab, Attacker& mallory) {
  mallory.sh("ip address add fd00:20::2/128 dev lo nodad");
  const auto spoofed = lab->run("mallory", {"ping", "-6", "-c", "5", "-i", "0.2", "-W", "1", "-I", "fd00:20::2", "fd00:30::2"});
  ASSERT_TRUE(spoofed);
  EXPECT_THAT(spoofed->out, testing::HasSubstr(" 0 received"));
  EXPECT_TRUE(wait_until(20s, [&] { return lab.pings("mallory.lan1", "fd00:30::2"); }));
  mallory.sh("ip address del fd00:20::2/128 dev lo");
}

// FRR and engine of a fabric that is attacked.
struct Ground {
  std::string title;
  std::string frr;   // of all nodes
  bool bgp = false;
  bool dedicated = false;  // the hub has a wire for each site
  std::string wireguard = {};  // of all nodes; empty: radial-wire, by default
};
inline void PrintTo(const Ground& ground, std::ostream* out) { *out << ground.title; }
inline std::string title_of(const testing::TestParamInfo<Ground>& ground) { return ground.param.title; }

// One lab a ground for all tests of a program's fixture, with mallory hostile from the start.
class HostileSite : public testing::TestWithParam<Ground> {
 protected:
  virtual std::string lab_name() const = 0;
  virtual std::string fabric() const { return attack_fabric; }  // without its `routing:` and `wire:`
  virtual std::vector<Attacker::HubSide> hubs() const { return {{"fra1", "10.255.0.1"}}; }
  // Of daemons that the fabric itself does not need.
  virtual std::set<std::string> more_daemons() const { return bgp() ? std::set<std::string>{"bgpd"} : std::set<std::string>{}; }
  virtual void turn_hostile() { mallory().seize(); }

  void SetUp() override {
    if (const auto missing = frr_missing({GetParam().frr}); !missing.empty()) GTEST_SKIP() << missing;
    if (!lab_ || title_ != GetParam().title) {
      mallory_.reset();
      lab_.reset();
      title_ = GetParam().title;
      lab::LabOptions options;
      options.name = lab_name() + title_;
      options.frr = GetParam().frr;
      options.daemons.merge(more_daemons());
      auto text = fabric() + (bgp() ? "routing: bgp\n" : "");
      if (dedicated()) text = with_a_wire_for_each_site(std::move(text));
      wireguard_.reset();  // of radialds that are started again, too
      if (!GetParam().wireguard.empty()) wireguard_.emplace("RADIAL_WIREGUARD", GetParam().wireguard);
      lab_ = std::make_unique<LiveLab>(text, std::move(options));
      ASSERT_TRUE(lab_->ready());
      mallory_ = std::make_unique<Attacker>(*lab_, bgp(), hubs());
      turn_hostile();
    }
    ASSERT_TRUE(lab_->ready());
  }
  static void TearDownTestSuite() {
    mallory_.reset();
    lab_.reset();
    wireguard_.reset();
  }
  static LiveLab& lab() { return *lab_; }
  static Attacker& mallory() { return *mallory_; }
  static bool bgp() { return GetParam().bgp; }
  static bool dedicated() { return GetParam().dedicated; }
  static void expect_ospf6() {
    ASSERT_THAT(lab().vtysh("fra1", "show ipv6 ospf6 neighbor"), testing::HasSubstr("Full")) << "IPv6 does not go by OSPFv3 here";
  }

 private:
  static inline std::optional<ScopedEnvironment> wireguard_;
  static inline std::unique_ptr<LiveLab> lab_;
  static inline std::unique_ptr<Attacker> mallory_;
  static inline std::string title_;
};

}  // namespace radial::test
