// radial-wire where people put WireGuard: as the way out for everything, behind
// a NAT that forgets, and inside another tunnel; and for a minute of rekeying,
// roaming and reconfiguration, after which it must be no larger than before.
#include <array>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <thread>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "net/wire_steps.h"

namespace radial::test {
namespace {

class WireWalk : public testing::Test {
 protected:
  WirePair pair_{radial_wire(), radial_wire()};
  WireNode& a_ = pair_.a;
  WireNode& b_ = pair_.b;
};

//   n1 -- everything by wg1, except what wg1 itself sends (its mark) -- n2: 198.51.100.2, and 192.0.2.1 behind it
TEST_F(WireWalk, EverythingGoesThroughTheTunnelButTheTunnelItself) {
  b_.sh("ip addr add 198.51.100.2/32 dev eth; ip addr add 192.0.2.1/32 dev lo");
  a_.sh("for f in /proc/sys/net/ipv4/conf/*/rp_filter; do echo 0 > $f; done");
  a_.sh("ip route add default via " + b_.outer());
  a_.set("fwmark 51820 peer " + b_.public_key() + " endpoint 198.51.100.2:" + std::to_string(b_.port()) +
         " allowed-ips 0.0.0.0/0,::/0");
  a_.sh("ip route add default dev wg1 table 51820; ip rule add not fwmark 51820 table 51820; "
        "ip rule add table main suppress_prefixlength 0 pref 100");
  EXPECT_TRUE(reaches(a_, "192.0.2.1"));
  EXPECT_THAT(b_.sh("wg show wg2 endpoints"), testing::HasSubstr(a_.endpoint()));
  // Without the mark its own messages would be sent into it.
  a_.set("fwmark 0");
  EXPECT_FALSE(a_.pings("192.0.2.1"));
  a_.set("fwmark 51820");
  EXPECT_TRUE(reaches(a_, "192.0.2.1"));
}

// Processor time of a process, in ticks of 10 ms.
long ticks(pid_t pid) {
  std::ifstream stat("/proc/" + std::to_string(pid) + "/stat");
  std::string text((std::istreambuf_iterator<char>(stat)), {});
  std::istringstream fields(text.substr(text.rfind(')') + 1));
  std::string skipped;
  for (int field = 3; field < 14; ++field) fields >> skipped;
  long user = 0, system = 0;
  fields >> user >> system;
  return user + system;
}

// Somebody's route sends its own messages into it: each would come back 60 bytes
// larger, then in fragments, for ever.
TEST_F(WireWalk, ARouteOfItsPeerIntoItselfMakesNoStorm) {
  for (const int family : {4, 6}) {
    a_.set("peer " + b_.public_key() + " endpoint " + (family == 4 ? b_.outer() : "[" + b_.outer(6) + "]") + ":" + std::to_string(b_.port()));
    ASSERT_TRUE(reaches(a_, b_.inner()));
    a_.set("peer " + b_.public_key() + " allowed-ips 0.0.0.0/0,::/0");
    a_.sh(family == 4 ? "ip route add " + b_.outer() + "/32 dev wg1" : "ip -6 route add " + b_.outer(6) + "/128 dev wg1");
    const auto before = ticks(a_.pid());
    for (const int size : {56, 1300, 1372}) EXPECT_FALSE(a_.pings(b_.inner(), size)) << size;
    a_.sh("sleep 1");  // a storm goes on by itself
    EXPECT_LT(ticks(a_.pid()) - before, 100) << "of some 400";
    a_.sh(family == 4 ? "ip route del " + b_.outer() + "/32 dev wg1" : "ip -6 route del " + b_.outer(6) + "/128 dev wg1");
    EXPECT_TRUE(reaches(a_, b_.inner()));
  }
}

// Who was asked answers: from the address that the peer's messages came to, while there is one.
TEST_F(WireWalk, AnswersComeFromTheAddressThatWasAsked) {
  b_.sh("ip addr add 10.9.0.99/24 dev eth; ip addr add fd09::99/64 dev eth nodad preferred_lft 0");
  const auto seen = [&] { return a_.sh("wg show wg1 endpoints"); };
  for (const std::string asked : {"10.9.0.99", "[fd09::99]"}) {
    a_.set("peer " + b_.public_key() + " endpoint " + asked + ":" + std::to_string(b_.port()));
    ASSERT_TRUE(reaches(a_, b_.inner()));
    for (const int size : {56, 1300}) EXPECT_TRUE(b_.pings(a_.inner(), size));  // what it sends by itself, too
    EXPECT_THAT(seen(), testing::HasSubstr(asked)) << "a follows its peer to wherever it sends from";
  }
  // An address that is gone is let go of.
  b_.sh("ip addr del fd09::99/64 dev eth");
  EXPECT_TRUE(reaches(b_, a_.inner()));
  EXPECT_THAT(seen(), testing::HasSubstr("[" + b_.outer(6) + "]"));
}

//   n1: eth 10.9.0.1, alt 10.8.0.1 -- n2: the same with .2
// A route that moves to another link takes the tunnel along, though it began with the address of the first.
TEST_F(WireWalk, ARouteThatMovesToAnotherLinkIsFollowed) {
  pair_.around.sh("ip -n n1 link add alt type veth peer name alt netns n2");
  for (const auto* node : {&a_, &b_}) {
    const std::string last = node == &a_ ? "1" : "2";
    node->sh("for f in /proc/sys/net/ipv4/conf/*/rp_filter; do echo 0 > $f; done; echo 1 > /proc/sys/net/ipv4/ip_forward; "
             "ip addr add 10.8.0." + last + "/24 dev alt; ip link set alt up; ip addr add 10.99.0." + last + "/32 dev lo");
  }
  a_.sh("ip route add 10.99.0.2/32 via " + b_.outer());
  a_.set("peer " + b_.public_key() + " endpoint 10.99.0.2:" + std::to_string(b_.port()));
  ASSERT_TRUE(reaches(a_, b_.inner()));
  EXPECT_THAT(b_.sh("wg show wg2 endpoints"), testing::HasSubstr(a_.outer() + ":"));
  a_.sh("ip route replace 10.99.0.2/32 via 10.8.0.2; ip link set eth down");
  EXPECT_TRUE(reaches(a_, b_.inner()));
  EXPECT_THAT(b_.sh("wg show wg2 endpoints"), testing::HasSubstr("10.8.0.1:"));
  EXPECT_THAT(a_.sh("wg show wg1 endpoints"), testing::HasSubstr("10.99.0.2:")) << "it was asked there, and answers from there";
}

// A route inside may have an MTU of its own: TCP keeps to it, and what may not be cut is told so.
TEST_F(WireWalk, ARouteInsideMayBeNarrower) {
  a_.sh("ip route replace " + b_.inner() + "/32 dev wg1 mtu 1300");
  EXPECT_TRUE(reaches(a_, b_.inner()));
  const auto whole = [&](int size) { return a_.sh(fmt::format("ping -c 1 -W 1 -M do -s {} {} || true", size, b_.inner())); };
  EXPECT_THAT(whole(1273), testing::HasSubstr("+1 errors"));  // 1301 bytes
  EXPECT_THAT(whole(1272), testing::HasSubstr(" 1 received"));
  check_tcp(a_, b_, 4, 3'000'000, 7);
}

// Keys that no session can come of are refused or ignored, and nothing else suffers.
TEST_F(WireWalk, KeysThatAreNobodys) {
  const std::string zero(43, 'A');
  a_.set("peer " + zero + "= endpoint " + b_.endpoint() + " allowed-ips 10.0.0.77/32");          // a point of low order
  a_.set("peer " + a_.public_key() + " endpoint " + a_.endpoint() + " allowed-ips 10.0.0.78/32");  // its own
  EXPECT_THAT(a_.sh("wg show wg1 peers"), testing::Not(testing::HasSubstr(a_.public_key())));
  EXPECT_FALSE(a_.pings("10.0.0.77"));
  EXPECT_FALSE(a_.pings("10.0.0.78"));
  EXPECT_TRUE(reaches(a_, b_.inner()));
  EXPECT_TRUE(a_.running());
}

//   n1 [NAT: 51821 -> 20000, then 30000; forgets after 2 s] -- n2
TEST_F(WireWalk, BehindANatThatForgets) {
  const auto translate = [&](const std::string& port) {
    a_.sh("nft delete table ip nat 2>/dev/null || true; nft -f - <<E\n"
          "table ip nat {\n"
          "  chain out { type nat hook postrouting priority 100; oif eth udp sport 51821 masquerade to :" + port + "; }\n"
          "  chain in { type filter hook input priority 0; iif eth ct state new udp dport { 51821, 20000, 30000 } drop; }\n"
          "}\nE");
  };
  translate("20000");
  a_.sh("echo 2 > /proc/sys/net/netfilter/nf_conntrack_udp_timeout; "
        "echo 2 > /proc/sys/net/netfilter/nf_conntrack_udp_timeout_stream");
  ASSERT_TRUE(reaches(a_, b_.inner()));
  EXPECT_THAT(b_.sh("wg show wg2 endpoints"), testing::HasSubstr(a_.outer() + ":20000"));

  // Its keepalives hold the way in open...
  a_.set("peer " + b_.public_key() + " persistent-keepalive 1");
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(5);
  ASSERT_TRUE(eventually([&] { return std::chrono::steady_clock::now() > until; }, std::chrono::seconds(10)));
  EXPECT_TRUE(reaches(b_, a_.inner()));
  // ...without which it closes: nothing but time can show that.
  a_.set("peer " + b_.public_key() + " persistent-keepalive 0");
  a_.sh("sleep 4");
  EXPECT_FALSE(b_.pings(a_.inner()));

  // And what comes out of it elsewhere is followed.
  translate("30000");
  ASSERT_TRUE(reaches(a_, b_.inner()));
  EXPECT_THAT(b_.sh("wg show wg2 endpoints"), testing::HasSubstr(a_.outer() + ":30000"));
}

//   n1: in1 (10.7.0.1) inside wg1 -- n2: in2 (10.7.0.2) inside wg2
TEST_F(WireWalk, ATunnelInsideATunnel) {
  std::array<std::string, 3> keys, publics;
  for (const int i : {1, 2}) {
    auto& key = keys[static_cast<std::size_t>(i)];
    key = pair_.around.sh("wg genkey | tr -d '\\n'");
    publics[static_cast<std::size_t>(i)] = pair_.around.sh("echo " + key + " | wg pubkey | tr -d '\\n'");
  }
  for (const int i : {1, 2}) {
    const auto& node = i == 1 ? a_ : b_;
    const auto& other = i == 1 ? b_ : a_;
    const auto wire = "in" + std::to_string(i), peer = std::to_string(3 - i);
    node.sh(radial_wire().path + " " + wire + " >/dev/null 2>&1; echo " + keys[static_cast<std::size_t>(i)] + " | wg set " + wire +
            " private-key /dev/stdin listen-port 6000 peer " + publics[static_cast<std::size_t>(3 - i)] + " allowed-ips 10.7.0." +
            peer + "/32 endpoint " + other.inner() + ":6000; ip addr add 10.7.0." + std::to_string(i) + "/24 dev " + wire +
            "; ip link set " + wire + " mtu 1340 up");
  }
  EXPECT_TRUE(reaches(a_, "10.7.0.2"));
  for (const int size : {0, 1, 1311, 1312}) EXPECT_TRUE(a_.pings("10.7.0.2", size)) << size;  // 1312 + 28 is the MTU
  EXPECT_TRUE(reaches(b_, "10.7.0.1"));
  a_.sh("ip link del in1");  // ends its program
  b_.sh("ip link del in2");
}

//   n2 ... n13, each pinging the next through n1, 120 at once: more than the
//   queue of n1's device holds, which the kernel fills while it is being written to.
TEST(WireHub, ForwardsTheBurstsOfManySitesWhole) {
  constexpr int sites = 12, burst = 120;  // which the socket of ping(8) holds
  const PrivateNamespace around;
  around.sh("ip link add br0 type bridge; ip link set br0 up");
  std::vector<std::unique_ptr<WireNode>> nodes;
  for (int number = 1; number <= sites + 1; ++number) {
    auto& node = *nodes.emplace_back(std::make_unique<WireNode>(around, number, radial_wire()));
    node.start();
    node.up();
  }
  auto& hub = *nodes.front();
  hub.sh("echo 1 > /proc/sys/net/ipv4/ip_forward");
  for (std::size_t i = 1; i < nodes.size(); ++i) {
    hub.add_peer(*nodes[i]);
    nodes[i]->set("peer " + hub.public_key() + " endpoint " + hub.endpoint() + " allowed-ips 10.0.0.0/24");
    ASSERT_TRUE(reaches(*nodes[i], hub.inner()));
  }
  std::vector<std::thread> pings;
  std::vector<std::string> said(nodes.size());
  for (std::size_t i = 1; i < nodes.size(); ++i)
    pings.emplace_back([&, i] {
      const auto& to = *nodes[i + 1 < nodes.size() ? i + 1 : 1];
      said[i] = nodes[i]->sh(fmt::format("ping -q -c {0} -l {0} -W 10 {1} || true", burst, to.inner()));
    });
  for (auto& ping : pings) ping.join();
  for (std::size_t i = 1; i < nodes.size(); ++i)
    EXPECT_THAT(said[i], testing::HasSubstr(fmt::format("{} received", burst))) << "of node " << i + 1;
  if (HasFailure()) std::printf("%s", hub.sh("ip -s link show wg1").c_str());
}

long resident_kb(pid_t pid) {
  std::ifstream status("/proc/" + std::to_string(pid) + "/status");
  for (std::string line; std::getline(status, line);)
    if (line.starts_with("VmRSS:")) return std::stol(line.substr(6));
  return 0;
}

std::ptrdiff_t descriptors(pid_t pid) {
  std::error_code gone;
  return std::distance(std::filesystem::directory_iterator("/proc/" + std::to_string(pid) + "/fd", gone), {});
}

// RADIAL_SOAK_S: how long; a minute by default. New keys every second, so that
// a minute sees the sessions of two hours.
TEST(WireSoak, NothingGrows) {
  constexpr std::size_t tenths = 10, warm = 3;
  const char* const wanted = std::getenv("RADIAL_SOAK_S");
  const auto limit = std::chrono::seconds(wanted != nullptr ? std::atoi(wanted) : 60);
  WirePair pair(radial_wire_short("RADIAL_TEST_REKEY_MS=1000"), radial_wire_short("RADIAL_TEST_REKEY_MS=1000"));
  ASSERT_TRUE(reaches(pair.a, pair.b.inner()));
  const auto guest = pair.around.sh("wg genkey | wg pubkey | tr -d '\\n'");
  const auto began = std::chrono::steady_clock::now();
  std::vector<long> curve;  // kB, at each tenth of the time
  std::ptrdiff_t open = 0;
  int rounds = 0;
  unsigned seed = 1;
  for (; curve.size() < tenths; ++rounds) {
    check_tcp(pair.a, pair.b, rounds % 2 == 0 ? 4 : 6, 20'000'000, seed++);
    check_tcp(pair.b, pair.a, rounds % 2 == 0 ? 6 : 4, 5'000'000, seed++);
    EXPECT_THAT(lost_udp_echoes(pair.a, pair.b, 4, 60, 92, 16), testing::IsEmpty());
    // A guest with many prefixes comes and goes, and node 1 moves.
    pair.b.sh("wg set wg2 peer " + guest + " allowed-ips $(seq -s, -f 10.77.%g.0/24 0 255); wg set wg2 peer " + guest + " remove");
    pair.a.set("listen-port " + std::to_string(4000 + rounds % 60000));
    ASSERT_TRUE(reaches(pair.a, pair.b.inner()));
    if (std::chrono::steady_clock::now() < began + limit * (curve.size() + 1) / tenths) continue;
    curve.push_back(resident_kb(pair.b.pid()));
    if (curve.size() == warm) open = descriptors(pair.b.pid());
  }
  std::printf("  %d rounds in %lld s; kB at each tenth: %s; %td and %td descriptors\n", rounds,
              static_cast<long long>(std::chrono::duration_cast<std::chrono::seconds>(std::chrono::steady_clock::now() - began).count()),
              fmt::format("{}", fmt::join(curve, " ")).c_str(), open, descriptors(pair.b.pid()));
  EXPECT_LE(curve.back(), curve[warm - 1] + 2048);
  EXPECT_EQ(descriptors(pair.b.pid()), open);
}

}  // namespace
}  // namespace radial::test
