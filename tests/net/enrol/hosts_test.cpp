// Hubs and sites that change: a second hub by invitation, addresses that move,
// keys replaced while packets cross, a site revoked.
//
//   fra1.lan0 --- fra1 (hub, controller) --+
//                                          |
//   fra2.lan0 --- fra2 (hub) ----------- internet
//                                          |
//   berlin.lan0 --- berlin ----------------+
//   paris.lan0 --- paris ------------------+
//
// The machines are bare, as in enrol_test.cpp. One lab serves all tests, which
// run in the file's order.
#include <algorithm>
#include <ctime>
#include <set>

#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

#include "base/file.h"
#include "control/store.h"
#include "control/token.h"
#include "support/bare_machines.h"
#include "support/temporary_folder.h"

namespace radial::test {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr const char* machines = R"(
fabric: acme
hubs:
  fra1: { endpoint: vpn.example.com:51820, lans: [192.168.1.0/24] }
  fra2: { endpoints: ["vpn2.example.com:51820", "203.0.113.9:51820"], lans: [192.168.2.0/24] }
sites:
  berlin: { lans: [192.168.20.0/24] }
  paris:  { lans: [192.168.30.0/24] }
)";

constexpr const char* shared = "10.77.0.0/24";  // either site may announce it

class Hosts : public BareMachines {
 protected:
  static void SetUpTestSuite() { make("hosts", machines); }

  static std::string invite(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), "invite");
    const auto result = radial("fra1", std::move(arguments));
    EXPECT_EQ(result.exit_code, 0) << result.err;
    return token_in(result.out);
  }

  static nlohmann::json members() {
    return nlohmann::json::parse(radial("fra1", {"members", "--json"}).out, nullptr, false);
  }
  static nlohmann::json member(const std::string& name) {
    const auto all = members();
    if (all.is_object())
      for (const auto& one : all["members"])
        if (one["node"] == name) return one;
    return nlohmann::json::object();
  }
  // Every node that joined runs the newest configuration, and no rotation is under way.
  static bool settled() {
    const auto all = members();
    return all.is_object() && std::all_of(all["members"].begin(), all["members"].end(), [](const auto& one) {
             return !one.value("joined", false) || (one.value("current", false) && !one.contains("rotation"));
           });
  }

  // Seconds that each of a node's neighbours has been up at least, the youngest of them.
  static std::int64_t youngest_adjacency(const std::string& node) {
    const auto json = nlohmann::json::parse(lab_->vtysh(node, "show ip ospf neighbor json"), nullptr, false);
    std::int64_t youngest = -1;
    if (!json.is_object() || !json.contains("neighbors")) return youngest;
    for (const auto& [id, all] : json["neighbors"].items())
      for (const auto& one : all) {
        const auto up = one.value("upTimeInMsec", std::int64_t{0});
        if (youngest < 0 || up < youngest) youngest = up;
      }
    return youngest;
  }

  struct PingLoss {
    int sent = 0;
    int lost = 0;
  };
  // Pings every 10 ms for ten seconds; `act` runs meanwhile.
  static PingLoss pings_while(const std::string& place, const std::string& address, const std::function<void()>& act) {
    const auto log = (*lab_)->folder() / "ping.log";
    std::filesystem::remove(log);
    if (!(*lab_)->start(place, {"ping", "-n", "-i", "0.01", "-w", "10", address}, log)) return {};
    std::this_thread::sleep_for(500ms);
    act();
    PingLoss loss;
    (void)wait_until(20s, [&] {
      const auto text = read_file(log);
      const auto at = text ? text->find(" packets transmitted, ") : std::string::npos;
      if (at == std::string::npos) return false;
      loss.sent = std::stoi(text->substr(text->rfind('\n', at) + 1));
      loss.lost = loss.sent - std::stoi(text->substr(at + 22));
      return true;
    });
    return loss;
  }

  // A site begins, or ends, to have 10.77.0.1.
  static void take_shared(const std::string& site) {
    lab_->sh(site, "ip link add shared type bridge && ip addr add 10.77.0.1/24 dev shared && ip link set shared up");
    lab_->configure(site, {"interface shared", "ip ospf area 0", "ip ospf passive"});
  }
  static void drop_shared(const std::string& site) {
    lab_->configure(site, {"interface shared", "no ip ospf passive", "no ip ospf area 0"});
    lab_->sh(site, "ip link del shared");
  }

  // Every private key that a site has had so far.
  static void keep_keys() {
    for (const auto* node : {"fra1", "fra2", "berlin", "paris"})
      for (const auto* name : {"/etc/radial/private.key", "/etc/radial/private.key.next"})
        if (const auto key = file(node, name); key.size() >= 44) keys_.insert(key.substr(0, 44));
  }

  static std::set<std::string> keys_;
};
std::set<std::string> Hosts::keys_;

TEST_F(Hosts, ASecondHubJoinsByInvitation) {
  ASSERT_TRUE(lab_->ready());
  ASSERT_EQ(radial("fra1", {"init", "--name", "fra1", "--fabric", "acme", "--endpoint", "vpn.example.com", "--lan", "192.168.1.0/24"}).exit_code, 0);
  ASSERT_EQ(radial("berlin", {"join", invite({"berlin", "--lan", "192.168.20.0/24", "--grant", shared})}).exit_code, 0);
  ASSERT_TRUE(reaches_soon("berlin.lan0", "192.168.1.2"));

  EXPECT_THAT(radial("fra1", {"invite", "--hub", "fra2"}).err, HasSubstr("--endpoint"));
  EXPECT_THAT(radial("fra1", {"invite", "paris", "--endpoint", "vpn2.example.com"}).err, HasSubstr("no endpoint"));
  const auto token = invite({"--hub", "fra2", "--endpoint", "vpn2.example.com", "--lan", "192.168.2.0/24"});
  ASSERT_FALSE(token.empty());
  const auto joined = radial("fra2", {"join", token});
  ASSERT_EQ(joined.exit_code, 0) << joined.out << joined.err;
  // A site that was there gets a wire to it, one that comes later too.
  ASSERT_EQ(radial("paris", {"join", invite({"paris", "--lan", "192.168.30.0/24", "--grant", shared})}).exit_code, 0);
  for (const auto& [place, address] : std::vector<std::pair<std::string, std::string>>{
           {"fra2.lan0", "192.168.1.2"}, {"berlin.lan0", "192.168.2.2"}, {"paris.lan0", "192.168.20.2"}, {"fra2.lan0", "192.168.30.2"}})
    EXPECT_TRUE(reaches_soon(place, address)) << place << " " << address;
  for (const auto* site : {"berlin", "paris"})
    EXPECT_TRUE(wait_until(60s, [&] { return lab_->sh(site, "wg show all latest-handshakes | awk '$3 > 0' | wc -l") == "2\n"; })) << site;
  // A tunnel prefix of its own.
  EXPECT_THAT(lab_->sh("fra2", "ip -4 -o addr show wg0"), HasSubstr("10.255.1."));
  EXPECT_TRUE(wait_until(30s, [] { return settled(); })) << members().dump(2);
  const auto fra2 = member("fra2");
  EXPECT_EQ(fra2.value("role", ""), "hub");
  EXPECT_NE(fra2.value("frr", ""), "");
  EXPECT_NE(fra2.value("wireguard", ""), "");
  // The controller's hub dies: the fabric goes on over the other.
  ASSERT_TRUE((*lab_)->cut("fra1"));
  EXPECT_TRUE(reaches_soon("berlin.lan0", "192.168.30.2"));
  ASSERT_TRUE((*lab_)->heal("fra1"));
  EXPECT_TRUE(wait_until(60s, [] { return lab_->pings(); }));
}

// What a site announces outside its grant stands in the log: once when it
// begins, once when it ends.
TEST_F(Hosts, TheLogTellsWhatWasRefused) {
  const auto lines = [](const std::string& what) {
    const auto json = nlohmann::json::parse(radial("fra1", {"log", "--json"}).out, nullptr, false);
    int count = 0;
    if (json.is_object())
      for (const auto& line : json["log"]) count += line["what"].get<std::string>().find(what) != std::string::npos ? 1 : 0;
    return count;
  };
  lab_->sh("berlin", "ip link add stray type bridge && ip addr add 172.31.9.1/24 dev stray && ip link set stray up");
  lab_->sh("berlin", "vtysh -c 'configure terminal' -c 'interface stray' -c 'ip ospf area 0' -c 'ip ospf passive'");
  // Both hubs refuse it, and each says so.
  EXPECT_TRUE(wait_until(40s, [&] { return lines("announces 172.31.9.0/24") == 2; })) << radial("fra1", {"log"}).out;
  EXPECT_THAT(radial("fra1", {"log"}).out, HasSubstr("its grant is 10.77.0.0/24, 192.168.20.0/24"));
  lab_->sh("berlin", "vtysh -c 'configure terminal' -c 'no interface stray' || true; ip link del stray");
  EXPECT_TRUE(wait_until(60s, [&] { return lines("no longer: site berlin announces 172.31.9.0/24") == 2; })) << radial("fra1", {"log"}).out;
  EXPECT_EQ(lines("announces 172.31.9.0/24"), 4);
  // And what was accepted, at each hub.
  for (const auto* served : {"serves 192.168.20.0/24, announced by berlin", "serves 192.168.30.0/24, announced by paris"})
    EXPECT_TRUE(wait_until(20s, [&] { return lines(served) >= 2; })) << served << "\n" << radial("fra1", {"log"}).out;
}

// Only root changes things; the log says who it was that became root.
TEST_F(Hosts, TheLogNamesWhoLoggedIn) {
  const std::string log_in = "echo 65534 > /proc/self/loginuid";
  if (lab_->sh("fra1", "sh -c '" + log_in + "' 2>/dev/null && echo yes || true") != "yes\n") GTEST_SKIP() << "a kernel without audit, or one that lets nobody set loginuid";
  const auto as = [&](const std::string& words) { return lab_->sh("fra1", "sh -c '" + log_in + " && exec " + radial_program + " " + words + "'"); };
  as("invite rome --lan 192.168.40.0/24");
  as("uninvite rome");
  EXPECT_THAT(radial("fra1", {"log"}).out, testing::ContainsRegex("nobody \\(root\\) .*invite.* rome"));
  EXPECT_THAT(radial("fra1", {"invitations"}).out, testing::ContainsRegex("rome .*nobody \\(root\\)"));
}

TEST_F(Hosts, SteeringAndFailoverGoOnWithoutTheController) {
  lab_->kill_radiald("fra1");
  const auto held_by = [](const std::string& site) {
    const auto key = lab_->sh(site, "wg show wg0 public-key | tr -d '\\n'");
    return lab_->sh("fra2", "wg show wg0 allowed-ips | grep -F '" + key + "' || true").find(shared) != std::string::npos;
  };
  take_shared("berlin");
  EXPECT_TRUE(wait_until(30s, [&] { return held_by("berlin") && reaches("fra2.lan0", "10.77.0.1"); }));
  drop_shared("berlin");
  take_shared("paris");
  EXPECT_TRUE(wait_until(30s, [&] { return held_by("paris") && reaches("fra2.lan0", "10.77.0.1"); })) << lab_->sh("fra2", "wg show wg0 allowed-ips; ip route");
  // The whole machine of the controller is gone: by the other hub.
  ASSERT_TRUE((*lab_)->cut("fra1"));
  EXPECT_TRUE(reaches_soon("berlin.lan0", "192.168.30.2"));
  EXPECT_TRUE(reaches_soon("berlin.lan0", "10.77.0.1"));
  drop_shared("paris");
  take_shared("berlin");
  EXPECT_TRUE(wait_until(30s, [&] { return held_by("berlin") && reaches("paris.lan0", "10.77.0.1"); })) << lab_->sh("fra2", "wg show wg0 allowed-ips; ip route");
  drop_shared("berlin");
  ASSERT_TRUE((*lab_)->heal("fra1"));
  ASSERT_TRUE(lab_->start_radiald("fra1"));
  EXPECT_TRUE(wait_until(60s, [] { return lab_->pings() && settled(); })) << members().dump(2);
}

// The hub's first address does not answer any more: the next one of its name is
// tried, of either family; then its name means another address.
TEST_F(Hosts, AHubIsDialledWhereverItIs) {
  const auto* fra2 = (*lab_)->plan().find("fra2");
  const auto v4 = fra2->uplink_v4().to_string();
  const auto v6 = fra2->uplink_v6().to_string();
  const auto hub = lab_->tunnel_address("fra2");
  const auto dialled = [] { return lab_->sh("berlin", "wg show wg1 endpoints"); };
  const auto answers = [&] { return lab_->sh("berlin", fmt::format("ping -c 1 -W 1 -I wg1 {} > /dev/null && echo yes || echo no", hub)) == "yes\n"; };
  ASSERT_TRUE(wait_until(60s, answers));
  ASSERT_THAT(dialled(), HasSubstr(v4));
  lab_->sh("berlin", fmt::format("echo {} vpn2.example.com >> /etc/hosts", v6));

  lab_->sh("internet", "nft add table inet moved; nft add chain inet moved drops '{ type filter hook forward priority 0; }'");
  const auto block = [&](const char* family, const std::string& address) {
    lab_->sh("internet", fmt::format("nft add rule inet moved drops {0} daddr {1} udp dport 51820 drop; nft add rule inet moved drops {0} saddr {1} udp sport 51820 drop",
                                     family, address));
  };
  block("ip", v4);
  auto took = wait_until(40s, [&] { return dialled().find(v6) != std::string::npos && answers(); });
  EXPECT_TRUE(took) << dialled();
  if (took) std::printf("the hub's next address answers after %d ms\n", static_cast<int>(took->count()));

  block("ip6", v6);
  lab_->sh("berlin", "sed '/vpn2.example.com/d' /etc/hosts > /run/hosts && echo 203.0.113.9 vpn2.example.com >> /run/hosts && cat /run/hosts > /etc/hosts");
  took = wait_until(40s, [&] { return dialled().find("203.0.113.9:51820") != std::string::npos && answers(); });
  EXPECT_TRUE(took) << dialled();
  if (took) std::printf("the hub's moved name is followed after %d ms\n", static_cast<int>(took->count()));
  lab_->sh("internet", "nft delete table inet moved");
  EXPECT_TRUE(wait_until(60s, [] { return lab_->pings(); }));
}

// A NAT box between the site and its hub gives the site another port.
TEST_F(Hosts, ANatBoxThatChangesItsMappingIsFollowed) {
  const auto* fra1 = (*lab_)->plan().find("fra1");
  const auto site = (*lab_)->plan().find("berlin")->uplink_v4().to_string();
  const auto key = member("berlin").value("public_key", "");
  const auto port = [&] {
    const auto text = lab_->sh("fra1", fmt::format("wg show wg0 endpoints | grep -F '{}' | sed 's/.*://'", key));
    return text.empty() ? 0 : std::stoi(text);
  };
  // What the hub sends first must not open the mapping.
  lab_->sh("internet", fmt::format("nft add table ip natbox; nft add chain ip natbox early '{{ type filter hook prerouting priority -300; }}';"
                                   "nft add rule ip natbox early ip saddr {} ip daddr {} drop;"
                                   "nft add chain ip natbox post '{{ type nat hook postrouting priority 100; }}';"
                                   "nft add rule ip natbox post ip saddr {} oifname {} udp dport 51820 masquerade to :40000-49999 random",
                                   fra1->uplink_v4().to_string(), site, site, fra1->link));
  ASSERT_TRUE(wait_until(20s, [&] { return port() >= 40000 && port() <= 49999; })) << port();
  lab_->sh("internet", "nft flush chain ip natbox early");
  ASSERT_TRUE(reaches_soon("berlin.lan0", "192.168.1.2"));
  const auto before = port();
  const auto box = fra1->internet_v4().to_string();
  // Without its address the box forgets its mappings.
  lab_->sh("internet", fmt::format("ip addr del {0}/30 dev {1}; ip addr add {0}/30 dev {1}", box, fra1->link));
  const auto took = wait_until(20s, [&] { return port() != before && port() >= 40000 && reaches("berlin.lan0", "192.168.1.2"); });
  ASSERT_TRUE(took) << before << " " << port();
  std::printf("a new NAT mapping is followed after %d ms\n", static_cast<int>(took->count()));
  lab_->sh("internet", fmt::format("nft delete table ip natbox; ip addr del {0}/30 dev {1}; ip addr add {0}/30 dev {1}", box, fra1->link));
  EXPECT_TRUE(wait_until(60s, [] { return lab_->pings(); }));
}

TEST_F(Hosts, AKeyIsReplacedWhilePacketsCross) {
  ASSERT_TRUE(wait_until(60s, [] { return settled(); })) << members().dump(2);
  const auto before = file("berlin", "/etc/radial/private.key");
  keep_keys();
  const auto public_before = member("berlin").value("public_key", "");
  const auto adjacency_before = youngest_adjacency("berlin");
  const auto began = std::chrono::steady_clock::now();
  const auto loss = pings_while("berlin.lan0", "192.168.1.2", [] {
    const auto rotated = radial("fra1", {"rotate", "berlin"});
    EXPECT_EQ(rotated.exit_code, 0) << rotated.err;
    EXPECT_THAT(rotated.out, HasSubstr("has the new key"));
  });
  EXPECT_NE(file("berlin", "/etc/radial/private.key"), before);
  const auto key = member("berlin").value("public_key", "");
  EXPECT_NE(key, public_before);
  for (const auto* hub : {"fra1", "fra2"}) {
    EXPECT_TRUE(wait_until(20s, [&] { return lab_->sh(hub, "wg show wg0 peers").find(public_before) == std::string::npos; })) << hub;
    EXPECT_THAT(lab_->sh(hub, "wg show wg0 allowed-ips"), HasSubstr(key));
  }
  // No adjacency went down: the youngest is as old as it should be.
  const auto passed = std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - began).count();
  EXPECT_GE(youngest_adjacency("berlin"), adjacency_before + passed - 1000);
  std::printf("rotation: %d of %d pings lost, 10 ms apart\n", loss.lost, loss.sent);
  EXPECT_GT(loss.sent, 200);
  EXPECT_LE(loss.lost, 10);  // a tenth of a second; an adjacency takes four
  EXPECT_EQ(lab_->sh("berlin", "ls /etc/radial/private.key.next 2>/dev/null; stat -c %a /etc/radial/private.key"), "600\n");
  EXPECT_TRUE(reaches("paris.lan0", "192.168.20.2"));
}

TEST_F(Hosts, ARotationThatIsKilledAnywhereGoesOn) {
  for (const auto* moment : {"0.02", "0.1", "0.25", "0.5"}) {
    ASSERT_TRUE(wait_until(60s, [] { return settled(); })) << members().dump(2);
    const auto before = member("paris").value("public_key", "");
    keep_keys();
    const auto began = lab_->post("fra1", "/v1/rotate", R"({"site": "paris"})");
    ASSERT_TRUE(began) << began.error().message;
    std::this_thread::sleep_for(std::chrono::duration<double>(std::stod(moment)));  // the moment is the test's input
    for (const auto* node : {"paris", "fra2", "fra1"}) lab_->kill_radiald(node);
    for (const auto* node : {"fra1", "fra2", "paris"}) ASSERT_TRUE(lab_->start_radiald(node));
    ASSERT_TRUE(wait_until(60s, [&] {
      const auto now = member("paris");
      return now.value("public_key", "") != before && !now.contains("rotation");
    })) << moment << members().dump(2);
    EXPECT_TRUE(reaches_soon("paris.lan0", "192.168.20.2")) << moment;
    EXPECT_TRUE(reaches_soon("paris.lan0", "192.168.2.2")) << moment;
  }
}

TEST_F(Hosts, EverySiteAtOnce) {
  ASSERT_TRUE(wait_until(60s, [] { return settled(); })) << members().dump(2);
  const auto berlin = member("berlin").value("public_key", "");
  const auto paris = member("paris").value("public_key", "");
  EXPECT_EQ(radial("fra1", {"rotate", "--all"}).exit_code, 0);
  EXPECT_TRUE(wait_until(30s, [&] {
    return member("berlin").value("public_key", "") != berlin && member("paris").value("public_key", "") != paris && settled();
  })) << members().dump(2);
  EXPECT_EQ(radial("fra1", {"rotate", "fra2"}).exit_code, 1);
  EXPECT_THAT(radial("fra1", {"log"}).out, HasSubstr("uses the key " + member("berlin").value("public_key", "")));
  EXPECT_TRUE(reaches_soon("berlin.lan0", "192.168.30.2"));
}

// The fabric says 90 days where it says nothing.
TEST_F(Hosts, AKeyOfAgeIsReplacedUnasked) {
  ASSERT_TRUE(wait_until(60s, [] { return settled(); })) << members().dump(2);
  const auto berlin = member("berlin").value("public_key", "");
  const auto paris = member("paris").value("public_key", "");
  lab_->kill_radiald("fra1");
  const auto file = (*lab_)->path_in("fra1", "/var/lib/radial/controller.db");
  ASSERT_TRUE(file);
  {
    // Beside: SQLite resolves the link that leads into the node.
    const TemporaryFolder folder;
    const auto beside = folder.path() / "controller.db";
    std::filesystem::copy_file(*file, beside);
    {
      auto store = control::Store::open(beside);
      ASSERT_TRUE(store) << store.error().message;
      ASSERT_TRUE(store->set_key_age("berlin", std::time(nullptr) - 91 * 24 * 3600));
      ASSERT_TRUE(store->set_key_age("paris", std::time(nullptr) - 89 * 24 * 3600));
    }
    std::filesystem::copy_file(beside, *file, std::filesystem::copy_options::overwrite_existing);
  }
  ASSERT_TRUE(lab_->start_radiald("fra1"));
  EXPECT_TRUE(wait_until(60s, [&] { return member("berlin").value("public_key", berlin) != berlin && settled(); })) << members().dump(2);
  EXPECT_EQ(member("paris").value("public_key", ""), paris);
  EXPECT_THAT(radial("fra1", {"log"}).out, HasSubstr("asked berlin for a new key"));
  EXPECT_TRUE(reaches_soon("berlin.lan0", "192.168.30.2"));
}

TEST_F(Hosts, ARevokedSiteIsCutOffAtEveryHubWithinASecond) {
  ASSERT_TRUE(wait_until(60s, [] { return settled(); })) << members().dump(2);
  const auto key = member("paris").value("public_key", "");
  const auto gone = [&](const char* hub) { return lab_->sh(hub, "wg show wg0 peers").find(key) == std::string::npos; };
  ASSERT_TRUE(lab_->post("fra1", "/v1/revoke", R"({"site": "paris"})"));
  const auto took = wait_until(5s, [&] { return gone("fra1") && gone("fra2"); });
  ASSERT_TRUE(took) << key << "\n" << lab_->sh("fra1", "wg show wg0 peers") << "\n" << lab_->sh("fra2", "wg show wg0 peers") << members().dump(2);
  std::printf("revoked at both hubs after %d ms\n", static_cast<int>(took->count()));
  EXPECT_LE(took->count(), 1000);  // told within a moment, not when it asks, which is every 5 s
  EXPECT_FALSE(reaches("paris.lan0", "192.168.20.2"));
  EXPECT_TRUE(wait_until(10s, [] { return members()["revocations"].empty(); })) << members().dump(2);

  // A hub that cannot be reached is named, over a restart, and cuts off on contact.
  ASSERT_EQ(radial("paris", {"join", invite({"paris"})}).exit_code, 1);  // it is a node already
  ASSERT_TRUE((*lab_)->cut("fra2"));
  const auto revoked = radial("fra1", {"revoke", "berlin"});
  EXPECT_EQ(revoked.exit_code, 0) << revoked.err;
  EXPECT_THAT(revoked.out, HasSubstr("pending: fra2"));
  lab_->kill_radiald("fra1");
  ASSERT_TRUE(lab_->start_radiald("fra1"));
  EXPECT_TRUE(wait_until(10s, [] { return radial("fra1", {"members"}).out.find("pending: fra2 may still serve berlin") != std::string::npos; }))
      << radial("fra1", {"members"}).out;
  ASSERT_TRUE((*lab_)->heal("fra2"));
  EXPECT_TRUE(wait_until(60s, [] { return members()["revocations"].empty(); })) << members().dump(2);
  EXPECT_EQ(lab_->sh("fra2", "wg show wg0 peers | wc -l"), "0\n");
}

// Last: what was logged, printed and shown while keys came and went.
TEST_F(Hosts, NoKeyIsTold) {
  keep_keys();
  EXPECT_GE(keys_.size(), 8U);
  auto secrets = keys_;
  std::string told;
  for (const auto* node : {"fra1", "fra2", "berlin", "paris"}) {
    const auto ring = nlohmann::json::parse(file(node, "/etc/radial/secrets.json"), nullptr, false);
    if (ring.is_object() && ring.contains("node_secret")) secrets.insert(ring["node_secret"]);
    if (ring.is_object() && ring.contains("preshared"))
      for (const auto& [peer, key] : ring["preshared"].items()) secrets.insert(key);
    if (const auto log = read_file((*lab_)->log_of(node))) told += *log;
    told += lab_->sh(node, "cat /var/lib/radial/radiald.log 2>/dev/null; cat /proc/[0-9]*/cmdline 2>/dev/null | tr '\\0' '\\n'");
    told += lab_->sh(node, "cat /var/lib/radial/*.json /etc/radial/facts.json /etc/radial/fabric.yaml /etc/radial/controller.json 2>/dev/null; true");
    for (const auto* what : {"status", "routes"}) told += radial(node, {what, "--json"}).out;
    EXPECT_EQ(lab_->sh(node, "find /etc/radial/private.key* /etc/radial/secrets.json /var/lib/radial/controller.db ! -perm 600 2>/dev/null; true"), "") << node;
  }
  for (const auto* what : {"members", "log", "revisions", "invitations"}) told += radial("fra1", {what, "--json"}).out;
  EXPECT_GT(told.size(), 20'000U);
  for (const auto& secret : secrets) EXPECT_EQ(told.find(secret), std::string::npos) << "a secret is told";
}

}  // namespace
}  // namespace radial::test
