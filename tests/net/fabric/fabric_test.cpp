// The main job, on each FRR: one hub, three sites, one multipoint wire. The
// labs are shared by the tests of a suite, as each is some seconds to bring up;
// every test leaves the fabric healthy, and starts by checking that it is.
#include <nlohmann/json.hpp>

#include "base/file.h"
#include "base/key.h"
#include "fabric/facts.h"
#include "net/fabric/topology.h"
#include "support/frr_release.h"
#include "support/live_lab.h"

namespace radial::test {
namespace {

using Json = nlohmann::json;

struct Versions {
  std::string title;
  std::string hub;  // FRR of the hub
  std::string sites;
};

void PrintTo(const Versions& versions, std::ostream* out) { *out << versions.title; }

// What an operator had before us, at every node.
constexpr const char* foreign_frr = R"(frr defaults traditional
service integrated-vtysh-config
!
ip prefix-list OPERATOR seq 5 permit 203.0.113.0/24
!
interface lan0
 description office
exit
!
router ospf
 redistribute static metric 77
exit
!
route-map OPERATOR permit 10
exit
!
)";

constexpr const char* foreign_nft = "table inet operator {\n\tchain guard {\n\t\ttype filter hook input priority filter; policy accept;\n"
                                    "\t\ttcp dport 4242 drop\n\t}\n}\n";

Status bring_foreign_things(const lab::Lab& lab, const std::string& node) {
  RADIAL_ASSIGN(const auto frr_conf, lab.path_in(node, "/etc/frr/frr.conf"));
  RADIAL_TRY(write_file_atomically(frr_conf, foreign_frr, 0644));
  RADIAL_ASSIGN(const auto nft, lab.run(node, {"nft", "-f", "-"}, 30s, foreign_nft));
  RADIAL_ASSIGN(const auto wire, lab.run(node, {"sh", "-c",
                                                "wireguard-go wgop >/dev/null 2>&1; for i in $(seq 100); do wg show wgop >/dev/null 2>&1 && "
                                                "break; sleep 0.05; done; wg genkey > /run/wgop.key && wg set wgop private-key "
                                                "/run/wgop.key listen-port 4000 && ip address add 172.31.9.1/24 dev wgop && "
                                                "ip link set wgop up"}));
  if (!nft.ok() || !wire.ok()) return fail(Errc::internal, "{}: foreign things: {}{}", node, nft.err, wire.err);
  return {};
}

class FabricOn : public testing::TestWithParam<Versions> {
 public:
 protected:
  void SetUp() override {
    if (const auto missing = frr_missing({GetParam().hub, GetParam().sites}); !missing.empty()) GTEST_SKIP() << missing;
    if (!lab_ || title_ != GetParam().title) {
      lab_.reset();
      title_ = GetParam().title;
      lab::LabOptions options;
      options.name = "fab" + GetParam().title;
      options.frr = GetParam().sites;
      options.frr_of["fra1"] = GetParam().hub;
      options.prepare = bring_foreign_things;
      lab_ = std::make_unique<LiveLab>(three_sites, std::move(options));
    }
    ASSERT_TRUE(lab_->ready());
    ASSERT_TRUE(lab_->converge(60s));
  }
  static void TearDownTestSuite() { lab_.reset(); }

  LiveLab& lab() { return *lab_; }

  // What must be as the operator left it.
  void expect_foreign_unharmed(const std::string& node) {
    const auto running = lab().vtysh(node, "show running-config");
    for (const auto* line : {"ip prefix-list OPERATOR seq 5 permit 203.0.113.0/24", " description office",
                             " redistribute static metric 77", "route-map OPERATOR permit 10"})
      EXPECT_NE(running.find(line), std::string::npos) << node << " lost '" << line << "'\n" << running;
    EXPECT_NE(lab().run(node, {"nft", "list", "table", "inet", "operator"}).find("tcp dport 4242 drop"), std::string::npos) << node;
    EXPECT_EQ(lab().run(node, {"wg", "show", "wgop", "listen-port"}), "4000\n") << node;
    EXPECT_NE(lab().run(node, {"ip", "-4", "address", "show", "dev", "wgop"}).find("172.31.9.1/24"), std::string::npos) << node;
  }

  // `break_it` happens at `node`; all is well again within `limit`.
  void expect_repaired(const std::string& node, const std::string& break_it, const std::function<bool()>& broken,
                       std::chrono::seconds limit = 60s) {
    ASSERT_TRUE(lab_->ready());
    lab().sh(node, break_it);
    const auto took = wait_until(limit, [&] { return !broken() && lab().healthy() && lab().pings(); });
    EXPECT_TRUE(took) << "not repaired within " << limit.count() << " s: " << break_it << "\n"
                      << cli::fabric_status_text("", cli::lab_status(*lab()), true);
    if (took) std::printf("  %s: repaired after %lld ms\n", break_it.substr(0, 50).c_str(), static_cast<long long>(took->count()));
    expect_foreign_unharmed(node);
  }

  bool shell_true(const std::string& node, const std::string& script) {
    const auto result = lab()->run(node, {"sh", "-c", script});
    return result && result->ok();
  }

  static inline std::unique_ptr<LiveLab> lab_;
  static inline std::string title_;
};

TEST_P(FabricOn, EveryLanReachesEveryLanOverOneHubInterface) {
  lab().expect_pings("in a fabric at rest");
  EXPECT_EQ(lab().sh("fra1", "wg show interfaces | tr ' ' '\\n' | grep -c '^wg0$'"), "1\n");
  EXPECT_EQ(lab().sh("fra1", "wg show wg0 peers | wc -l"), "3\n");
  for (const auto* node : {"fra1", "berlin", "paris", "lisbon"}) expect_foreign_unharmed(node);
}

TEST_P(FabricOn, EveryNodeSaysWhichWireGuardItUses) {
  // Set where the answer is known: in the virtual machine, whose kernel has it.
  const char* expected = std::getenv("RADIAL_EXPECT_WIREGUARD");
  for (const auto* node : {"fra1", "berlin"}) {
    const auto status = lab().status(node);
    ASSERT_TRUE(status) << status.error().message;
    if (expected != nullptr) {
      EXPECT_EQ(status->wireguard, expected) << node;
    }
    const bool userspace = shell_true(node, "test -S /run/wireguard/wg0.sock");
    EXPECT_EQ(status->wireguard == "kernel", !userspace) << node << " says " << status->wireguard;
  }
}

TEST_P(FabricOn, ASecondApplyChangesNothingAndSaysSo) {
  for (const auto* node : {"fra1", "berlin"}) {
    const auto answer = lab().post(node, "/v1/apply");
    ASSERT_TRUE(answer) << answer.error().message;
    const auto json = Json::parse(*answer);
    EXPECT_TRUE(json["changes"].empty()) << node << ": " << *answer;
    EXPECT_TRUE(json["problems"].empty()) << node << ": " << *answer;
  }
}

TEST_P(FabricOn, RepairsAWireDeletedByHand) {
  for (const auto* node : {"fra1", "berlin"})
    expect_repaired(node, "ip link delete wg0", [&] { return !shell_true(node, "ip link show wg0"); });
}

// A zebra that is held up while a wire is made hears of its addresses before it hears of the wire,
// more often than not, and forgets them: FRR 8.4.
TEST_P(FabricOn, RepairsWhatZebraMissedOfAWireThatWasMadeWhileItWasBusy) {
  for (const auto* node : {"berlin", "fra1", "berlin"})
    expect_repaired(node, "zebra=$(pidof zebra); kill -STOP $zebra; ip link delete wg0; "
                          "for i in $(seq 100); do ip -4 address show dev wg0 2>/dev/null | grep -q inet && break; sleep 0.1; done; kill -CONT $zebra",
                    [&] { return !shell_true(node, "vtysh -c 'show interface wg0' | grep -q 'inet 10.255'"); });
}

TEST_P(FabricOn, RepairsAPeerRemovedByHand) {
  const auto key = lab().sh("fra1", "wg show wg0 peers | head -n 1");
  expect_repaired("fra1", "wg set wg0 peer " + key.substr(0, 44) + " remove",
                  [&] { return lab().sh("fra1", "wg show wg0 peers | wc -l") != "3\n"; });
}

TEST_P(FabricOn, RepairsItsNftTableAndSysctls) {
  expect_repaired("fra1", "nft flush table inet radial", [&] { return !shell_true("fra1", "nft list table inet radial | grep -q maxseg"); });
  expect_repaired("fra1", "nft delete table inet radial", [&] { return !shell_true("fra1", "nft list table inet radial"); });
  expect_repaired("fra1", "sysctl -qw net.ipv4.ip_forward=0", [&] { return lab().sh("fra1", "sysctl -n net.ipv4.ip_forward") != "1\n"; });
}

TEST_P(FabricOn, RepairsItsStanzasInFrr) {
  expect_repaired("berlin", "vtysh -c 'configure terminal' -c 'interface wg0' -c 'no ip ospf area 0.0.0.0'",
                  [&] { return lab().vtysh("berlin", "show running-config").find("ip ospf area") == std::string::npos; });
  expect_repaired("fra1", "vtysh -c 'configure terminal' -c 'interface wg0' -c 'no ip ospf cost'", [] { return false; });
}

TEST_P(FabricOn, SurvivesTheDeathOfUserspaceWireGuard) {
  if (!shell_true("fra1", "pidof wireguard-go radial-wire")) GTEST_SKIP() << "the kernel's WireGuard is in use";
  for (const auto* node : {"fra1", "lisbon"}) {
    // Only Radial's own process: the operator's wgop has one too.
    expect_repaired(node, "kill -9 $(pgrep -xf '.*(wireguard-go|radial-wire)( -f)? wg0')", [&] { return !shell_true(node, "ip link show wg0"); });
  }
}

TEST_P(FabricOn, SurvivesOspfdKilledAtASite) {
  const auto before = lab().pids("paris", "ospfd");
  expect_repaired("paris", "kill -9 $(pidof ospfd)",
                  [&] { const auto now = lab().pids("paris", "ospfd"); return now.empty() || now == before; });
}

TEST_P(FabricOn, HubsOspfdKilledTenTimesInARowAndEveryRouteIsBackEachTime) {
  for (int round = 1; round <= 10; ++round) {
    const auto before = lab().pids("fra1", "ospfd");
    lab().sh("fra1", "kill -9 $(pidof ospfd)");
    const auto back = wait_until(90s, [&] {
      const auto now = lab().pids("fra1", "ospfd");
      return !now.empty() && now != before && lab().healthy() && lab().pings();
    });
    ASSERT_TRUE(back) << "round " << round << "\n" << cli::fabric_status_text("", cli::lab_status(*lab()), true);
    std::printf("  round %d: back after %lld ms\n", round, static_cast<long long>(back->count()));
  }
}

TEST_P(FabricOn, RadialdKilledAndRestartedTouchesNothing) {
  // 10 ms pings across the hub go on while its radiald is told to stop, is
  // away, and comes back.
  const auto before = lab().status("fra1");
  ASSERT_TRUE(before);
  for (const auto* signal : {"TERM", "KILL"}) {
    lab().sh("fra1", std::string("pkill -") + signal + " -x radiald");
    ASSERT_TRUE(wait_until(10s, [&] { return lab().pids("fra1", "radiald").empty(); }));
    lab().expect_pings(std::string("after SIG") + signal);
    ASSERT_TRUE(lab().start_radiald("fra1"));
    ASSERT_TRUE(wait_until(20s, [&] { return lab().status("fra1").has_value(); }));
  }
  const auto after = lab().status("fra1");
  ASSERT_TRUE(after);
  ASSERT_EQ(after->adjacencies.size(), before->adjacencies.size());
  for (std::size_t i = 0; i < after->adjacencies.size(); ++i)
    EXPECT_GE(after->adjacencies[i].up_ms, before->adjacencies[i].up_ms) << "the adjacency with " << after->adjacencies[i].node << " was reset";
}

TEST_P(FabricOn, ALanAddedAtOneSiteIsReachableFromEverywhere) {
  // A host in the new LAN is the site's own address there: it answers pings.
  lab().sh("paris", "ip link add new0 type bridge && ip address add 10.30.7.1/24 dev new0 && ip link set new0 up");
  const auto answer = lab().post("paris", "/v1/apply", Json{{"fabric", paris_grows}}.dump());
  ASSERT_TRUE(answer) << answer.error().message;
  for (const auto* place : {"fra1.lan0", "berlin.lan0", "lisbon.lan0"})
    EXPECT_TRUE(wait_until(30s, [&] { return lab().pings(place, "10.30.7.1"); })) << place;
  // And it goes again, without a trace.
  ASSERT_TRUE(lab().post("paris", "/v1/apply", Json{{"fabric", three_sites}}.dump()));
  EXPECT_TRUE(wait_until(30s, [&] { return !lab().pings("berlin.lan0", "10.30.7.1"); }));
  EXPECT_EQ(lab().vtysh("paris", "show running-config").find("interface new0"), std::string::npos);
  lab().sh("paris", "ip link delete new0");
}

TEST_P(FabricOn, ASiteAddedAtTheHubResetsNoAdjacencyAndMovesNoRoute) {
  // The new site's public key is a fact that its enrolment would bring.
  const auto file = lab()->path_in("fra1", "/etc/radial/facts.json").value();
  const auto facts_before = read_file(file).value();
  auto facts = FabricFacts::from_json(facts_before).value();
  facts.nodes["madrid"].public_key = PrivateKey::generate().public_key();
  ASSERT_TRUE(write_file_atomically(file, facts.to_json()));
  const auto before = lab().status("fra1");
  ASSERT_TRUE(before);
  lab().sh("fra1", "timeout 60 ip -o monitor route > /run/routes.txt 2>/dev/null & echo $! > /run/monitor.pid");
  const auto answer = lab().post("fra1", "/v1/apply", Json{{"fabric", four_sites}}.dump());
  ASSERT_TRUE(answer) << answer.error().message;
  EXPECT_FALSE(Json::parse(*answer)["changes"].empty());
  const auto after = lab().status("fra1");
  ASSERT_TRUE(after);
  for (const auto& was : before->adjacencies)
    for (const auto& is : after->adjacencies)
      if (is.node == was.node) {
        EXPECT_EQ(is.state, "Full") << is.node;
        EXPECT_GE(is.up_ms, was.up_ms) << "the adjacency with " << is.node << " was reset";
      }
  lab().expect_pings("after a site was added");
  // The filter grew by one site's lines, and zebra judged every route anew.
  EXPECT_EQ(lab().sh("fra1", "sleep 1; kill $(cat /run/monitor.pid); grep -E '192.168.(20|30|40).0/24' /run/routes.txt; true"), "");
  EXPECT_EQ(lab().sh("fra1", "wg show wg0 peers | wc -l"), "4\n");
  ASSERT_TRUE(write_file_atomically(file, facts_before));
  ASSERT_TRUE(lab().post("fra1", "/v1/apply", Json{{"fabric", three_sites}}.dump()));
  EXPECT_EQ(lab().sh("fra1", "wg show wg0 peers | wc -l"), "3\n");
}

TEST_P(FabricOn, ASiteComesBackUnderANewKeyAndTheOldOneIsGone) {
  const auto key_file = lab()->path_in("berlin", "/etc/radial/private.key").value();
  const auto old_key = lab().sh("berlin", "wg show wg0 public-key").substr(0, 44);
  const auto fresh = PrivateKey::generate();
  // What a rotation will do: the new public key is a fact at both ends.
  for (const auto* node : {"fra1", "berlin"}) {
    const auto file = lab()->path_in(node, "/etc/radial/facts.json").value();
    auto facts = FabricFacts::from_json(read_file(file).value()).value();
    facts.nodes["berlin"].public_key = fresh.public_key();
    ASSERT_TRUE(write_file_atomically(file, facts.to_json()));
  }
  ASSERT_TRUE(write_file_atomically(key_file, fresh.reveal_base64() + "\n", 0600));
  lab().sh("berlin", "pkill -x radiald; while pidof radiald >/dev/null; do sleep 0.1; done");
  ASSERT_TRUE(lab().start_radiald("berlin"));
  ASSERT_TRUE(lab().post("fra1", "/v1/apply"));
  EXPECT_TRUE(lab().converge(90s));
  const auto peers = lab().sh("fra1", "wg show wg0 peers");
  EXPECT_EQ(peers.find(old_key), std::string::npos) << peers;
  EXPECT_NE(peers.find(fresh.public_key().to_string()), std::string::npos) << peers;
  expect_foreign_unharmed("berlin");
}

TEST_P(FabricOn, RefusesABadFabricAndChangesNothing) {
  const auto before = read_file(lab()->path_in("berlin", "/etc/radial/fabric.yaml").value()).value();
  const auto answer = lab().post("berlin", "/v1/apply", Json{{"fabric", "fabric: acme\nhubs: {}\nsitess: {}\n"}, {"file", "bad.yaml"}}.dump());
  ASSERT_FALSE(answer);
  EXPECT_NE(answer.error().message.find("sitess"), std::string::npos) << answer.error().message;
  EXPECT_EQ(read_file(lab()->path_in("berlin", "/etc/radial/fabric.yaml").value()).value(), before);
  EXPECT_TRUE(lab().healthy());
}

TEST_P(FabricOn, DownRemovesAllThatIsOursAndNothingElseAndUpBringsItBack) {
  const auto forwarding = lab().sh("berlin", "sysctl -n net.ipv6.conf.all.forwarding");
  ASSERT_TRUE(lab().post("berlin", "/v1/down"));
  EXPECT_FALSE(shell_true("berlin", "ip link show wg0"));
  EXPECT_FALSE(shell_true("berlin", "nft list table inet radial"));
  const auto running = lab().vtysh("berlin", "show running-config");
  EXPECT_EQ(running.find("ip ospf"), std::string::npos) << running;
  EXPECT_EQ(running.find("router-id"), std::string::npos) << running;
  EXPECT_EQ(running.find("interface wg0"), std::string::npos) << running;
  expect_foreign_unharmed("berlin");
  ASSERT_TRUE(lab().post("berlin", "/v1/up"));
  EXPECT_TRUE(lab().converge(60s));
}

TEST_P(FabricOn, NoOspfPacketLeavesOnInterfacesThatAreNotOurs) {
  // Six hello intervals of listening behind the LAN and on the uplink.
  lab().sh("berlin", "timeout 6 tcpdump -ni lan0 -c 1 proto 89 > /run/lan.txt 2>/dev/null & "
                     "timeout 6 tcpdump -ni uplink -c 1 proto 89 > /run/uplink.txt 2>/dev/null & wait; true");
  EXPECT_EQ(lab().sh("berlin", "grep -h OSPF /run/lan.txt /run/uplink.txt; rm /run/lan.txt /run/uplink.txt"), "");
}

TEST_P(FabricOn, ATransferCrossesTwoWiresUnfragmentedWithItsMssClamped) {
  lab().sh("fra1", "tcpdump -Z root -ni wg0 -w /run/wg0.pcap -U > /dev/null 2>&1 & echo $! > /run/tcpdump.pid; "
                   "for i in $(seq 50); do [ -s /run/wg0.pcap ] && break; sleep 0.1; done");
  ASSERT_TRUE(lab()->start("lisbon.lan0", {"iperf3", "-s", "-1"}, lab()->folder() / "iperf3.log"));
  const auto sent = wait_until(20s, [&] {
    const auto result = lab()->run("berlin.lan0", {"iperf3", "-c", "192.168.40.2", "-n", "20M"}, 60s);
    return result && result->ok();
  });
  EXPECT_TRUE(sent);
  lab().sh("fra1", "kill $(cat /run/tcpdump.pid); sleep 0.2; true");
  const auto syns = lab().sh("fra1", "tcpdump -nr /run/wg0.pcap 'tcp[tcpflags] & tcp-syn != 0 and net 192.168.20.0/24' 2>/dev/null");
  EXPECT_NE(syns.find("mss 1380"), std::string::npos) << syns;
  EXPECT_EQ(syns.find("mss 1460"), std::string::npos) << syns;
  EXPECT_EQ(lab().sh("fra1", "tcpdump -nr /run/wg0.pcap 'ip[6:2] & 0x3fff != 0' 2>/dev/null"), "") << "fragments on the wire";
}

TEST_P(FabricOn, AnAdjacencyStuckInExStartIsNamedWithBothMtus) {
  // Somebody lowers the MTU at a site whose radiald is not there to mend it.
  lab().sh("berlin", "pkill -x radiald; while pidof radiald >/dev/null; do sleep 0.1; done; ip link set wg0 mtu 1380");
  const auto named = wait_until(60s, [&] {
    const auto hub = lab().status("fra1");
    if (!hub) return false;
    for (const auto& finding : hub->findings)
      if (finding.subject == "adjacency berlin" && finding.cause.find("MTU here 1420, there 1380") != std::string::npos) return true;
    return false;
  });
  EXPECT_TRUE(named) << cli::status_text(lab().status("fra1").value());
  ASSERT_TRUE(lab().start_radiald("berlin"));
  EXPECT_TRUE(lab().converge(60s));
}

// A suite each, so that the tests on one FRR follow one another and share a lab.
INSTANTIATE_TEST_SUITE_P(Frr84, FabricOn, testing::Values(Versions{"d12", "8.4", "8.4"}),
                         [](const auto& each) { return each.param.title; });
INSTANTIATE_TEST_SUITE_P(Frr103, FabricOn, testing::Values(Versions{"d13", "10.3", "10.3"}),
                         [](const auto& each) { return each.param.title; });

class MixedFabric : public testing::TestWithParam<Versions> {};

TEST_P(MixedFabric, HubAndSitesOfDifferentFrrConverge) {
  if (const auto missing = frr_missing({GetParam().hub, GetParam().sites}); !missing.empty()) GTEST_SKIP() << missing;
  lab::LabOptions options;
  options.name = "mix" + GetParam().title;
  // One site has the hub's FRR.
  options.frr_of["fra1"] = options.frr_of["paris"] = GetParam().hub;
  options.frr_of["berlin"] = options.frr_of["lisbon"] = GetParam().sites;
  LiveLab lab(three_sites, std::move(options));
  EXPECT_TRUE(lab.ready());
}

INSTANTIATE_TEST_SUITE_P(Frr, MixedFabric, testing::Values(Versions{"oldhub", "8.4", "10.3"}, Versions{"newhub", "10.3", "8.4"}),
                         [](const auto& each) { return each.param.title; });

}  // namespace
}  // namespace radial::test
