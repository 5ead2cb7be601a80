// A hub on FRR 8.4, by the WireGuard under it:
//
//   LAN -- fra1 (hub, FRR 8.4, one wg0) -- internet -- berlin, paris -- LANs
//
// radial-wire copies OSPF's multicast to every site, so the hub runs plain
// point-to-multipoint and OSPFv3; any other leaves it NBMA. Both are forced
// here, as what a machine chooses by itself depends on its kernel.
#include <optional>

#include "support/frr_release.h"
#include "support/live_lab.h"
#include "support/scoped_environment.h"

namespace radial::test {
namespace {

constexpr const char* two_sites = R"(
fabric: choice
hubs:
  fra1: { endpoint: vpn.example.com:51820, lans: [192.168.1.0/24, "fd00:1::/64"] }
sites:
  berlin: { lans: [192.168.20.0/24, "fd00:20::/64"] }
  paris:  { lans: [192.168.30.0/24, "fd00:30::/64"] }
)";

// NBMA's hub has no OSPFv3.
constexpr const char* two_sites_v4 = R"(
fabric: choice
hubs:
  fra1: { endpoint: vpn.example.com:51820, lans: [192.168.1.0/24] }
sites:
  berlin: { lans: [192.168.20.0/24] }
  paris:  { lans: [192.168.30.0/24] }
)";

class WireChoice : public testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    if (const auto missing = frr_missing({"8.4"}); !missing.empty()) GTEST_SKIP() << missing;
    wireguard_.emplace("RADIAL_WIREGUARD", GetParam());
    lab::LabOptions options;
    options.name = "choice";
    options.frr = "8.4";
    options.daemons.insert("ospf6d");
    const bool multicast = std::string(GetParam()) == "radial-wire";
    lab_ = std::make_unique<LiveLab>(multicast ? two_sites : two_sites_v4, std::move(options));
    ASSERT_TRUE(lab_->ready());
    for (const auto* node : {"fra1", "berlin"}) {
      const auto status = lab_->status(node);
      ASSERT_TRUE(status) << status.error().message;
      ASSERT_EQ(status->wireguard, GetParam()) << node;
    }
  }
  void TearDown() override {
    lab_.reset();
    wireguard_.reset();
  }

  // A daemon of FRR is killed; all is well again.
  void expect_back_after_killing(const std::string& node, const std::string& daemon, const std::function<bool()>& good) {
    const auto before = lab_->pids(node, daemon);
    lab_->sh(node, "kill -9 $(pidof " + daemon + ")");
    const auto back = wait_until(90s, [&] {
      const auto now = lab_->pids(node, daemon);
      return !now.empty() && now != before && good();
    });
    ASSERT_TRUE(back) << daemon << "\n" << cli::fabric_status_text("", cli::lab_status(**lab_), true);
    std::printf("  %s of %s killed: back after %lld ms\n", daemon.c_str(), node.c_str(), static_cast<long long>(back->count()));
  }
  bool all_good() { return lab_->healthy() && lab_->pings(); }

  std::unique_ptr<LiveLab> lab_;
  std::optional<ScopedEnvironment> wireguard_;
};

using OnWireguardGo = WireChoice;

TEST_P(OnWireguardGo, TheHubIsNbmaAndComesBack) {
  EXPECT_NE(lab_->vtysh("fra1", "show running-config").find("ip ospf network non-broadcast"), std::string::npos);
  EXPECT_NE(lab_->vtysh("berlin", "show running-config").find("ip ospf network non-broadcast"), std::string::npos);
  expect_back_after_killing("fra1", "ospfd", [&] { return all_good(); });
}

INSTANTIATE_TEST_SUITE_P(Lab, OnWireguardGo, testing::Values("wireguard-go"));

using OnRadialWire = WireChoice;

TEST_P(OnRadialWire, TheHubRunsPointToMultipointAndComesBackFromRestarts) {
  EXPECT_NE(lab_->vtysh("fra1", "show running-config").find("ip ospf network point-to-multipoint\n"), std::string::npos);
  EXPECT_EQ(lab_->vtysh("fra1", "show running-config").find("\n neighbor "), std::string::npos) << "no neighbour is listed";
  for (const auto* node : {"fra1", "fra1", "fra1", "berlin"})
    expect_back_after_killing(node, "ospfd", [&] { return all_good(); });
}

// FRR 8.4 passes a site's change on to other sites by retransmission alone. Here this hub's ospfd
// cannot send again; first radiald cannot either, and then it can.
TEST_P(OnRadialWire, WhatASiteAnnouncesReachesTheOthersThoughOspfdCannotSendItAgain) {
  lab_->sh("fra1", R"(nft -f - <<EOF
table ip mute {
  chain radiald { meta skuid 0 drop; }
  chain out { type filter hook output priority 0;
    ip protocol 89 ip daddr != 224.0.0.0/4 meta skuid $(id -u frr) counter drop
    ip protocol 89 ip daddr != 224.0.0.0/4 jump radiald
  }
}
EOF)");
  const auto announce = [&](const std::string& lan, const std::string& address) {
    lab_->sh("berlin", fmt::format("ip link add {0} type bridge && ip address add {1} dev {0} && ip link set {0} up", lan, address));
    lab_->configure("berlin", {"interface " + lan, "ip ospf area 0", "ip ospf passive"});
  };
  const auto routed = [&](const char* prefix) {
    return lab_->sh("paris", "ip -4 route show proto ospf").find(prefix) != std::string::npos;
  };
  announce("new0", "192.168.20.65/26");
  ASSERT_TRUE(wait_until(20s, [&] { return lab_->sh("fra1", "nft list chain ip mute out").find("counter packets 0 ") == std::string::npos; }))
      << "ospfd has nothing to send again: this test shows nothing";
  EXPECT_FALSE(routed("192.168.20.64/26")) << "it came some other way";
  lab_->sh("fra1", "nft flush chain ip mute radiald");
  announce("new1", "192.168.20.129/26");
  ASSERT_TRUE(wait_until(20s, [&] { return routed("192.168.20.64/26") && routed("192.168.20.128/26"); }))
      << lab_->vtysh("paris", "show ip ospf database router");
  EXPECT_TRUE(lab_->pings("paris.lan0", "192.168.20.129"));
  lab_->sh("berlin", "ip link delete new1");
  EXPECT_TRUE(wait_until(20s, [&] { return !routed("192.168.20.128/26"); })) << "gone at berlin, and not at paris";
}

TEST_P(OnRadialWire, Ospfv3RunsThroughAHubThatHasNoPointToMultipointForIt) {
  EXPECT_NE(lab_->vtysh("fra1", "show running-config").find("ipv6 ospf6 network broadcast"), std::string::npos);
  // Both sites' prefixes at the hub, and each site's at the other, in the FIB.
  const auto routed = [&] {
    const auto at = [&](const char* node, const char* prefix) {
      const auto table = (*lab_)->run(node, {"ip", "-6", "route", "show", "proto", "ospf"});
      return table && table->out.find(prefix) != std::string::npos;
    };
    return at("fra1", "fd00:20::/64") && at("fra1", "fd00:30::/64") && at("berlin", "fd00:30::/64") &&
           at("berlin", "fd00:1::/64") && at("paris", "fd00:20::/64") && all_good();
  };
  ASSERT_TRUE(wait_until(60s, routed)) << lab_->vtysh("fra1", "show ipv6 ospf6 neighbor")
                                       << lab_->sh("fra1", "ip -6 route");
  EXPECT_TRUE(lab_->pings("berlin.lan1", "fd00:30::2"));
  for (const auto* node : {"fra1", "fra1", "berlin"}) expect_back_after_killing(node, "ospf6d", routed);
}

TEST_P(OnRadialWire, AZebraThatTakesIpv6RoutesAwayBeforeItReplacesThemIsNamed) {
  const auto names_zebra = [&] {
    const auto status = lab_->status("berlin");
    return status && std::any_of(status->findings.begin(), status->findings.end(),
                                 [](const auto& finding) { return finding.subject == "FRR's zebra"; });
  };
  lab_->sh("berlin", "sed -i 's/ --v6-rr-semantics//' /etc/frr/daemons");
  expect_back_after_killing("berlin", "zebra", [&] { return names_zebra() && lab_->pings(); });
  lab_->sh("berlin", "sed -i 's/^zebra_options=\"/&--v6-rr-semantics /' /etc/frr/daemons");
  expect_back_after_killing("berlin", "zebra", [&] { return all_good(); });
}

TEST_P(OnRadialWire, TheWireOutlivesRadiald) {
  const auto before = lab_->pids("fra1", "radial-wire");
  ASSERT_FALSE(before.empty());
  lab_->kill_radiald("fra1");
  lab_->expect_pings("while radiald is away");
  ASSERT_TRUE(lab_->start_radiald("fra1"));
  EXPECT_TRUE(wait_until(60s, [&] { return all_good(); }));
  EXPECT_EQ(lab_->pids("fra1", "radial-wire"), before);
}

// Hand-made drift: the copying is put back.
TEST_P(OnRadialWire, MulticastTurnedOffByHandIsTurnedOnAgain) {
  const std::string uapi = "python3 -c 'import socket,sys; s=socket.socket(socket.AF_UNIX); s.connect(\"/run/wireguard/wg0.sock\"); "
                           "s.sendall(sys.argv[1].encode().decode(\"unicode_escape\").encode()); print(s.recv(65536).decode())' ";
  EXPECT_NE(lab_->sh("fra1", uapi + "'radial_get=1\\n\\n' | grep -v key").find("radial_multicast=true"), std::string::npos);
  EXPECT_NE(lab_->sh("fra1", uapi + "'set=1\\nradial_multicast=false\\n\\n'").find("errno=0"), std::string::npos);
  EXPECT_TRUE(wait_until(30s, [&] {
    return lab_->sh("fra1", uapi + "'radial_get=1\\n\\n' | grep -v key").find("radial_multicast=true") != std::string::npos;
  }));
  EXPECT_TRUE(wait_until(60s, [&] { return all_good(); }));
}

INSTANTIATE_TEST_SUITE_P(Lab, OnRadialWire, testing::Values("radial-wire"));

}  // namespace
}  // namespace radial::test
