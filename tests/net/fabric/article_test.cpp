// The tutorials' two config files, word for word, with a second spoke:
//
//   192.168.1.0/24 - fra1 (wg0, AllowedIPs 0.0.0.0/0 for each peer)
//                      |                 |
//              berlin (first peer)   paris (last peer)
//
// It must fail for the first peer, and the same topology must work through
// Radial: that is what the product is for.
#include "base/file.h"
#include "support/live_lab.h"

namespace radial::test {
namespace {

constexpr const char* topology = R"(
fabric: article
hubs:
  fra1: { endpoint: vpn.example.com:51820, lans: [192.168.1.0/24] }
sites:
  berlin: { lans: [192.168.20.0/24] }
  paris:  { lans: [192.168.30.0/24] }
)";

struct Keys {
  std::string secret, open;
};

Keys make_keys(LiveLab& lab, const std::string& node) {
  auto secret = lab.run(node, {"wg", "genkey"});
  auto pub = lab->run(node, {"wg", "pubkey"}, 10s, secret);
  return {secret.substr(0, 44), pub ? pub->out.substr(0, 44) : ""};
}

// `Table = off`, as the article says: no route but what OSPF brings.
void wg_up(LiveLab& lab, const std::string& node, const std::string& address, const std::string& conf) {
  const auto file = lab->path_in(node, "/run/wireguard/article.conf");
  ASSERT_TRUE(file);
  lab.sh(node, "wireguard-go wg0 > /dev/null 2>&1; for i in $(seq 200); do wg show wg0 > /dev/null 2>&1 && break; sleep 0.05; done");
  auto set = lab->run(node, {"wg", "setconf", "wg0", "/dev/stdin"}, 10s, conf);
  ASSERT_TRUE(set && set->ok()) << (set ? set->err : set.error().message);
  lab.sh(node, "ip address add " + address + " dev wg0 && ip link set wg0 mtu 1420 up && "
                   "sysctl -qw net.ipv4.ip_forward=1");
}

void ospf(LiveLab& lab, const std::string& node, const std::string& router_id, const std::string& lan) {
  lab.run(node, {"vtysh", "-c", "configure terminal", "-c", "router ospf", "-c", "ospf router-id " + router_id, "-c",
                 "network " + lan + " area 0", "-c", "network 10.255.0.0/24 area 0", "-c", "exit", "-c", "interface wg0", "-c",
                 "ip ospf network point-to-multipoint", "-c",
                 // The article's stanza has the default timers, 10 and 40 s; these only make the test quicker.
                 "ip ospf hello-interval 1", "-c", "ip ospf dead-interval 4"});
}

TEST(Article, ItsLiteralConfigurationFailsForTheSecondSiteAndWorksThroughRadial) {
  lab::LabOptions options;
  options.name = "article";
  options.start_radiald = false;
  LiveLab lab(topology, std::move(options));
  ASSERT_TRUE(lab.ready());
  const auto fra1 = make_keys(lab, "fra1");
  const auto berlin = make_keys(lab, "berlin");
  const auto paris = make_keys(lab, "paris");
  wg_up(lab, "fra1", "10.255.0.1/32",
        "[Interface]\nPrivateKey = " + fra1.secret + "\nListenPort = 51820\n[Peer]\nPublicKey = " + berlin.open +
            "\nAllowedIPs = 0.0.0.0/0, ::/0\n[Peer]\nPublicKey = " + paris.open + "\nAllowedIPs = 0.0.0.0/0, ::/0\n");
  const auto hub = lab->plan().nodes.front().uplink_v4().to_string();
  const auto site_conf = [&](const Keys& keys) {
    return "[Interface]\nPrivateKey = " + keys.secret + "\n[Peer]\nPublicKey = " + fra1.open + "\nEndpoint = " + hub +
           ":51820\nPersistentKeepalive = 1\nAllowedIPs = 0.0.0.0/0, ::/0\n";
  };
  wg_up(lab, "berlin", "10.255.0.2/32", site_conf(berlin));
  wg_up(lab, "paris", "10.255.0.3/32", site_conf(paris));
  ospf(lab, "fra1", "10.255.0.1", "192.168.1.0/24");
  ospf(lab, "berlin", "10.255.0.2", "192.168.20.0/24");
  ospf(lab, "paris", "10.255.0.3", "192.168.30.0/24");

  // The last peer works ...
  EXPECT_TRUE(wait_until(40s, [&] { return lab.pings("fra1.lan0", "192.168.30.2"); }))
      << lab.vtysh("fra1", "show ip ospf neighbor");
  // ... and the first has lost its AllowedIPs and never comes: ten dead
  // intervals after the other one was up.
  EXPECT_NE(lab.run("fra1", {"wg", "show", "wg0", "allowed-ips"}).find(berlin.open + "\t(none)"), std::string::npos);
  EXPECT_FALSE(wait_until(20s, [&] { return lab.pings("fra1.lan0", "192.168.20.2"); })) << "the article was right after all";
  EXPECT_FALSE(lab.pings("paris.lan0", "192.168.20.2"));

  // The same machines through Radial.
  for (const auto* node : {"fra1", "berlin", "paris"}) {
    lab.sh(node, "ip link delete wg0; vtysh -c 'configure terminal' -c 'no router ospf' -c 'interface wg0' -c 'no ip ospf network' "
                 "-c 'no ip ospf hello-interval' -c 'no ip ospf dead-interval' -c exit -c 'no interface wg0'; true");
    ASSERT_TRUE(lab.start_radiald(node));
  }
  EXPECT_TRUE(lab.converge(60s));
}

}  // namespace
}  // namespace radial::test
