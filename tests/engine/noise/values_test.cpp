// The small parts: window, time, padding, paths, rate limit, cookies, ECN.
#include <algorithm>
#include <random>
#include <set>

#include <gtest/gtest.h>

#include "engine/noise/cookie.h"
#include "engine/noise/data_path.h"
#include "engine/noise/rate_limiter.h"
#include "engine/noise/replay_window.h"
#include "world.h"

namespace radial::engine {
namespace {

constexpr std::uint64_t limit = ProtocolLimits{}.reject_after_messages;
constexpr std::uint64_t window = ReplayWindow::size;

TEST(ReplayWindow, Vectors) {
  ReplayWindow w;
  EXPECT_TRUE(w.test_and_set(0, limit));
  EXPECT_FALSE(w.test_and_set(0, limit));
  EXPECT_TRUE(w.test_and_set(1, limit));
  EXPECT_FALSE(w.test_and_set(1, limit));
  EXPECT_TRUE(w.test_and_set(9, limit));
  EXPECT_TRUE(w.test_and_set(8, limit));
  EXPECT_TRUE(w.test_and_set(7, limit));
  EXPECT_FALSE(w.test_and_set(7, limit));
  EXPECT_FALSE(w.test_and_set(8, limit));
  EXPECT_TRUE(w.test_and_set(window, limit));
  EXPECT_TRUE(w.test_and_set(window - 1, limit));
  EXPECT_FALSE(w.test_and_set(window - 1, limit));
  EXPECT_TRUE(w.test_and_set(window + 2, limit));
  EXPECT_FALSE(w.test_and_set(1, limit)) << "behind the window";
  EXPECT_TRUE(w.test_and_set(2, limit)) << "the last one in it";
  EXPECT_FALSE(w.test_and_set(2, limit));
  EXPECT_TRUE(w.test_and_set(window + 16, limit));
  EXPECT_FALSE(w.test_and_set(3, limit));
  EXPECT_TRUE(w.test_and_set(std::uint64_t{1} << 40U, limit));
  EXPECT_FALSE(w.test_and_set(window + 17, limit));
}

TEST(ReplayWindow, TheLimitIsOutside) {
  ReplayWindow w;
  EXPECT_FALSE(w.test_and_set(limit, limit));
  EXPECT_FALSE(w.test_and_set(UINT64_MAX, limit));
  EXPECT_TRUE(w.test_and_set(limit - 1, limit));
  EXPECT_FALSE(w.test_and_set(limit - 1, limit));
  EXPECT_TRUE(w.test_and_set(limit - 2, limit));
}

TEST(ReplayWindow, ForwardsBackwardsAndOneOff) {
  {
    ReplayWindow w;
    for (std::uint64_t i = 1; i <= window; ++i) ASSERT_TRUE(w.test_and_set(i, limit));
    ASSERT_TRUE(w.test_and_set(0, limit));
    ASSERT_FALSE(w.test_and_set(0, limit));
  }
  {
    ReplayWindow w;
    for (std::uint64_t i = 2; i <= window + 1; ++i) ASSERT_TRUE(w.test_and_set(i, limit));
    ASSERT_TRUE(w.test_and_set(1, limit));
    ASSERT_FALSE(w.test_and_set(0, limit));
  }
  {
    ReplayWindow w;
    for (std::uint64_t i = window + 1; i-- > 0;) ASSERT_TRUE(w.test_and_set(i, limit)) << i;
  }
}

TEST(ReplayWindow, AgreesWithASet) {
  std::mt19937_64 random(3);
  for (int run = 0; run < 20; ++run) {
    ReplayWindow w;
    std::set<std::uint64_t> seen;
    std::uint64_t greatest = 0;
    for (int i = 0; i < 20000; ++i) {
      std::uint64_t counter = 0;
      switch (random() % 16) {
        case 0: counter = greatest + random() % 20000; break;
        case 1: counter = greatest - std::min(greatest, random() % 10000); break;
        case 2: counter = greatest - std::min(greatest, window - 2 + random() % 4); break;
        default: counter = greatest + 8 - std::min(greatest + 8, random() % 16); break;
      }
      const bool in_window = seen.empty() || counter + window >= greatest;
      const bool expected = in_window && !seen.contains(counter);
      ASSERT_EQ(w.test_and_set(counter, limit), expected) << counter << " with greatest " << greatest;
      if (expected) {
        seen.insert(counter);
        greatest = std::max(greatest, counter);
      }
    }
  }
}

TEST(Tai64n, LabelsAndRounding) {
  const auto at = [](std::int64_t ns) { return tai64n(WallTime(std::chrono::nanoseconds(ns))); };
  EXPECT_EQ(at(0), (Tai64n{0x40, 0, 0, 0, 0, 0, 0, 0x0a, 0, 0, 0, 0}));
  EXPECT_EQ(at(1'000'000'000), (Tai64n{0x40, 0, 0, 0, 0, 0, 0, 0x0b, 0, 0, 0, 0}));
  EXPECT_EQ(at(16'777'215), at(0)) << "within one step of 2^24 ns";
  EXPECT_EQ(at(16'777'216)[8], 1);
  EXPECT_LT(at(-1), at(0));
  EXPECT_GT(tai64n_after(at(0)), at(0));
  EXPECT_EQ(tai64n_after(at(0)), at(16'777'216));
  EXPECT_EQ(tai64n_after(at(999'999'999)), at(1'000'000'000));
}

TEST(Padding, To16ButNotBeyondTheMtu) {
  EXPECT_EQ(padded_size(0, 1420), 0U);
  EXPECT_EQ(padded_size(1, 1420), 16U);
  EXPECT_EQ(padded_size(16, 1420), 16U);
  EXPECT_EQ(padded_size(1400, 1420), 1408U);
  EXPECT_EQ(padded_size(1409, 1420), 1420U);
  EXPECT_EQ(padded_size(1420, 1420), 1420U);
  EXPECT_EQ(padded_size(1421, 1420), 1436U) << "a packet beyond the MTU: its last unit";
  EXPECT_EQ(padded_size(1421, 0), 1424U);
}

TEST(UdpPath, ComparesAndPrints) {
  const auto v4 = UdpPath::to(*IpAddress::parse("192.0.2.1"), 51820);
  const auto v6 = UdpPath::to(*IpAddress::parse("fe80::1"), 1, 3);
  EXPECT_EQ(v4.to_string(), "192.0.2.1:51820");
  EXPECT_EQ(v6.to_string(), "[fe80::1%3]:1");
  EXPECT_EQ(UdpPath().to_string(), "(none)");
  EXPECT_FALSE(UdpPath().is_set());
  EXPECT_EQ(v4.address(), *IpAddress::parse("192.0.2.1"));
  EXPECT_EQ(v6.address(), *IpAddress::parse("fe80::1"));
  EXPECT_FALSE(v4 == v6);
  auto sticky = v4;
  sticky.local.v4.s_addr = 1;
  EXPECT_TRUE(sticky.same_remote(v4));
  EXPECT_FALSE(sticky == v4);
  EXPECT_TRUE(sticky.has_local());
  sticky.clear_local();
  EXPECT_TRUE(sticky == v4);
}

TEST(RateLimiter, ABurstAndThenTheRate) {
  const ProtocolLimits limits;
  RateLimiter limiter;
  const auto source = *IpAddress::parse("192.0.2.1");
  auto now = Instant(std::chrono::seconds(100));
  for (int i = 0; i < 5; ++i) EXPECT_TRUE(limiter.allow(source, now, limits)) << i;
  EXPECT_FALSE(limiter.allow(source, now, limits));
  EXPECT_TRUE(limiter.allow(*IpAddress::parse("192.0.2.2"), now, limits)) << "another source has its own bucket";
  now += std::chrono::milliseconds(49);
  EXPECT_FALSE(limiter.allow(source, now, limits));
  now += std::chrono::milliseconds(1);
  EXPECT_TRUE(limiter.allow(source, now, limits));
  EXPECT_FALSE(limiter.allow(source, now, limits));
  int allowed = 0;
  for (int i = 0; i < 1000; ++i) {
    now += std::chrono::milliseconds(10);
    allowed += limiter.allow(source, now, limits) ? 1 : 0;
  }
  EXPECT_NEAR(allowed, 200, 2);
}

TEST(RateLimiter, AnIpv6NetworkIsOneSourceAndTheTableIsBounded) {
  ProtocolLimits limits;
  limits.rate_limited_sources = 3;
  RateLimiter limiter;
  auto now = Instant(std::chrono::seconds(100));
  for (int i = 0; i < 5; ++i) {
    EXPECT_TRUE(limiter.allow(*IpAddress::parse("2001:db8::" + std::to_string(i)), now, limits));
  }
  EXPECT_FALSE(limiter.allow(*IpAddress::parse("2001:db8::77"), now, limits));
  EXPECT_TRUE(limiter.allow(*IpAddress::parse("192.0.2.1"), now, limits));
  EXPECT_TRUE(limiter.allow(*IpAddress::parse("192.0.2.2"), now, limits));
  EXPECT_FALSE(limiter.allow(*IpAddress::parse("192.0.2.3"), now, limits)) << "the table is full";
  now += std::chrono::milliseconds(1001);
  EXPECT_TRUE(limiter.allow(*IpAddress::parse("192.0.2.3"), now, limits)) << "idle sources are forgotten";
  EXPECT_EQ(limiter.sources(), 1U);
}

struct Cookies : ::testing::Test {
  const ProtocolLimits limits;
  const PublicKey server = x25519_public(world::test_key(9));
  CookieChecker checker{world::test_entropy(1)};
  CookieJar jar{server};
  const UdpPath client = UdpPath::to(*IpAddress::parse("192.0.2.7"), 1234);
  Instant now{std::chrono::seconds(100)};
  std::vector<std::uint8_t> message = std::vector<std::uint8_t>(initiation::size, 0x5a);

  void SetUp() override { checker.set_public_key(server); }
};

TEST_F(Cookies, Mac1NeedsTheServersKey) {
  jar.sign(message, now, limits);
  EXPECT_TRUE(checker.mac1_is_right(message));
  EXPECT_FALSE(checker.mac2_is_right(message, client, now, limits));
  message[20] ^= 1;
  EXPECT_FALSE(checker.mac1_is_right(message));
  message[20] ^= 1;
  checker.set_public_key(x25519_public(world::test_key(10)));
  EXPECT_FALSE(checker.mac1_is_right(message));
}

TEST_F(Cookies, ACookieProvesTheAddressForItsTime) {
  jar.sign(message, now, limits);
  const auto reply = checker.reply(message, client, now, limits);
  EXPECT_EQ(load_u32(reply.data()), 3U);
  EXPECT_TRUE(std::equal(message.begin() + 4, message.begin() + 8, reply.begin() + 4));
  auto damaged = reply;
  damaged[40] ^= 1;
  EXPECT_FALSE(jar.consume(damaged, now));
  ASSERT_TRUE(jar.consume(reply, now));
  EXPECT_FALSE(jar.consume(reply, now)) << "a reply counts once";

  jar.sign(message, now, limits);
  EXPECT_TRUE(checker.mac1_is_right(message));
  EXPECT_TRUE(checker.mac2_is_right(message, client, now, limits));
  EXPECT_FALSE(checker.mac2_is_right(message, UdpPath::to(*IpAddress::parse("192.0.2.7"), 1235), now, limits));
  EXPECT_FALSE(checker.mac2_is_right(message, UdpPath::to(*IpAddress::parse("192.0.2.8"), 1234), now, limits));
  EXPECT_TRUE(checker.mac2_is_right(message, client, now + std::chrono::seconds(119), limits));
  EXPECT_FALSE(checker.mac2_is_right(message, client, now + std::chrono::seconds(121), limits)) << "a new secret";

  jar.sign(message, now + std::chrono::seconds(114), limits);
  EXPECT_TRUE(std::any_of(message.end() - 16, message.end(), [](auto byte) { return byte != 0; }));
  jar.sign(message, now + std::chrono::seconds(115), limits);
  EXPECT_TRUE(std::all_of(message.end() - 16, message.end(), [](auto byte) { return byte == 0; }));
}

std::uint16_t ipv4_checksum(std::span<const std::uint8_t> header) {
  std::uint32_t sum = 0;
  for (std::size_t i = 0; i < 20; i += 2) sum += static_cast<std::uint32_t>(header[i] << 8U | header[i + 1]);
  while (sum > 0xffff) sum = (sum & 0xffffU) + (sum >> 16U);
  return static_cast<std::uint16_t>(~sum);
}

TEST(Ecn, AsRfc6040InBothDirections) {
  EXPECT_EQ(ecn_encapsulate(0xfc), 0);
  EXPECT_EQ(ecn_encapsulate(0xb9), 1);
  EXPECT_EQ(ecn_encapsulate(2), 2);
  EXPECT_EQ(ecn_encapsulate(3), 2) << "CE starts again as ECT(0)";

  // outer, inner -> inner
  const std::array<std::array<std::uint8_t, 3>, 12> cases{{{0, 0, 0}, {0, 1, 1}, {0, 2, 2}, {0, 3, 3},
                                                          {1, 0, 0}, {1, 2, 1}, {1, 3, 3}, {2, 1, 1},
                                                          {3, 0, 0}, {3, 1, 3}, {3, 2, 3}, {3, 3, 3}}};
  for (const auto& [outer, inner, expected] : cases) {
    auto packet = world::make_packet(IpAddress::from_v4(0x0a000001), IpAddress::from_v4(0x0a000002), 1, 40,
                                     static_cast<std::uint8_t>(0xb8 | inner));
    const auto checksum = ipv4_checksum(packet);
    packet[10] = static_cast<std::uint8_t>(checksum >> 8U);
    packet[11] = static_cast<std::uint8_t>(checksum);
    ecn_decapsulate(outer, packet);
    EXPECT_EQ(ds_field(packet), 0xb8 | expected) << int{outer} << int{inner};
    EXPECT_EQ(ipv4_checksum(packet), 0) << int{outer} << int{inner};

    std::vector<std::uint8_t> v6(60);
    v6[0] = 0x6b;
    v6[1] = static_cast<std::uint8_t>((8 | inner) << 4U | 0x0a);
    v6[2] = 0xcd;
    ecn_decapsulate(outer, v6);
    EXPECT_EQ(ds_field(v6), 0xb8 | expected);
    EXPECT_EQ(v6[0], 0x6b);
    EXPECT_EQ(v6[1] & 0x0f, 0x0a) << "the flow label stays";
    EXPECT_EQ(v6[2], 0xcd);
  }
}

}  // namespace
}  // namespace radial::engine
