// Joins that are broken off, raced, refused or that find the hub elsewhere.
//
//   fra1.lan0 --- fra1 (hub, controller of acme) ---+
//   ams1.lan0 --- ams1 (hub, controller of other) --+
//                                                   |
//   berlin.lan0 --- berlin --------------------- internet
//   paris.lan0 --- paris ---------------------------+
//   rome.lan0 --- rome -----------------------------+
//
// The machines are bare, as in enrol_test.cpp. One lab serves all tests, which
// run in the file's order; each leaves berlin alone in acme, and nobody in other.
#include <future>

#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

#include "control/token.h"
#include "support/bare_machines.h"

namespace radial::test {
namespace {

using testing::AllOf;
using testing::AnyOf;
using testing::HasSubstr;
using testing::Not;

constexpr const char* machines = R"(
fabric: acme
hubs:
  fra1: { endpoint: vpn.example.com:51820, lans: [192.168.1.0/24] }
  ams1: { endpoint: vpn2.example.com:51820, lans: [192.168.2.0/24] }
sites:
  berlin: { lans: [192.168.20.0/24] }
  paris:  { lans: [192.168.30.0/24] }
  rome:   { lans: [192.168.40.0/24] }
)";

constexpr const char* no_answer = "does not answer: the token was used or withdrawn, or UDP does not reach the hub. Nothing was changed.";

class Joins : public BareMachines {
 protected:
  static void SetUpTestSuite() { make("joins", machines); }

  // The first address that ams1 declares is nobody's.
  static void begin_other() {
    if (!file("ams1", "/etc/radial/node").empty()) return;
    const auto init = radial("ams1", {"init", "--name", "ams1", "--fabric", "other", "--endpoint", "203.0.113.77", "--endpoint", "vpn2.example.com",
                                      "--lan", "192.168.2.0/24"});
    ASSERT_EQ(init.exit_code, 0) << init.err;
  }

  static const char* lan_of(std::string_view site) {
    return site == "berlin" ? "192.168.20.0/24" : site == "paris" ? "192.168.30.0/24" : "192.168.40.0/24";
  }
  // A token for a site; it may have been in that fabric before.
  static std::string invite(const std::string& hub, const std::string& site) {
    auto result = radial(hub, {"invite", site, "--lan", lan_of(site)});
    if (result.exit_code != 0) result = radial(hub, {"invite", site});
    EXPECT_EQ(result.exit_code, 0) << result.err;
    return token_in(result.out);
  }
  static std::string state_of(const std::string& site) {
    const auto json = nlohmann::json::parse(radial("fra1", {"invitations", "--json"}).out, nullptr, false);
    if (json.is_object())
      for (const auto& one : json["invitations"])
        if (one["site"] == site) return one["state"];
    return "none";
  }
  static std::future<ProcessResult> join_beside(const std::string& node, const std::string& token) {
    return std::async(std::launch::async, [=] { return radial(node, {"join", token}); });
  }

  // A link that dies at one point of a join, on a machine of whatever speed: the internet drops what matches once so
  // many bytes of it went. Ends with table dies there.
  static void dies_after(int bytes, const std::string& match) {
    lab_->sh("internet", fmt::format("nft 'add table inet dies; add chain inet dies forward {{ type filter hook forward priority -10; }}; "
                                     "add rule inet dies forward {} quota over {} bytes drop'", match, bytes));
  }

  // The machine as it was before it joined, its place in the fabric of `hub` free.
  static void leave(const std::string& hub, const std::string& site) {
    static_cast<void>(radial(site, {"down"}));
    lab_->kill_radiald(site);
    lab_->sh(site, "rm -rf /var/lib/radial/* /etc/radial/* /run/radial/*");
    const auto revoked = radial(hub, {"revoke", site});
    EXPECT_EQ(revoked.exit_code, 0) << revoked.err;
  }

  // All that a join may change in a machine: files, interfaces, FRR's configuration.
  static std::string traces(const std::string& node) {
    return lab_->sh(node, "find /etc/radial /var/lib/radial -type f ! -name radiald.log -exec sha256sum {} + | sort; ip -br address; vtysh -c 'show running-config'");
  }
  static void expect_no_fabric(const std::string& node) {
    EXPECT_EQ(lab_->sh(node, "cd / && ls etc/radial/node etc/radial/secrets.json etc/radial/controller.json var/lib/radial/assigned.json 2>/dev/null; "
                             "ip -o link | grep -o 'wg[0-9a-z-]*' || true"), "") << node;
    EXPECT_EQ(lab_->pids(node, "radiald"), "") << node;
  }

  // A join that was broken off and is repeated with its token ends well.
  static void expect_repeated(const std::string& site, const std::string& token, const std::string& when) {
    const auto again = radial(site, {"join", token});
    ASSERT_EQ(again.exit_code, 0) << when << ": " << again.out << again.err;
    EXPECT_TRUE(reaches_soon(site + ".lan0", "192.168.1.2")) << when;
    EXPECT_TRUE(wait_until(10s, [&] { return state_of(site) == "burnt"; })) << when << ": " << state_of(site);
  }
};

// The first machines begin with an umask that hides nothing.
TEST_F(Joins, WhatIsMadeUnderAnyUmaskIsNotReadByOthers) {
  ASSERT_TRUE(lab_->ready());
  for (const auto* node : {"fra1", "berlin"}) lab_->sh(node, "chmod 755 /etc/radial /var/lib/radial /run/radial /run/wireguard");  // the files alone
  lab_->sh("fra1", "umask 000; " + radial_program + " init --name fra1 --fabric acme --endpoint vpn.example.com --lan 192.168.1.0/24");
  lab_->sh("berlin", "umask 000; " + radial_program + " join " + invite("fra1", "berlin"));
  ASSERT_TRUE(reaches_soon("berlin.lan0", "192.168.1.2"));
  EXPECT_TRUE(wait_until(10s, [] { return state_of("berlin") == "burnt"; }));
  lab_->sh("fra1", "umask 000; " + radial_program + " backup /run/hub.backup");
  for (const auto* node : {"fra1", "berlin"}) {
    EXPECT_EQ(lab_->sh(node, "grep Umask /proc/$(pidof radiald)/status"), "Umask:\t0000\n") << node;
    const auto nobody = [&](const std::string& tests) {
      return lab_->sh(node, "setpriv --reuid 65534 --regid 65534 --clear-groups find /etc/radial /var/lib/radial /run/radial /run/wireguard "
                            "$(ls -d /run/hub.backup 2>/dev/null) /etc/frr/daemons " + tests + " | sort");
    };
    EXPECT_EQ(nobody("-writable"), "") << node;
    // Names and addresses, no secret.
    EXPECT_EQ(nobody("! -type d -readable"), node == std::string_view("fra1") ? "/etc/radial/fabric.yaml\n/etc/radial/facts.json\n/etc/radial/node\n"
                                                                              : "/etc/radial/controller.json\n/etc/radial/controller.json.copy\n/etc/radial/node\n") << node;
  }
}

TEST_F(Joins, AnInvitationLastsADayUnlessSaidOtherwise) {
  ASSERT_FALSE(invite("fra1", "paris").empty());
  ASSERT_EQ(radial("fra1", {"invite", "rome", "--lan", lan_of("rome"), "--expires", "30m"}).exit_code, 0);
  const auto lasts = [](const std::string& site) -> std::int64_t {
    const auto json = nlohmann::json::parse(radial("fra1", {"invitations", "--json"}).out);
    for (const auto& one : json["invitations"])
      if (one["site"] == site) return one["expires"].get<std::int64_t>() - one["created"].get<std::int64_t>();
    return 0;
  };
  EXPECT_EQ(lasts("paris"), 24 * 3600);
  EXPECT_EQ(lasts("rome"), 30 * 60);
  for (const auto* site : {"paris", "rome"}) EXPECT_EQ(radial("fra1", {"uninvite", site}).exit_code, 0);
}

TEST_F(Joins, ATokenIsRefusedWhenItIsWithdrawnOrOfAnotherFabric) {
  begin_other();
  const auto withdrawn = invite("fra1", "paris");
  EXPECT_EQ(radial("fra1", {"uninvite", "paris"}).exit_code, 0);
  const auto foreign = invite("ams1", "rome");
  // The token of other, taken to acme's hub.
  auto parsed = control::parse_token(foreign);
  const auto of_acme = control::parse_token(withdrawn);
  ASSERT_TRUE(parsed && of_acme);
  parsed->hub_key = of_acme->hub_key;
  parsed->endpoints = of_acme->endpoints;

  const auto before = traces("berlin");
  auto by_withdrawn = join_beside("paris", withdrawn);
  auto by_foreign = join_beside("rome", control::to_text(*parsed));
  // A node of acme does not go over to other.
  const auto member = radial("berlin", {"join", foreign});
  EXPECT_EQ(member.exit_code, 1);
  EXPECT_THAT(member.err, HasSubstr("this machine is the node berlin already; nothing was changed"));
  EXPECT_EQ(traces("berlin"), before);
  for (auto* joining : {&by_withdrawn, &by_foreign}) {
    const auto refused = joining->get();
    EXPECT_EQ(refused.exit_code, 1);
    EXPECT_THAT(refused.err, AllOf(HasSubstr(no_answer), HasSubstr("Tried:")));
  }
  for (const auto* site : {"paris", "rome"}) expect_no_fabric(site);
  EXPECT_EQ(state_of("paris"), "withdrawn");
  EXPECT_TRUE(reaches("berlin.lan0", "192.168.1.2"));
  EXPECT_EQ(radial("ams1", {"uninvite", "rome"}).exit_code, 0);
}

// The token is taken once, whoever comes first.
TEST_F(Joins, OfTwoMachinesWithOneTokenOneJoins) {
  const auto token = token_in(radial("fra1", {"invite", "twin"}).out);
  ASSERT_FALSE(token.empty());
  auto by_paris = join_beside("paris", token);
  auto by_rome = join_beside("rome", token);
  const auto paris = by_paris.get(), rome = by_rome.get();
  ASSERT_EQ(paris.exit_code + rome.exit_code, 1) << paris.out << paris.err << rome.out << rome.err;
  const std::string winner = paris.exit_code == 0 ? "paris" : "rome";
  const std::string loser = paris.exit_code == 0 ? "rome" : "paris";
  EXPECT_THAT((paris.exit_code == 0 ? rome : paris).err, AnyOf(HasSubstr("this token is in use by another machine: if that is not yours, withdraw it: radial uninvite twin"),
                                                               HasSubstr(no_answer)));
  std::printf("%s has joined, %s: %s", winner.c_str(), loser.c_str(), (paris.exit_code == 0 ? rome : paris).err.c_str());
  expect_no_fabric(loser);
  EXPECT_TRUE(reaches_soon(winner, "192.168.1.2"));
  EXPECT_TRUE(wait_until(10s, [] { return state_of("twin") == "burnt"; }));
  EXPECT_TRUE(wait_until(10s, [] { return lab_->sh("fra1", "wg show wg0 peers | wc -l") == "2\n"; }));  // berlin and the winner
  static_cast<void>(radial(winner, {"down"}));
  for (const auto& site : {winner, loser}) {
    lab_->kill_radiald(site);
    lab_->sh(site, "rm -rf /var/lib/radial/* /etc/radial/* /run/radial/*");
  }
  EXPECT_EQ(radial("fra1", {"revoke", "twin"}).exit_code, 0);
}

TEST_F(Joins, AControllerThatDiesWhileAMachineJoins) {
  for (const auto moment : {0ms, 10ms, 20ms, 40ms, 80ms}) {
    const auto when = fmt::format("killed after {} ms", moment.count());
    const auto token = invite("fra1", "paris");
    const bool asked = moment == 0ms;  // the first time in the middle of its question, surely
    if (asked) lab_->sh("fra1", "pkill -STOP -x radiald");
    auto joining = join_beside("paris", token);
    if (asked) {
      const auto question = fmt::format("ss -Htn sport = :51821 dst {}", control::parse_token(token).value().address);
      EXPECT_TRUE(wait_until(10s, [&] { return !lab_->sh("fra1", question).empty(); }));
    }
    std::this_thread::sleep_for(moment);  // the moment is the test's input
    lab_->kill_radiald("fra1");
    const auto first = joining.get();
    std::printf("%s: exit %d\n", when.c_str(), first.exit_code);
    EXPECT_TRUE(!asked || first.exit_code == 1);
    if (first.exit_code != 0) {
      EXPECT_THAT(first.err, HasSubstr(no_answer)) << when;
      expect_no_fabric("paris");
    }
    ASSERT_TRUE(lab_->start_radiald("fra1"));
    expect_repeated("paris", token, when);
    leave("fra1", "paris");
  }
}

// berlin's link dies when its first packet has passed, paris' when it has asked and before it hears, and both stay
// dead until the machines give up; rome's comes back before.
TEST_F(Joins, ALinkThatIsCutWhileAMachineJoins) {
  const std::vector<std::string> sites{"berlin", "paris", "rome"};
  leave("fra1", "berlin");
  std::vector<std::string> tokens;
  for (const auto& site : sites) tokens.push_back(invite("fra1", site));
  const auto of = [](const char* site) { return (*lab_)->plan().find(site)->uplink_v4().to_string(); };
  dies_after(200, "ip saddr " + of("berlin"));
  dies_after(300, "ip daddr " + of("paris"));
  ASSERT_TRUE((*lab_)->cut("rome"));
  std::vector<std::future<ProcessResult>> joining;
  for (std::size_t i = 0; i < sites.size(); ++i) joining.push_back(join_beside(sites[i], tokens[i]));
  // A token does not stand in the process list while its machine waits.
  for (std::size_t i = 0; i < sites.size(); ++i) {
    EXPECT_TRUE(wait_until(5s, [&] { return lab_->sh(sites[i], "ps axww -o args").find("radial join xxxx") != std::string::npos; })) << sites[i];
    EXPECT_THAT(lab_->sh(sites[i], "ps axww -o args"), Not(HasSubstr(tokens[i].substr(8)))) << sites[i];
  }
  EXPECT_TRUE(wait_until(5s, [] { return state_of("paris") == "claimed"; }));
  EXPECT_EQ(state_of("berlin"), "open");
  ASSERT_TRUE((*lab_)->heal("rome"));
  for (const auto i : {0U, 1U}) {
    const auto first = joining[i].get();
    EXPECT_EQ(first.exit_code, 1) << sites[i];
    EXPECT_THAT(first.err, HasSubstr(no_answer)) << sites[i];
    expect_no_fabric(sites[i]);
  }
  EXPECT_EQ(joining[2].get().exit_code, 0);
  lab_->sh("internet", "nft delete table inet dies");
  for (std::size_t i = 0; i < sites.size(); ++i) expect_repeated(sites[i], tokens[i], sites[i]);
  for (const auto* site : {"paris", "rome"}) leave("fra1", site);
}

// Another address from the provider, in the middle of a session.
TEST_F(Joins, ASiteWhoseOwnAddressChangesComesBackWithinSeconds) {
  ASSERT_TRUE(reaches("berlin.lan0", "192.168.1.2"));
  const auto* berlin = (*lab_)->plan().find("berlin");
  const auto before = berlin->uplink_v4().to_string();
  lab_->sh("internet", fmt::format("ip addr add 198.19.250.1/30 dev {}", berlin->link));
  lab_->sh("berlin", fmt::format("ip addr add 198.19.250.2/30 dev uplink && ip route replace default via 198.19.250.1 && ip addr del {}/30 dev uplink", before));
  EXPECT_THAT(lab_->sh("berlin", "ip -4 -br addr show uplink"), AllOf(HasSubstr("198.19.250.2"), Not(HasSubstr(before))));
  const auto took = wait_until(20s, [&] { return reaches("fra1.lan0", "192.168.20.2"); });
  ASSERT_TRUE(took);
  std::printf("a site's new address is followed after %d ms\n", static_cast<int>(took->count()));
  EXPECT_LE(took->count(), 5000);
  EXPECT_TRUE(reaches("berlin.lan0", "192.168.1.2"));
  EXPECT_THAT(lab_->sh("fra1", "wg show wg0 endpoints"), HasSubstr("\t198.19.250.2:"));
}

TEST_F(Joins, AHubOfWhichOneEndpointIsDeadIsJoinedAtTheOther) {
  ASSERT_TRUE(lab_->ready());
  begin_other();
  lab_->sh("internet", "ip route add blackhole 203.0.113.77");
  const auto joined = radial("rome", {"join", invite("ams1", "rome")});
  ASSERT_EQ(joined.exit_code, 0) << joined.out << joined.err;
  const auto second = (*lab_)->plan().find("ams1")->uplink_v4().to_string() + ":51820";
  EXPECT_THAT(joined.out, AllOf(HasSubstr("dialling ams1 at 203.0.113.77:51820"), HasSubstr("dialling ams1 at " + second)));
  // radiald begins with the one that answered.
  const auto took = wait_until(40s, [] { return reaches("rome.lan0", "192.168.2.2"); });
  ASSERT_TRUE(took);
  EXPECT_LE(took->count(), 5000) << lab_->sh("rome", "cat /var/lib/radial/radiald.log");
  std::printf("the second endpoint carries after %d ms\n", static_cast<int>(took->count()));
  EXPECT_THAT(lab_->sh("rome", "wg show wg0 endpoints"), HasSubstr("\t" + second));
}

}  // namespace
}  // namespace radial::test
