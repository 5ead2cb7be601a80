// From bare machines to a network, by three commands: init, invite, join.
//
//   fra1.lan0 --- fra1 (hub, controller) --+
//                                          |
//   berlin.lan0 --- berlin ------------ internet ------- thief (nothing behind it that counts)
//                                          |
//   paris.lan0 --- paris ------------------+
//
// The machines have FRR as Debian installs it (no ospfd), and nothing of
// Radial's. One lab serves all tests; they run in the file's order, and each
// leaves the fabric whole.
#include <algorithm>
#include <csignal>
#include <ctime>
#include <fstream>

#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

#include "base/file.h"
#include "control/token.h"
#include "enrol/api_access.h"
#include "support/bare_machines.h"

namespace radial::test {
namespace {

using testing::ContainsRegex;
using testing::HasSubstr;
using testing::Not;

constexpr const char* machines = R"(
fabric: acme
hubs:
  fra1: { endpoint: vpn.example.com:51820, lans: [192.168.1.0/24] }
sites:
  berlin: { lans: [192.168.20.0/24] }
  paris:  { lans: [192.168.30.0/24] }
  thief:  { lans: [192.168.66.0/24] }
)";

class Enrolment : public BareMachines {
 protected:
  static void SetUpTestSuite() { make("enrol", machines); }

  // Everything that it printed is kept, to look for secrets in.
  static ProcessResult radial(const std::string& node, const std::vector<std::string>& arguments) {
    auto result = BareMachines::radial(node, arguments);
    printed_ += result.err;
    if (arguments.front() != "invite") printed_ += result.out;
    return result;
  }

  // The token that `radial invite` prints.
  static std::string invite(const std::string& site, std::vector<std::string> more) {
    more.insert(more.begin(), {"invite", site});
    const auto result = radial("fra1", more);
    EXPECT_EQ(result.exit_code, 0) << result.err;
    auto token = token_in(result.out);
    if (!token.empty()) tokens_.push_back(token);
    return token;
  }

  static std::string state_of(const std::string& site) {
    const auto result = radial("fra1", {"invitations", "--json"});
    const auto json = nlohmann::json::parse(result.out, nullptr, false);
    if (json.is_object())
      for (const auto& one : json["invitations"])
        if (one["site"] == site) return one["state"];
    return "none";
  }

  // A guest's wire, made by hand from its token: what a thief would do.
  static void dial_as_guest(const std::string& node, const control::Token& token) {
    const auto dump = [&](const Secret& secret, const std::string& name) {
      const auto path = (*lab_)->path_in(node, "/run/radial/" + name);
      ASSERT_TRUE(path);
      ASSERT_TRUE(write_file_atomically(*path, secret.reveal_base64() + "\n", 0600));
    };
    dump(token.ephemeral, "key");
    dump(token.preshared, "psk");
    lab_->sh(node, fmt::format("(ip link add thief0 type wireguard 2>/dev/null || wireguard-go thief0 >/dev/null 2>&1);"
                               "for i in $(seq 100); do wg show thief0 >/dev/null 2>&1 && break; sleep 0.1; done;"
                               "wg set thief0 private-key /run/radial/key peer {} preshared-key /run/radial/psk endpoint {}:51820 "
                               "allowed-ips 0.0.0.0/0 persistent-keepalive 1 && ip addr add {}/24 dev thief0 && ip link set thief0 up &&"
                               "ip route add 192.168.1.0/24 dev thief0 && ip route add 192.168.20.0/24 dev thief0",
                               token.hub_key.to_string(), (*lab_)->plan().find("fra1")->uplink_v4().to_string(), token.address.to_string()));
  }
  static void hang_up(const std::string& node) { lab_->sh(node, "ip link del thief0; rm -f /run/radial/key /run/radial/psk; true"); }

  static std::string printed_;
  static std::vector<std::string> tokens_;
};
std::string Enrolment::printed_;
std::vector<std::string> Enrolment::tokens_;

TEST_F(Enrolment, AHubTwoSitesAndEveryLanReachesEveryLan) {
  ASSERT_TRUE(lab_->ready());
  const auto wrong = radial("fra1", {"init", "--name", "fra1", "--fabric", "acme", "--endpoint", "vpn.example.com", "--lan", "192.168.1.1/24"});
  EXPECT_EQ(wrong.exit_code, 1);
  EXPECT_THAT(wrong.err, HasSubstr("192.168.1.0/24"));
  const auto init = radial("fra1", {"init", "--name", "fra1", "--fabric", "acme", "--endpoint", "vpn.example.com", "--lan", "192.168.1.0/24"});
  ASSERT_EQ(init.exit_code, 0) << init.out << init.err;
  EXPECT_THAT(init.out, HasSubstr("enabled ospfd in /etc/frr/daemons (as it was: /etc/frr/daemons.before-radial)"));
  EXPECT_EQ(radial("fra1", {"init", "--endpoint", "vpn.example.com"}).exit_code, 1);

  const auto berlin = invite("berlin", {"--lan", "192.168.20.0/24"});
  const auto paris = invite("paris", {"--lan", "192.168.30.0/24"});
  ASSERT_FALSE(berlin.empty());
  const auto joined = radial("berlin", {"join", berlin});
  ASSERT_EQ(joined.exit_code, 0) << joined.out << joined.err;
  EXPECT_THAT(joined.out, HasSubstr("enabled ospfd in /etc/frr/daemons (as it was: /etc/frr/daemons.before-radial)"));
  ASSERT_EQ(radial("paris", {"join", paris}).exit_code, 0);
  for (const auto& [place, address] : std::vector<std::pair<std::string, std::string>>{
           {"berlin.lan0", "192.168.1.2"}, {"berlin.lan0", "192.168.30.2"}, {"paris.lan0", "192.168.20.2"}, {"fra1.lan0", "192.168.30.2"}})
    EXPECT_TRUE(reaches_soon(place, address)) << place << " " << address;
  EXPECT_TRUE(wait_until(10s, [] { return state_of("berlin") == "burnt" && state_of("paris") == "burnt"; }));
  // The ephemeral peers are gone: a peer a site, each with a preshared key.
  const auto peers = lab_->sh("fra1", "wg show wg0 preshared-keys");
  EXPECT_EQ(std::count(peers.begin(), peers.end(), '\n'), 2) << peers;
  EXPECT_THAT(peers, Not(HasSubstr("(none)")));
  // Only WireGuard's port is open to the world.
  const auto open = lab_->sh("thief", fmt::format("for p in 51821 80 443 2601 2604 179; do timeout 2 bash -c 'exec 3<>/dev/tcp/{0}/'$p 2>/dev/null && echo $p; done; true",
                                                  (*lab_)->plan().find("fra1")->uplink_v4().to_string()));
  EXPECT_EQ(open, "");
  // What listens elsewhere than on a tunnel address or to the machine itself.
  for (const auto* node : {"fra1", "berlin"})
    EXPECT_EQ(lab_->sh(node, "port=$(wg show wg0 listen-port); ss -Hlntu | awk '{ print $1, $5 }' | grep -vE ' (127\\.|10\\.255\\.|\\[::1\\])' | "
                             "grep -vxE \"udp (0\\.0\\.0\\.0|\\[::\\]):$port\" || true"), "") << node;
}

TEST_F(Enrolment, AReplayedTokenIsRefusedAndChangesNothing) {
  const auto again = radial("berlin", {"join", tokens_.at(0)});
  EXPECT_EQ(again.exit_code, 0) << again.err;  // the same machine: it has joined
  const auto stolen = radial("thief", {"join", tokens_.at(0)});
  EXPECT_EQ(stolen.exit_code, 1);
  EXPECT_THAT(stolen.err, HasSubstr("was used or withdrawn"));
  EXPECT_EQ(file("thief", "/etc/radial/node"), "");
  EXPECT_TRUE(reaches("berlin.lan0", "192.168.30.2"));
}

TEST_F(Enrolment, AlteredForeignAndExpiredTokensAreRefused) {
  auto altered = tokens_.at(1);
  altered[40] = altered[40] == 'A' ? 'B' : 'A';
  const auto first = radial("thief", {"join", altered});
  EXPECT_EQ(first.exit_code, 1);
  EXPECT_THAT(first.err, HasSubstr("damaged or was altered"));

  const auto text = invite("thief", {"--lan", "192.168.66.0/24"});
  auto token = control::parse_token(text);
  ASSERT_TRUE(token);
  token->site = "berlin";  // altered with a right checksum: another site's place
  const auto second = radial("thief", {"join", control::to_text(*token)});
  EXPECT_EQ(second.exit_code, 1);
  EXPECT_THAT(second.err, HasSubstr("altered"));

  auto expired = control::parse_token(text);
  expired->expires = 1000;
  EXPECT_THAT(radial("thief", {"join", control::to_text(*expired)}).err, HasSubstr("expired"));
  EXPECT_EQ(file("thief", "/etc/radial/node"), "");
  EXPECT_EQ(radial("fra1", {"uninvite", "thief"}).exit_code, 0);
  EXPECT_EQ(state_of("thief"), "withdrawn");
  EXPECT_TRUE(reaches("berlin.lan0", "192.168.30.2"));
}

TEST_F(Enrolment, AGuestReachesTheControllerAndNothingElse) {
  const auto text = invite("thief", {});
  const auto token = control::parse_token(text);
  ASSERT_TRUE(token);
  dial_as_guest("thief", *token);
  const auto connects = [&](const std::string& address, int port) {
    return lab_->sh("thief", fmt::format("timeout 3 bash -c 'exec 3<>/dev/tcp/{}/{}' 2>/dev/null && echo yes || echo no", address, port)) == "yes\n";
  };
  // The wire stands: the controller's port answers.
  EXPECT_TRUE(wait_until(20s, [&] { return connects(token->controller.to_string(), 51821); }));
  EXPECT_EQ(lab_->sh("thief", fmt::format("for p in 22 179 2601 2604 2623; do timeout 3 bash -c 'exec 3<>/dev/tcp/{}/'$p 2>/dev/null && echo $p & done; wait",
                                          token->controller)), "");
  // The hub listens there for this moment; a guest must not see it.
  ASSERT_TRUE((*lab_)->start("fra1", {"python3", "-m", "http.server", "8099"}, (*lab_)->folder() / "http.log"));
  EXPECT_TRUE(wait_until(20s, [&] {
    return lab_->sh("berlin", fmt::format("timeout 3 bash -c 'exec 3<>/dev/tcp/{}/8099' 2>/dev/null && echo yes || echo no", token->controller.to_string())) == "yes\n";
  }));
  EXPECT_FALSE(connects(token->controller.to_string(), 8099));
  EXPECT_FALSE(lab_->pings("thief", token->controller.to_string()));
  EXPECT_FALSE(lab_->pings("thief", "192.168.1.2"));  // forwarding
  // Without the token's proof its answer is a refusal.
  const auto answer = lab_->sh("thief", fmt::format("timeout 5 bash -c 'exec 3<>/dev/tcp/{}/51821; printf \"GET /v1/node HTTP/1.0\\r\\n\\r\\n\" >&3; cat <&3'", token->controller.to_string()));
  EXPECT_THAT(answer, HasSubstr("403"));
  hang_up("thief");
  EXPECT_EQ(radial("fra1", {"uninvite", "thief"}).exit_code, 0);
}

// What answers nobody, or has no connection to refuse: counted at the hub, in front of its firewall and behind it.
TEST_F(Enrolment, OfAGuestNothingButTheControllersPortPassesTheHubsFirewall) {
  const auto text = invite("thief", {});
  const auto token = control::parse_token(text);
  ASSERT_TRUE(token);
  dial_as_guest("thief", *token);
  const auto hub = token->controller.to_string();
  lab_->sh("fra1", fmt::format("nft 'add table inet seen; add counter inet seen came_ipv6; add counter inet seen came_udp; "
                               "add counter inet seen past_port; add counter inet seen past_other; "
                               "add chain inet seen came {{ type filter hook prerouting priority -400; }}; "
                               "add chain inet seen in {{ type filter hook input priority 10; }}; add chain inet seen on {{ type filter hook forward priority 10; }}; "
                               "add rule inet seen came iifname wg0 meta nfproto ipv6 counter name came_ipv6; "
                               "add rule inet seen came ip saddr {0} udp dport {{ 51818, 51819 }} counter name came_udp; "
                               "add rule inet seen in ip saddr {0} tcp dport 51821 counter name past_port accept; "
                               "add rule inet seen in ip saddr {0} counter name past_other; add rule inet seen on ip saddr {0} counter name past_other'",
                               token->address));
  const auto counted = [](const char* name, const char* node = "fra1") {
    return std::stoi(lab_->sh(node, fmt::format("nft list counter inet seen {} | grep -o 'packets [0-9]*' | cut -d' ' -f2", name)));
  };
  lab_->sh("thief", "ip -6 addr add fd66::66/64 dev thief0 nodad; wg set thief0 peer $(wg show thief0 peers) allowed-ips 0.0.0.0/0,::/0;"
                    "nft 'add table inet seen; add counter inet seen sent_ipv6; add chain inet seen out { type filter hook output priority 0; }; "
                    "add rule inet seen out oifname thief0 meta nfproto ipv6 counter name sent_ipv6'");
  EXPECT_TRUE(wait_until(20s, [&] {
    lab_->sh("thief", fmt::format("timeout 3 bash -c 'exec 3<>/dev/tcp/{}/51821' 2>/dev/null; true", hub));
    return counted("past_port") > 0;
  }));
  EXPECT_TRUE(wait_until(20s, [&] {
    lab_->sh("thief", fmt::format("bash -c 'echo guest > /dev/udp/{0}/51818; echo guest > /dev/udp/{0}/51819'", hub));
    return counted("came_udp") >= 2;
  }));
  for (const auto& address : {lab_->tunnel_address("berlin"), std::string("192.168.20.2")}) EXPECT_FALSE(lab_->pings("thief", address)) << address;
  EXPECT_EQ(counted("past_other"), 0);
  // Sent, and not even let out of the hub's wire.
  for (const auto* address : {"fd66::1", "ff02::5%thief0", "ff02::1%thief0"})
    lab_->sh("thief", fmt::format("ping -6 -c 1 -W 1 {} >/dev/null 2>&1; true", address));
  EXPECT_GE(counted("sent_ipv6", "thief"), 3);
  EXPECT_EQ(counted("came_ipv6"), 0);
  for (const auto* node : {"fra1", "thief"}) lab_->sh(node, "nft delete table inet seen");
  hang_up("thief");
  EXPECT_EQ(radial("fra1", {"uninvite", "thief"}).exit_code, 0);
}

TEST_F(Enrolment, AJoinThatIsKilledAnywhereCanBeRepeated) {
  const auto text = invite("thief", {});
  // Killed after a moment that grows; the last one is left to finish.
  for (const auto* moment : {"0.02", "0.1", "0.3", "0.6", "1"}) {
    lab_->sh("thief", fmt::format("timeout -s KILL {} {} join {} >/dev/null 2>&1; true", moment, radial_program, text));
  }
  EXPECT_NE(file("thief", "/etc/radial/private.key"), "");  // at least one came that far
  // The controller too.
  lab_->kill_radiald("fra1");
  ASSERT_TRUE(lab_->start_radiald("fra1"));
  const auto done = radial("thief", {"join", text});
  ASSERT_EQ(done.exit_code, 0) << done.out << done.err;
  EXPECT_TRUE(reaches_soon("thief.lan0", "192.168.20.2"));
  EXPECT_TRUE(wait_until(10s, [] { return state_of("thief") == "burnt"; }));
  EXPECT_EQ(lab_->sh("thief", "ip -o link show wg-join 2>/dev/null | wc -l"), "0\n");
}

TEST_F(Enrolment, NodesGoOnWithoutTheController) {
  const auto key = file("berlin", "/etc/radial/private.key");
  lab_->kill_radiald("berlin");
  lab_->kill_radiald("fra1");
  EXPECT_TRUE(reaches("berlin.lan0", "192.168.30.2"));
  // FRR has all that it needs in its own file.
  lab_->sh("berlin", "/usr/lib/frr/frrinit.sh restart >/dev/null 2>&1");
  EXPECT_TRUE(wait_until(60s, [] { return lab_->sh("berlin", "vtysh -c 'show ip ospf neighbor' 2>/dev/null || true").find("Full") != std::string::npos; }));
  EXPECT_TRUE(reaches_soon("berlin.lan0", "192.168.30.2"));
  EXPECT_EQ(lab_->pids("berlin", "radiald"), "");
  // It starts with what it kept.
  ASSERT_TRUE(lab_->start_radiald("berlin"));
  EXPECT_TRUE(reaches_soon("berlin.lan0", "192.168.30.2"));
  EXPECT_EQ(file("berlin", "/etc/radial/private.key"), key);
  ASSERT_TRUE(lab_->start_radiald("fra1"));
  // A change of the fabric reaches the site by itself.
  const auto began = std::time(nullptr);
  lab_->sh("fra1", "sed -i 's|berlin: { lans: \\[192.168.20.0/24\\] }|berlin: { lans: [192.168.20.0/24], keepalive: 7 }|' /etc/radial/fabric.yaml");
  ASSERT_TRUE(wait_until(20s, [&] { return radial("fra1", {"apply"}).exit_code == 0; }));
  EXPECT_TRUE(wait_until(60s, [&] { return lab_->sh("berlin", "wg show wg0 persistent-keepalive").find("\t7") != std::string::npos; }));
  const auto revision = nlohmann::json::parse(radial("fra1", {"revisions", "--json"}).out)["revisions"][0];
  EXPECT_EQ(revision.value("by", ""), "root");
  EXPECT_GE(revision.value("at", std::int64_t{0}), began);
  EXPECT_LE(revision.value("at", std::int64_t{0}), std::time(nullptr));
  EXPECT_THAT(revision.value("diff", ""), HasSubstr("+  berlin: { lans: [192.168.20.0/24], keepalive: 7 }"));
  EXPECT_THAT(radial("fra1", {"revisions"}).out, ContainsRegex("revision [0-9]+  [0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}  root  .*\n.*keepalive: 7"));
  ASSERT_EQ(radial("fra1", {"rollback"}).exit_code, 0);
  EXPECT_TRUE(wait_until(60s, [&] { return lab_->sh("berlin", "wg show wg0 persistent-keepalive").find("\t25") != std::string::npos; }));
}

TEST_F(Enrolment, ARevokedSiteIsCutOffAndMayBeInvitedAgain) {
  ASSERT_TRUE(reaches_soon("thief.lan0", "192.168.20.2"));
  ASSERT_EQ(radial("fra1", {"revoke", "thief"}).exit_code, 0);
  EXPECT_TRUE(wait_until(10s, [] { return !reaches("thief.lan0", "192.168.20.2"); }));
  lab_->kill_radiald("fra1");
  ASSERT_TRUE(lab_->start_radiald("fra1"));
  EXPECT_TRUE(reaches("berlin.lan0", "192.168.30.2"));
  EXPECT_FALSE(wait_until(3s, [] { return reaches("thief.lan0", "192.168.20.2"); }));
  EXPECT_THAT(radial("fra1", {"log"}).out, HasSubstr("revoked thief"));
}

TEST_F(Enrolment, TheApiAnswersAsItIsDescribed) {
  every_route_answers(*lab_, "fra1", true);
  every_route_answers(*lab_, "berlin", false);
}

TEST_F(Enrolment, TheGroupRadialReadsAndOthersGetNothing) { group_radial_reads(*lab_, "fra1"); }

TEST_F(Enrolment, ANodeSeesItsOwnAlone) {
  const auto token = control::parse_token(tokens_.at(0));
  ASSERT_TRUE(token);
  ASSERT_TRUE(reaches_soon("berlin.lan0", "192.168.30.2"));
  a_node_sees_its_own(*lab_, "fra1", token->controller.to_string(), "berlin", "paris");
}

// A site's private key never leaves it: the hub's store does not hold it, nor does a backup.
TEST_F(Enrolment, TheStoreAndABackupHoldNoPrivateKeyOfASite) {
  ASSERT_EQ(radial("fra1", {"backup", "/run/hub.backup"}).exit_code, 0);
  EXPECT_EQ(lab_->sh("fra1", "stat -c %a /run/hub.backup"), "600\n");
  lab_->sh("fra1", "mkdir -m 700 /run/parts && python3 -c 'import base64, json; "
                   "[open(\"/run/parts/\" + name, \"wb\").write(base64.b64decode(part)) for name, part in json.load(open(\"/run/hub.backup\"))[\"files\"].items()]'");
  const auto parts = lab_->sh("fra1", "ls /run/parts");
  std::string kept = file("fra1", "/var/lib/radial/controller.db");
  for (std::size_t at = 0; at < parts.size(); at = parts.find('\n', at) + 1) kept += file("fra1", "/run/parts/" + parts.substr(at, parts.find('\n', at) - at));
  lab_->sh("fra1", "rm -rf /run/parts /run/hub.backup");
  // As text, or as the bytes that a store keeps.
  const auto holds = [&](const std::string& key) {
    const auto secret = Secret::parse(key);
    EXPECT_TRUE(secret);
    return secret && (kept.find(key) != std::string::npos ||
                      kept.find(std::string(secret->bytes().begin(), secret->bytes().end())) != std::string::npos);
  };
  for (const auto* site : {"berlin", "paris", "thief"}) {
    EXPECT_FALSE(holds(file(site, "/etc/radial/private.key").substr(0, 44))) << site;
    const auto ring = nlohmann::json::parse(file(site, "/etc/radial/secrets.json"));
    EXPECT_EQ(holds(ring["node_secret"]), site != std::string_view("thief")) << site;  // it would be found; a revoked site's is forgotten
  }
  EXPECT_TRUE(holds(file("fra1", "/etc/radial/private.key").substr(0, 44)));  // the hub's own, in its backup
}

// Last: everything that was printed, logged or shown while the tests ran.
TEST_F(Enrolment, NoSecretIsTold) {
  std::vector<std::string> secrets;
  for (const auto& text : tokens_) {
    auto token = control::parse_token(text);
    ASSERT_TRUE(token);
    secrets.push_back(text.substr(8, 40));
    secrets.push_back(token->ephemeral.reveal_base64());
    secrets.push_back(token->preshared.reveal_base64());
  }
  std::string told = printed_;
  for (const auto* node : {"fra1", "berlin", "paris", "thief"}) {
    auto key = file(node, "/etc/radial/private.key");
    ASSERT_GE(key.size(), 44U) << node;
    secrets.push_back(key.substr(0, 44));
    const auto keys = lab_->sh(node, "wg show all preshared-keys 2>/dev/null | awk '{print $3}'");
    for (std::size_t at = 0; at + 44 <= keys.size(); at = keys.find('\n', at) + 1)
      if (keys[at] != '(') secrets.push_back(keys.substr(at, 44));
    const auto ring = nlohmann::json::parse(file(node, "/etc/radial/secrets.json"), nullptr, false);
    if (ring.is_object() && ring.contains("node_secret")) secrets.push_back(ring["node_secret"]);
    told += lab_->sh(node, "ps axww -o args; cat /var/lib/radial/radiald.log 2>/dev/null; cat /proc/*/environ 2>/dev/null | tr '\\0' '\\n'");
    told += lab_->sh(node, "cat /var/lib/radial/assigned*.json /var/lib/radial/node-config.json /var/lib/radial/owned.json /etc/radial/fabric.yaml "
                           "/etc/radial/facts.json 2>/dev/null; true");
    if (const auto log = read_file((*lab_)->log_of(node))) told += *log;
    told += radial(node, {"status", "--json"}).out + radial(node, {"status"}).out;
    EXPECT_EQ(lab_->sh(node, "find /etc/radial/private.key /etc/radial/secrets.json /var/lib/radial/controller.db ! -perm 600 2>/dev/null; true"), "") << node;
  }
  for (const auto* what : {"log", "revisions", "invitations"}) told += radial("fra1", {what, "--json"}).out;
  EXPECT_GT(secrets.size(), 15U);
  EXPECT_GT(told.size(), 5000U);
  for (const auto& secret : secrets) EXPECT_EQ(told.find(secret), std::string::npos) << "a secret is told";
}

}  // namespace
}  // namespace radial::test
