// What is imported and exported, run as it comes out.
//
//   192.168.1.0/24 - fra1 (hub) --- internet --- berlin 192.168.20.0/24
//                                      \-------- paris  192.168.30.0/24
#include <cstdlib>

#include "base/file.h"
#include "support/frr_release.h"
#include "support/live_lab.h"
#include "support/paths.h"

namespace radial::test {
namespace {

constexpr const char* topology = R"(
fabric: acme
hubs:
  fra1: { endpoint: vpn.example.com:51820, lans: [192.168.1.0/24] }
sites:
  berlin: { lans: [192.168.20.0/24] }
  paris:  { lans: [192.168.30.0/24] }
)";

const std::string bin = binary_dir() + "/bin/";
const std::string wg_quick = "WG_QUICK_USERSPACE_IMPLEMENTATION=" + bin + "radial-wire wg-quick ";

lab::LabOptions without_agents(const std::string& name) {
  lab::LabOptions options;
  options.name = name;
  options.start_radiald = false;
  return options;
}

// berlin has no agent: only the two files that the export prints there.
TEST(Exported, FilesAloneMakeASiteThatReachesEveryLan) {
  LiveLab lab(topology, without_agents("exported"));
  ASSERT_TRUE(lab.ready());
  ASSERT_TRUE(lab.start_radiald("fra1"));
  ASSERT_TRUE(lab.start_radiald("paris"));
  lab.sh("berlin", "umask 077; " + bin + "radial export berlin --as wg --with-key > /run/wireguard/wg0.conf && " + bin +
                       "radial export berlin --as frr > /etc/frr/frr.conf");
  lab.sh("berlin", wg_quick + "up /run/wireguard/wg0.conf && vtysh -f /etc/frr/frr.conf");
  EXPECT_TRUE(wait_until(90s, [&] { return lab.pings(); }))
      << lab.vtysh("berlin", "show running-config") << lab.vtysh("fra1", "show ip ospf neighbor") << lab.run("berlin", {"wg"});
  // A site passes nothing on from wire to wire, and its MSS fits.
  EXPECT_NE(lab.run("berlin", {"nft", "list", "table", "inet", "radial_wg0"}).find("maxseg size set 1380"), std::string::npos);
  lab.sh("berlin", wg_quick + "down /run/wireguard/wg0.conf");
  EXPECT_TRUE(wait_until(60s, [&] { return !lab.pings("fra1.lan0", "192.168.20.2"); })) << "another wire carried it";
}

struct Keys {
  std::string secret, open;
};

Keys make_keys(LiveLab& lab, const std::string& node) {
  const auto secret = lab.run(node, {"wg", "genkey"}).substr(0, 44);
  auto open = lab->run(node, {"wg", "pubkey"}, 10s, secret + "\n");
  return {secret, open ? open->out.substr(0, 44) : ""};
}

void write(LiveLab& lab, const std::string& node, const std::string& path, const std::string& text) {
  const auto file = lab->path_in(node, path);
  ASSERT_TRUE(file);
  ASSERT_TRUE(write_file_atomically(*file, text, 0600));
}

// fra1 is a hub by hand; paris a plain wg-quick site, berlin one as in the
// article, with OSPF, its default timers and a preshared key. Radial takes fra1 over, which becomes the
// controller; nothing is done at the sites. Then rome joins, and oslo comes without an agent.
TEST(Imported, AHubIsTakenOverAndItsSitesNeedNoChange) {
  if (const auto missing = frr_missing({"10.3"}); !missing.empty()) GTEST_SKIP() << missing;
  auto options = without_agents("imported");
  options.frr_of["fra1"] = "10.3";
  LiveLab lab(std::string(topology) + "  rome:   { lans: [192.168.40.0/24] }\n  oslo:   { lans: [192.168.50.0/24] }\n", std::move(options));
  ASSERT_TRUE(lab.ready());
  for (const auto* node : {"fra1", "rome", "oslo"}) lab.sh(node, "rm -rf /etc/radial/*");
  const auto shared = "\nPresharedKey = " + lab.run("fra1", {"wg", "genpsk"}).substr(0, 44);
  const auto fra1 = make_keys(lab, "fra1");
  const auto berlin = make_keys(lab, "berlin");
  const auto paris = make_keys(lab, "paris");
  write(lab, "fra1", "/run/wireguard/wg0.conf",
        "[Interface]\nAddress = 10.255.0.1/24\nListenPort = 51820\nPrivateKey = " + fra1.secret +
            "\nPostUp = sysctl -qw net.ipv4.ip_forward=1\n\n[Peer]\n# Berlin\nPublicKey = " + berlin.open + shared +
            "\nAllowedIPs = 10.255.0.2/32, 192.168.20.0/24\n\n[Peer]\n# Name = paris\nPublicKey = " + paris.open +
            "\nAllowedIPs = 10.255.0.3/32, 192.168.30.0/24\n");
  write(lab, "fra1", "/run/wireguard/frr.conf",
        "frr version 10.3\nrouter ospf\nospf router-id 10.255.0.1\nnetwork 192.168.1.0/24 area 0\nnetwork 10.255.0.0/24 area 0\n"
        "interface wg0\nip ospf area 0\nip ospf network point-to-multipoint\n");
  const std::string hub = "PublicKey = " + fra1.open + "\nEndpoint = vpn.example.com:51820\nPersistentKeepalive = 5\n";
  write(lab, "berlin", "/run/wireguard/wg0.conf",
        "[Interface]\nAddress = 10.255.0.2/24\nTable = off\nPrivateKey = " + berlin.secret + "\n[Peer]\n" + hub + shared.substr(1) +
            "\nAllowedIPs = 0.0.0.0/0, ::/0\n");
  write(lab, "paris", "/run/wireguard/wg0.conf",
        "[Interface]\nAddress = 10.255.0.3/24\nPrivateKey = " + paris.secret + "\n[Peer]\n" + hub +
            "AllowedIPs = 10.255.0.0/24, 192.168.1.0/24, 192.168.20.0/24\n");
  for (const auto* node : {"fra1", "berlin", "paris"})
    lab.sh(node, "sysctl -qw net.ipv4.ip_forward=1; " + wg_quick + "up /run/wireguard/wg0.conf");
  lab.run("berlin", {"vtysh", "-c", "configure terminal", "-c", "router ospf", "-c", "ospf router-id 10.255.0.2", "-c",
                     "network 192.168.20.0/24 area 0", "-c", "network 10.255.0.0/24 area 0", "-c", "exit", "-c", "interface wg0",
                     "-c", "ip ospf network point-to-multipoint"});
  ASSERT_TRUE(wait_until(60s, [&] { return lab.pings("fra1.lan0", "192.168.30.2"); })) << "the hub by hand serves paris";
  EXPECT_FALSE(lab.pings("fra1.lan0", "192.168.20.2")) << "no multicast reaches berlin, so it has no way back";
  const auto wires = lab.pids("berlin", "radial-wire") + lab.pids("paris", "radial-wire");

  lab.sh("fra1", "mkdir -p /run/taken; " + bin +
                     "radial import /run/wireguard/wg0.conf /run/wireguard/frr.conf -o /run/taken/fabric.yaml --name acme --hub fra1 "
                     "--endpoint vpn.example.com:51820 --private-key-to /etc/radial/private.key");
  EXPECT_EQ(lab.sh("fra1", "stat -c %a /etc/radial/private.key /etc/radial/secrets.json"), "600\n600\n");
  lab.sh("fra1", wg_quick + "down /run/wireguard/wg0.conf");
  // Under another key the sites would never hear it.
  lab.sh("fra1", "mv /etc/radial/private.key /run/taken/");
  const auto keyless = lab->run("fra1", {bin + "radial", "init", "--from", "/run/taken/fabric.yaml"});
  ASSERT_TRUE(keyless);
  EXPECT_EQ(keyless->exit_code, 1);
  EXPECT_NE(keyless->err.find("/etc/radial/private.key is not its private key"), std::string::npos) << keyless->err;
  EXPECT_EQ(lab.sh("fra1", "ls /etc/radial"), "secrets.json\nsecrets.json.copy\n");
  lab.sh("fra1", "mv /run/taken/private.key /etc/radial/ && " + bin + "radial init --from /run/taken/fabric.yaml");
  EXPECT_TRUE(wait_until(60s, [&] { return lab.pings("fra1.lan0", "192.168.30.2"); })) << lab.run("fra1", {"wg", "show"});
  EXPECT_TRUE(wait_until(120s, [&] { return lab.pings("fra1.lan0", "192.168.20.2"); }))
      << lab.vtysh("fra1", "show ip ospf neighbor") << lab.vtysh("fra1", "show ip route") << lab.run("fra1", {"wg", "show"})
      << lab.vtysh("berlin", "show ip ospf neighbor") << lab.vtysh("berlin", "show ip route");
  EXPECT_EQ(lab.run("fra1", {"wg", "show", "wg0", "public-key"}), fra1.open + "\n") << "the hub's key is kept";
  EXPECT_EQ(lab.pids("berlin", "radial-wire") + lab.pids("paris", "radial-wire"), wires) << "the sites' wires were not touched";

  const auto invited = lab.sh("fra1", bin + "radial invite rome --lan 192.168.40.0/24 2>/dev/null");
  const auto token = invited.substr(invited.find("radial1."));
  lab.sh("rome", bin + "radial join " + token.substr(0, token.find_first_of(" \n")));
  for (const auto* address : {"192.168.1.2", "192.168.20.2"})
    EXPECT_TRUE(wait_until(60s, [&] { return lab.pings("rome.lan0", address); })) << address << lab.vtysh("rome", "show ip route");

  const auto oslo = make_keys(lab, "oslo");
  lab.sh("fra1", bin + "radial invite oslo --lan 192.168.50.0/24 --key " + oslo.open);
  EXPECT_NE(lab.sh("fra1", bin + "radial export oslo --as wg").find("\nPresharedKey = <PRESHARED_KEY_WITH_fra1>\n"), std::string::npos);
  EXPECT_NE(lab.sh("fra1", bin + "radial export berlin --as wg --with-preshared-keys").find(shared), std::string::npos)
      << "what berlin has by hand";
  EXPECT_EQ(lab.sh("fra1", bin + "radial export paris --as wg").find("Preshared"), std::string::npos) << "paris has none";
  auto wire = lab.sh("fra1", bin + "radial export oslo --as wg --with-preshared-keys");
  EXPECT_EQ(lab.sh("fra1", "wg show wg0 preshared-keys | awk -v key='" + oslo.open + "' '$1 == key {print $2 == \"(none)\"}'"), "0\n");
  EXPECT_EQ(lab.sh("fra1", bin + "radial log | grep -c 'was shown the preshared keys of oslo'"), "1\n");
  const std::string placeholder = "<PRIVATE_KEY_OF_oslo>";
  ASSERT_NE(wire.find(placeholder), std::string::npos) << wire;
  wire.replace(wire.find(placeholder), placeholder.size(), oslo.secret);
  write(lab, "oslo", "/run/wireguard/wg0.conf", wire);
  write(lab, "oslo", "/etc/frr/frr.conf", lab.sh("fra1", bin + "radial export oslo --as frr --lan-interface 192.168.50.0/24=lan0"));
  lab.sh("oslo", wg_quick + "up /run/wireguard/wg0.conf && vtysh -f /etc/frr/frr.conf");
  for (const auto* address : {"192.168.1.2", "192.168.20.2", "192.168.40.2"})
    EXPECT_TRUE(wait_until(60s, [&] { return lab.pings("oslo.lan0", address); })) << address << lab.vtysh("oslo", "show ip route");

  // Who runs no radiald is told apart from who is away, and a change names it.
  const auto members = lab.sh("fra1", bin + "radial members | awk '/no radiald/ {print $1}' | sort");
  EXPECT_EQ(members, "berlin\noslo\nparis\n");
  lab.sh("fra1", "sed -e '/^keepalive:/d' -e '$a keepalive: 9' /etc/radial/fabric.yaml > /run/taken/next.yaml");
  const std::string by_hand = "oslo: no radiald; its configuration changes: radial export oslo";
  const auto planned = lab.sh("fra1", bin + "radial plan /run/taken/next.yaml || [ $? = 2 ]");
  EXPECT_NE(planned.find(by_hand), std::string::npos) << planned;
  EXPECT_EQ(planned.find("not in contact"), std::string::npos) << planned;
  lab.sh("fra1", "sed -e '/^  oslo:/d' -e '/^  rome:/d' /etc/radial/fabric.yaml > /run/taken/fewer.yaml");
  const auto fewer = lab.sh("fra1", bin + "radial plan /run/taken/fewer.yaml || [ $? = 2 ]");
  EXPECT_NE(fewer.find("oslo: leaves the fabric; its router keeps its configuration"), std::string::npos) << fewer;
  EXPECT_NE(fewer.find("rome: leaves the fabric; what still runs there ends by 'radial down' there"), std::string::npos) << fewer;
  const auto applied = lab.sh("fra1", bin + "radial apply /run/taken/next.yaml 2>&1");
  EXPECT_NE(applied.find(by_hand), std::string::npos) << applied;
  EXPECT_NE(lab.sh("fra1", bin + "radial export oslo --as wg").find("PersistentKeepalive = 9"), std::string::npos);

  // An area that every radiald takes and no such router: they fall away, and all comes back.
  lab.sh("fra1", "sed 's/area: [0-9.]*/area: 5/' /run/taken/next.yaml > /run/taken/area.yaml; grep -q 'area: 5' /run/taken/area.yaml");
  const auto wrong = lab.sh("fra1", bin + "radial apply --deadline 8 /run/taken/area.yaml 2>&1 || echo exit $?");
  EXPECT_NE(wrong.find("was taken back, the network is as before"), std::string::npos) << wrong;
  EXPECT_NE(wrong.find("exit 1"), std::string::npos) << wrong;
  for (const auto* address : {"192.168.1.2", "192.168.20.2", "192.168.40.2"})
    EXPECT_TRUE(wait_until(90s, [&] { return lab.pings("oslo.lan0", address); })) << address;
}

}  // namespace
}  // namespace radial::test
