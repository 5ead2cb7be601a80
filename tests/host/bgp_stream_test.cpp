#include "host/bgp_stream.h"

#include <random>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/bgp_bytes.h"
#include "host/bgp_listener.h"

namespace radial::host {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::IsEmpty;
using test::bgp_message;
using test::bgp_update;
using test::Bytes;

constexpr BgpStream::Time t0{};

Bytes joined(const std::vector<Bytes>& parts) {
  Bytes all;
  for (const auto& part : parts) all.insert(all.end(), part.begin(), part.end());
  return all;
}

TEST(BgpStream, BeginsWithTheConnection) {
  BgpStream stream;
  const auto open = bgp_message(1, Bytes(10, 0));
  const auto update = bgp_update({"10.99.0.0/16"}, {});
  EXPECT_THAT(stream.take(t0, {100, true}), IsEmpty());
  EXPECT_THAT(stream.take(t0, {101, false, false, open}), ElementsAre(open));
  EXPECT_THAT(stream.take(t0, {static_cast<std::uint32_t>(101 + open.size()), false, false, update}), ElementsAre(update));
  EXPECT_FALSE(stream.lost(t0 + 1h));
}

TEST(BgpStream, AMessageInPiecesAndSeveralInOne) {
  BgpStream stream;
  const auto first = bgp_update({"10.99.0.0/16"}, {});
  const auto second = bgp_update({"10.98.0.0/16"}, {});
  const auto all = joined({first, second, first});
  (void)stream.take(t0, {0, true});
  const auto cut = first.size() + 7;
  EXPECT_THAT(stream.take(t0, {1, false, false, Bytes(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(cut))}), ElementsAre(first));
  EXPECT_THAT(stream.take(t0, {static_cast<std::uint32_t>(1 + cut), false, false, Bytes(all.begin() + static_cast<std::ptrdiff_t>(cut), all.end())}),
              ElementsAre(second, first));
}

// Once from the middle of a connection, over the wrap of the numbers, in any order, with repetitions: against what was said.
TEST(BgpStream, IsWhatWasSaidInWhateverOrderSegmentsCome) {
  std::mt19937 random(7);
  for (int round = 0; round < 500; ++round) {
    std::vector<Bytes> said;
    for (int i = 0; i < 20; ++i) said.push_back(bgp_update({"10." + std::to_string(random() % 200) + ".0.0/16"}, {"192.168.0.0/16"}));
    const auto all = joined(said);
    const auto base = static_cast<std::uint32_t>(0xffffff00U + random() % 512);
    std::vector<TcpSegment> segments;
    for (std::size_t at = 0; at < all.size();) {
      const auto size = std::min<std::size_t>(1 + random() % 120, all.size() - at);
      segments.push_back({static_cast<std::uint32_t>(base + at), false, false,
                          Bytes(all.begin() + static_cast<std::ptrdiff_t>(at), all.begin() + static_cast<std::ptrdiff_t>(at + size))});
      at += size;
    }
    // Neighbours change places, and some come twice; the first tells where it begins.
    for (std::size_t i = 1; i + 1 < segments.size(); ++i) {
      if (random() % 4 == 0) std::swap(segments[i], segments[i + 1]);
      if (random() % 8 == 0) segments.insert(segments.begin() + static_cast<std::ptrdiff_t>(i), segments[random() % i]);
    }
    BgpStream stream;
    std::vector<Bytes> got;
    (void)stream.take(t0, {base - 1, true});
    for (const auto& segment : segments)
      for (auto& message : stream.take(t0, segment)) got.push_back(std::move(message));
    ASSERT_EQ(got, said) << "round " << round;
    ASSERT_FALSE(stream.lost(t0 + 1h));
  }
}

TEST(BgpStream, FindsAMessageInTheMiddleOfAConnection) {
  BgpStream stream;
  const auto update = bgp_update({"10.99.0.0/16"}, {});
  EXPECT_THAT(stream.take(t0, {500, false, false, {1, 2, 3}}), IsEmpty());
  EXPECT_THAT(stream.take(t0, {503, false, false, update}), ElementsAre(update));
}

TEST(BgpStream, KeepalivesNeedNotBeShown) {
  BgpStream stream;
  const auto update = bgp_update({"10.99.0.0/16"}, {});
  (void)stream.take(t0, {0, true});
  EXPECT_THAT(stream.take(t0, {1 + 3 * 19, false, false, update}), ElementsAre(update));
  EXPECT_FALSE(stream.lost(t0 + 1h));
}

TEST(BgpStream, SaysThatItMissedSomethingAndGoesOn) {
  BgpStream stream;
  const auto update = bgp_update({"10.99.0.0/16"}, {});
  (void)stream.take(t0, {0, true});
  EXPECT_THAT(stream.take(t0, {8, false, false, update}), IsEmpty());
  EXPECT_FALSE(stream.lost(t0 + 1s)) << "TCP may send it again";
  EXPECT_TRUE(stream.lost(t0 + 4s));
  EXPECT_FALSE(stream.lost(t0 + 4s)) << "said once";
  EXPECT_THAT(stream.take(t0 + 5s, {2000, false, false, update}), ElementsAre(update));
}

TEST(BgpStream, WhatIsNoBgpIsALoss) {
  BgpStream stream;
  (void)stream.take(t0, {0, true});
  EXPECT_THAT(stream.take(t0, {1, false, false, Bytes(40, 7)}), IsEmpty());
  EXPECT_TRUE(stream.lost(t0));
}

TEST(BgpListener, ReadsATcpSegment) {
  Bytes packet{0x45, 0, 0, 43, 0, 0, 0, 0, 64, 6, 0, 0, 10, 255, 0, 4, 10, 255, 0, 1,
               0xd0, 0x01, 0, 179, 0, 1, 0, 2, 0, 0, 0, 0, 0x50, 0x18, 0, 0, 0, 0, 0, 0, 'a', 'b', 'c'};
  const auto heard = read_tcp_packet(packet);
  ASSERT_TRUE(heard);
  EXPECT_EQ(heard->sender.to_string(), "10.255.0.4");
  EXPECT_EQ(heard->their_port, 0xd001);
  EXPECT_EQ(heard->our_port, 179);
  EXPECT_EQ(heard->segment.sequence, 0x10002U);
  EXPECT_FALSE(heard->segment.opens || heard->segment.closes);
  EXPECT_THAT(heard->segment.payload, ElementsAre('a', 'b', 'c'));
  for (std::size_t size = 0; size < 40; ++size) EXPECT_FALSE(read_tcp_packet(std::span(packet).first(size)));
}

}  // namespace
}  // namespace radial::host
