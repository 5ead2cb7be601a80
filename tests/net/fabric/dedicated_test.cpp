// `wire: dedicated`: an interface for each site at the hub, under both engines
// and on FRR 8.4 and 10.3.
//
//   192.168.1.0/24, fd00:1::/64 -- fra1 (hub: wgsN for the site with slot N)
//                                    | internet
//         +------------------+-------+---------+-------------------+
//      berlin-a           berlin-b          lisbon        rome (trust: static)
//   192.168.20.0/24    192.168.30.0/24   192.168.40.0/24    192.168.70.0/24
//   fd00:20::/64       fd00:30::/64      fd00:40::/64       fd00:70::/64
//         '--- 10.50.0.0/24 ---'
//
// The office's LAN is a bridge at both that holds 10.50.0.1.
#include <nlohmann/json.hpp>

#include "base/file.h"
#include "base/key.h"
#include "fabric/facts.h"
#include "support/frr_release.h"
#include "support/live_lab.h"
#include "support/steady_pings.h"

namespace radial::test {
namespace {

using Json = nlohmann::json;

struct Ground {
  std::string title;
  std::string engine;
  std::string frr;  // of all nodes: empty is this machine's
};
void PrintTo(const Ground& ground, std::ostream* out) { *out << ground.title; }

class DedicatedOn : public testing::TestWithParam<Ground> {
 protected:
  void SetUp() override {
    const auto& ground = GetParam();
    if (const auto missing = frr_missing({ground.frr}); !missing.empty()) GTEST_SKIP() << missing;
    if (!lab_ || title_ != ground.title) {
      lab_.reset();
      title_ = ground.title;
      lab::LabOptions options;
      options.name = "ded" + title_;
      options.frr = ground.frr;
      lab_ = std::make_unique<LiveLab>(fabric(), std::move(options));
    }
    ASSERT_TRUE(lab_->ready());
  }
  static void TearDownTestSuite() { lab_.reset(); }
  static LiveLab& lab() { return *lab_; }
  static bool bgp() { return GetParam().engine == "bgp"; }

  static std::string fabric(const std::string& office = "", const std::string& more_sites = "") {
    return "fabric: acme\n"
           "routing: " + GetParam().engine + "\n"
           "hubs:\n"
           "  fra1: { endpoint: vpn.example.com:51820, lans: [192.168.1.0/24, \"fd00:1::/64\"], wire: dedicated }\n"
           "sites:\n"
           "  berlin-a: { lans: [192.168.20.0/24, \"fd00:20::/64\"" + office + "], grant: [10.50.0.0/24] }\n"
           "  berlin-b: { lans: [192.168.30.0/24, \"fd00:30::/64\"" + office + "], grant: [10.50.0.0/24] }\n"
           "  lisbon:   { lans: [192.168.40.0/24, \"fd00:40::/64\"] }\n"
           "  rome:     { lans: [192.168.70.0/24, \"fd00:70::/64\"], trust: static }\n" + more_sites;
  }
  static Json apply(const std::string& node, const std::string& text = "") {
    const auto answer = lab().post(node, "/v1/apply", text.empty() ? "" : Json{{"fabric", text}}.dump());
    EXPECT_TRUE(answer) << node << ": " << answer.error().message;
    return answer ? Json::parse(*answer) : Json();
  }
  // The hub's interface to a site.
  static std::string wire_to(const std::string& site) {
    const auto key = lab().sh(site, "wg show wg0 public-key").substr(0, 44);
    return first_line(lab().sh("fra1", "wg show all peers | awk '$2 == \"" + key + "\" { print $1 }'"));
  }
  static std::string first_line(const std::string& text) { return text.substr(0, text.find('\n')); }
  static std::string routes() { return lab().sh("fra1", "ip route; ip -6 route; vtysh -c 'show ip route' -c 'show ipv6 route'"); }
  static std::uint64_t dropped(const std::string& interface) {
    const auto text = first_line(lab().sh("fra1", "nft list chain inet radial source_" + interface + " | sed -n 's/.*counter packets \\([0-9]*\\).*/\\1/p' | tail -1"));
    return text.empty() ? 0 : std::stoull(text);
  }
  // What of `source`, an address that lisbon gives itself, is seen on the hub's LAN, and dropped before.
  struct Seen {
    bool behind_the_hub = false;
    std::uint64_t dropped = 0;
  };
  static Seen send_from(const std::string& source, bool v6 = false) {
    const auto before = dropped(wire_to("lisbon"));
    const std::string host = source + (v6 ? "/128" : "/32");
    lab().sh("lisbon", "ip address replace " + host + " dev lo");
    lab().sh("fra1", "timeout 20 tcpdump -Z root --immediate-mode -ni " + std::string(v6 ? "lan1" : "lan0") + " -U -w /run/seen.pcap src " + source + " > /dev/null 2>&1 & echo $! > /run/seen.pid; "
                     "for i in $(seq 50); do [ -s /run/seen.pcap ] && break; sleep 0.1; done");
    lab().sh("lisbon", "ping -c 10 -i 0.05 -W 1 -I " + source + (v6 ? " fd00:1::2" : " 192.168.1.2") + " > /dev/null 2>&1; "
                       "ip address delete " + host + " dev lo; true");
    const auto seen = lab().sh("fra1", "kill $(cat /run/seen.pid) 2>/dev/null; while kill -0 $(cat /run/seen.pid) 2>/dev/null; do sleep 0.1; done; "
                                       "tcpdump -nr /run/seen.pcap 2>/dev/null | wc -l; rm /run/seen.pcap /run/seen.pid");
    return {first_line(seen) != "0", dropped(wire_to("lisbon")) - before};
  }
  // lisbon's operator announces another's LAN, as cheap as can be.
  static void announce_anothers_lan() {
    if (bgp()) return vtysh_bgp({"no bgp network import-check", "address-family ipv4 unicast", "network 192.168.20.0/24", "network 192.168.20.128/25"});
    lab().sh("lisbon", "ip link add atk0 type bridge && ip address add 192.168.20.200/24 dev atk0 && ip link set atk0 up");
    lab().configure("lisbon", {"interface atk0", "ip ospf cost 1", "ip ospf passive", "ip ospf area 0.0.0.0"});
  }
  static void withdraw_it() {
    if (bgp()) return vtysh_bgp({"bgp network import-check", "address-family ipv4 unicast", "no network 192.168.20.0/24", "no network 192.168.20.128/25"});
    lab().sh("lisbon", "ip link delete atk0; vtysh -c 'configure terminal' -c 'no interface atk0' || true");
  }
  static bool hub_heard_it() {
    return wait_until(20s, [] {
             if (bgp())
               return lab().vtysh("lisbon", "show bgp ipv4 unicast neighbors 10.255.0.1 advertised-routes").find("192.168.20.0/24") != std::string::npos;
             const auto id = first_line(lab().sh("lisbon", "vtysh -c 'show running-config' | sed -n 's/^ ospf router-id //p'"));
             return lab().vtysh("fra1", "show ip ospf database router " + id).find("192.168.20.0") != std::string::npos;
           }).has_value();
  }
  static void vtysh_bgp(std::vector<std::string> lines) {
    lines.insert(lines.begin(), "router bgp 65000");
    lab().configure("lisbon", lines);
  }

  static inline std::unique_ptr<LiveLab> lab_;
  static inline std::string title_;
};

TEST_P(DedicatedOn, EachSiteHasAnInterfaceOfOnePeerAndEveryLanReachesEveryLan) {
  EXPECT_EQ(lab().sh("fra1", "for i in $(wg show interfaces); do wg show $i peers | wc -l; done"), "1\n1\n1\n1\n");
  EXPECT_EQ(lab().sh("fra1", "wg show all allowed-ips | grep -c '0.0.0.0/0 ::/0'"), "4\n");
  const auto matrix = lab()->ping_matrix();
  ASSERT_TRUE(matrix);
  EXPECT_TRUE(matrix->ok());
  EXPECT_EQ(matrix->results.size(), 40U) << "five nodes, every ordered pair, two families";
  const auto status = lab().status("fra1");
  ASSERT_TRUE(status) << status.error().message;
  EXPECT_TRUE(status->healthy());
  EXPECT_EQ(status->wires.size(), 4U);
  std::map<std::string, int> protocols;
  for (const auto& adjacency : status->adjacencies) ++protocols[adjacency.protocol];
  EXPECT_EQ(protocols, (bgp() ? std::map<std::string, int>{{"bgp", 3}} : std::map<std::string, int>{{"ospf", 3}, {"ospf6", 3}}));
}

TEST_P(DedicatedOn, ASecondApplyChangesNothing) {
  for (const auto* node : {"fra1", "berlin-a", "rome"}) {
    const auto answer = apply(node);
    EXPECT_TRUE(answer["changes"].empty()) << node << ": " << answer;
    EXPECT_TRUE(answer["problems"].empty()) << node << ": " << answer;
  }
}

TEST_P(DedicatedOn, RadialRoutesNamesWhoIsGrantedAndServesEachPrefix) {
  const auto socket = lab()->path_in("fra1", "/run/radial/radiald.sock").value();
  Json row;
  EXPECT_TRUE(wait_until(20s, [&] {
    const auto body = cli::api_body(socket, "GET", "/v1/routes");
    if (!body) return false;
    const auto table = Json::parse(*body);
    for (const auto& one : table["routes"])
      if (one["prefix"] == "192.168.20.0/24") row = one;
    return !table["steers"] && row["announced_by"] == Json{"berlin-a"} && row["granted_to"] == Json{"berlin-a"} &&
           row["serving"] == Json{"berlin-a"} && row["steered_to"].is_null();
  })) << row << "\n" << routes();
}

TEST_P(DedicatedOn, AForgedSourceIsDroppedAndCountedAtTheHub) {
  const auto granted = send_from("192.168.40.77");
  EXPECT_TRUE(granted.behind_the_hub) << "what is granted passes";
  EXPECT_EQ(granted.dropped, 0U);
  for (const auto* forged : {"192.168.20.77", "10.50.0.77", "203.0.113.9"}) {
    const auto seen = send_from(forged);
    EXPECT_FALSE(seen.behind_the_hub) << forged;
    EXPECT_EQ(seen.dropped, 10U) << forged;
  }
  EXPECT_TRUE(send_from("fd00:40::77", true).behind_the_hub);
  const auto seen = send_from("fd00:20::77", true);
  EXPECT_FALSE(seen.behind_the_hub);
  EXPECT_GE(seen.dropped, 10U);
}

TEST_P(DedicatedOn, AnothersLanIsContained) {
  SteadyPings pings(*lab(), {{"berlin-b.lan0", "192.168.20.2"}, {"berlin-a.lan0", "192.168.1.2"}, {"fra1.lan0", "192.168.20.2"}}, 5s);
  announce_anothers_lan();
  EXPECT_TRUE(hub_heard_it()) << "it never arrived: this test shows nothing";
  EXPECT_EQ(pings.lost(), 0) << routes();
  EXPECT_NE(lab().sh("fra1", "ip route get 192.168.20.200").find("dev " + wire_to("berlin-a")), std::string::npos) << routes();
  withdraw_it();
  EXPECT_TRUE(lab().converge(60s));
}

TEST_P(DedicatedOn, TwoSitesShareALanByEqualCostAndEitherCarriesOnAlone) {
  for (const auto* site : {"berlin-a", "berlin-b"}) {
    lab().sh(site, "ip link add office type bridge; ip link set office up; ip address add 10.50.0.1/24 dev office");
    apply(site, fabric(", 10.50.0.0/24"));
  }
  const auto paths = [&] {
    const auto text = lab().sh("fra1", "ip route show 10.50.0.0/24");
    return (text.find("dev " + wire_to("berlin-a")) != std::string::npos) + (text.find("dev " + wire_to("berlin-b")) != std::string::npos);
  };
  EXPECT_TRUE(wait_until(30s, [&] { return paths() == 2; })) << routes();
  EXPECT_TRUE(wait_until(10s, [&] { return lab().pings("lisbon.lan0", "10.50.0.1"); }));
  ASSERT_TRUE(lab()->cut("berlin-a"));
  EXPECT_TRUE(wait_until(30s, [&] { return paths() == 1 && lab().pings("lisbon.lan0", "10.50.0.1"); })) << routes();
  ASSERT_TRUE(lab()->heal("berlin-a"));
  EXPECT_TRUE(wait_until(60s, [&] { return paths() == 2; })) << routes();
  // The one loses its interface of the LAN.
  lab().sh("berlin-b", "ip link set office down");
  EXPECT_TRUE(wait_until(30s, [&] { return paths() == 1 && lab().pings("lisbon.lan0", "10.50.0.1"); })) << routes();
  for (const auto* site : {"berlin-a", "berlin-b"}) {
    apply(site, fabric());
    lab().sh(site, "ip link delete office");
  }
  EXPECT_TRUE(lab().converge(60s));
}

// 18 of them: more interfaces than Linux lets OSPF join 224.0.0.5 on unless told.
TEST_P(DedicatedOn, SitesAddedAtTheHubResetNoOther) {
  const auto file = lab()->path_in("fra1", "/etc/radial/facts.json").value();
  const auto facts_before = read_file(file).value();
  auto facts = FabricFacts::from_json(facts_before).value();
  std::string more;
  for (int i = 0; i < 18; ++i) {
    const auto name = "branch" + std::to_string(i);
    facts.nodes[name].public_key = PrivateKey::generate().public_key();
    more += "  " + name + ": { lans: [10.60." + std::to_string(i) + ".0/24] }\n";
  }
  ASSERT_TRUE(write_file_atomically(file, facts.to_json()));
  const auto before = lab().status("fra1");
  ASSERT_TRUE(before);
  const std::string list_wires = "wg show interfaces | tr ' ' '\\n' | sort";
  const auto interfaces = lab().sh("fra1", list_wires);
  SteadyPings pings(*lab(), {{"berlin-b.lan0", "192.168.20.2"}, {"lisbon.lan0", "192.168.1.2"}, {"rome.lan0", "192.168.40.2"}}, 8s);
  const auto answer = apply("fra1", fabric("", more));
  EXPECT_FALSE(answer["changes"].empty());
  EXPECT_TRUE(answer["problems"].empty()) << answer;
  EXPECT_EQ(lab().sh("fra1", "wg show interfaces | wc -w"), "22\n");
  if (!bgp()) {
    EXPECT_EQ(lab().sh("fra1", "sysctl -n net.ipv4.igmp_max_memberships"), "4096\n");
    EXPECT_TRUE(wait_until(20s, [] {
      return lab().sh("fra1", "vtysh -c 'show ip ospf interface' | grep -c 'Multicast group memberships: OSPFAllRouters'; true") == "21\n";
    })) << lab().sh("fra1", "vtysh -c 'show ip ospf interface' | grep -E '^wg|memberships'");
  }
  EXPECT_EQ(pings.lost(), 0);
  const auto expect_unmoved = [&] {
    const auto after = lab().status("fra1");
    ASSERT_TRUE(after);
    int found = 0;
    for (const auto& was : before->adjacencies)
      for (const auto& is : after->adjacencies)
        if (is.node == was.node && is.protocol == was.protocol) {
          ++found;
          EXPECT_TRUE(is.serves()) << is.node;
          EXPECT_GE(is.up_ms, was.up_ms) << is.protocol << " with " << is.node << " was reset";
        }
    EXPECT_EQ(found, static_cast<int>(before->adjacencies.size()));
  };
  expect_unmoved();
  ASSERT_TRUE(write_file_atomically(file, facts_before));
  apply("fra1", fabric());
  expect_unmoved();
  EXPECT_EQ(lab().sh("fra1", list_wires), interfaces);
  EXPECT_TRUE(lab().converge(60s));
}

TEST_P(DedicatedOn, AnInterfaceDeletedByHandComesBack) {
  const auto interface = wire_to("lisbon");
  lab().sh("fra1", "ip link delete " + interface);
  EXPECT_TRUE(wait_until(60s, [&] { return lab().healthy() && lab().pings(); }))
      << cli::fabric_status_text("", cli::lab_status(*lab()), true) << routes();
  EXPECT_EQ(wire_to("lisbon"), interface);
}

TEST_P(DedicatedOn, DownLeavesNothingAtTheHub) {
  lab().sh("fra1", "vtysh -b 2>&1");  // as when FRR starts: every daemon is told every list
  const auto answer = lab().post("fra1", "/v1/down");
  ASSERT_TRUE(answer) << answer.error().message;
  EXPECT_TRUE(Json::parse(*answer)["problems"].empty()) << *answer;
  EXPECT_EQ(lab().sh("fra1", "wg show interfaces | wc -w"), "0\n");
  EXPECT_EQ(lab().sh("fra1", "nft list tables | grep -c radial; true"), "0\n");
  const auto running = lab().vtysh("fra1", "show running-config");
  for (const auto* trace : {"radial-", "wgs", "router ospf", "router bgp", "ip route"})
    EXPECT_EQ(running.find(trace), std::string::npos) << trace << "\n" << running << *answer;
  if (HasFailure())  // which daemon has it, and since when it runs
    std::puts(lab().sh("fra1", "for d in zebra staticd bgpd ospfd ospf6d bfdd; do echo \"$d $(vtysh -d $d -c 'show running-config' 2>&1 | grep -c radial-) "
                               "$(ps -o lstart= -C $d)\"; done; cat /etc/frr/frr.conf").c_str());
  ASSERT_TRUE(lab().post("fra1", "/v1/up"));
  EXPECT_TRUE(lab().converge(60s));
}

// One suite a lab, so that a lab is made once.
INSTANTIATE_TEST_SUITE_P(Ospf84, DedicatedOn, testing::Values(Ground{"ospf84", "ospf", "8.4"}));
INSTANTIATE_TEST_SUITE_P(Bgp84, DedicatedOn, testing::Values(Ground{"bgp84", "bgp", "8.4"}));
INSTANTIATE_TEST_SUITE_P(Ospf103, DedicatedOn, testing::Values(Ground{"ospf103", "ospf", "10.3"}));
INSTANTIATE_TEST_SUITE_P(Bgp103, DedicatedOn, testing::Values(Ground{"bgp103", "bgp", "10.3"}));

}  // namespace
}  // namespace radial::test
