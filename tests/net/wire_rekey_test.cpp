// What takes minutes with the protocol's constants, with radial-wire's own
// shortened: new keys by time and by count, and a handshake under load. The
// other end has its usual constants.
#include <cstdlib>
#include <set>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "net/wire_steps.h"

namespace radial::test {
namespace {

// Seconds since the epoch, as `node` saw the last handshake with `peer`; 0: none.
long long handshake(const WireNode& node, const WireNode& peer) {
  const auto text = node.sh("wg show " + node.wire() + " latest-handshakes");
  const auto at = text.find(peer.public_key());
  return at == std::string::npos ? 0 : std::stoll(text.substr(at + peer.public_key().size()));
}

// Echoes that were lost of `count`, sent without waiting for each. Once one was answered ping waits after its last
// packet for two round trips and no longer (ping(8), -W), which a busy machine may need for one: the very last are lost
// only where they are many.
int lost(const WireNode& from, const std::string& to, int count) {
  constexpr int may_be_late = 10;
  constexpr std::string_view mark = "icmp_seq=";
  const auto said = from.sh(fmt::format("ping -n -i 0.005 -W 3 -c {} {} || true", count, to));
  std::set<int> heard;
  for (auto at = said.find(mark); at != std::string::npos; at = said.find(mark, at + 1))
    heard.insert(std::atoi(said.c_str() + at + mark.size()));
  const int last = heard.empty() ? 0 : *heard.rbegin();
  const int at_the_end = count - last, between = last - static_cast<int>(heard.size());
  if (at_the_end > 0) std::printf("  the last %d of %d were not waited for\n", at_the_end, count);
  return between + (at_the_end > may_be_late ? at_the_end : 0);
}

class WireRekey : public testing::TestWithParam<Program> {};

// Several handshakes, none of which costs a packet.
TEST_P(WireRekey, NewKeysByTimeCostNothing) {
  WirePair pair(radial_wire_short("RADIAL_TEST_REKEY_MS=2000"), GetParam());
  ASSERT_TRUE(eventually([&] { return pair.a.pings(pair.b.inner()); }, patience));
  auto last = handshake(pair.b, pair.a);
  int renewed = 0, losses = 0;
  ASSERT_TRUE(eventually([&] {
    losses += lost(pair.a, pair.b.inner(), 100);
    if (const auto now = handshake(pair.b, pair.a); now > last) {
      last = now;
      ++renewed;
    }
    return renewed >= 4;
  }, patience)) << renewed << " handshakes after the first";
  EXPECT_EQ(losses, 0);
  EXPECT_GE(handshake(pair.a, pair.b) + 3, last) << "both ends saw them";
}

TEST_P(WireRekey, NewKeysByCountCostNothing) {
  // The initiator's count; rekey_timeout (5 s) stays between two initiations.
  WirePair pair(radial_wire_short("RADIAL_TEST_REKEY_MESSAGES=300"), GetParam());
  ASSERT_TRUE(eventually([&] { return pair.a.pings(pair.b.inner()); }, patience));
  const auto first = handshake(pair.b, pair.a);
  EXPECT_EQ(lost(pair.a, pair.b.inner(), 200), 0);
  EXPECT_EQ(handshake(pair.b, pair.a), first) << "300 have not been sent";
  int losses = 0;
  EXPECT_TRUE(eventually([&] {
    losses += lost(pair.a, pair.b.inner(), 200);
    return handshake(pair.b, pair.a) > first;
  }, patience));
  EXPECT_EQ(losses, 0);
}

// Every handshake message is answered with a cookie first: the other end must
// take it, wait, and come back with it.
TEST_P(WireRekey, AHandshakeUnderLoadSucceedsWithACookie) {
  WirePair pair(GetParam(), radial_wire_short("RADIAL_TEST_LOAD=1"));
  const auto began = std::chrono::steady_clock::now();
  EXPECT_TRUE(eventually([&] { return pair.a.pings(pair.b.inner()); }, patience));
  EXPECT_GE(std::chrono::steady_clock::now() - began, std::chrono::seconds(4)) << "it took no second initiation";
  EXPECT_GT(handshake(pair.a, pair.b), 0);
}

// With the constants that the protocol has: whoever began a session renews it when it is 120 s old and there is
// something to send.
TEST(WireRekeyOfOthers, NewKeysThatTheOtherEndBeginsCostNothing) {
  const auto newer = wireguard_go_13();
  WirePair pair(newer.empty() ? wireguard_go_12() : newer.front(), radial_wire());
  ASSERT_TRUE(eventually([&] { return pair.a.pings(pair.b.inner()); }, patience));
  const auto first = handshake(pair.b, pair.a);
  int losses = 0;
  EXPECT_TRUE(eventually([&] {
    losses += lost(pair.a, pair.b.inner(), 200);
    return handshake(pair.b, pair.a) > first;
  }, std::chrono::seconds(150)));
  EXPECT_EQ(losses, 0);
  EXPECT_GE(handshake(pair.b, pair.a) - first, 119);
}

std::vector<Program> others() {
  std::vector<Program> out{radial_wire(), wireguard_go_12()};
  for (const auto& program : wireguard_go_13()) out.push_back(program);
  if (kernel_has_wireguard()) out.push_back(kernel_wireguard());
  return out;
}

INSTANTIATE_TEST_SUITE_P(With, WireRekey, testing::ValuesIn(others()), [](const auto& one) { return one.param.name; });

}  // namespace
}  // namespace radial::test
