#include "host/bgp_message.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/bgp_bytes.h"

namespace radial::host {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using test::bgp_message;
using test::bgp_update;
using test::Bytes;

Prefix prefix(const char* text) { return Prefix::parse(text).value(); }

TEST(BgpMessage, WhatAnUpdateAnnouncesAndWithdraws) {
  const auto update = read_bgp_update(bgp_update({"192.168.20.0/24", "10.0.0.0/8", "192.168.20.2/32"}, {"192.168.66.128/25"}));
  ASSERT_TRUE(update);
  EXPECT_THAT(update->announced, ElementsAre(prefix("192.168.20.0/24"), prefix("10.0.0.0/8"), prefix("192.168.20.2/32")));
  EXPECT_THAT(update->withdrawn, ElementsAre(prefix("192.168.66.128/25")));
}

TEST(BgpMessage, ADefaultRouteIsOneByteAndNoPathIdentifier) {
  const auto update = read_bgp_update(bgp_update({"0.0.0.0/0", "192.168.20.0/24"}, {}));
  ASSERT_TRUE(update);
  EXPECT_THAT(update->announced, ElementsAre(prefix("0.0.0.0/0"), prefix("192.168.20.0/24")));
}

// RFC 4760: MP_REACH_NLRI and MP_UNREACH_NLRI.
TEST(BgpMessage, Ipv6StandsInAttributes) {
  Bytes reach{0x90, 14, 0, 30, 0, 2, 1, 16};
  reach.insert(reach.end(), 16, 0xfd);
  const Bytes named{0, 64, 0xfd, 0, 0, 1, 0, 0, 0, 9};
  reach.insert(reach.end(), named.begin(), named.end());
  reach[3] = static_cast<std::uint8_t>(reach.size() - 4);
  const Bytes unreach{0x80, 15, 10, 0, 2, 1, 48, 0xfd, 0, 0, 7, 0, 0};
  Bytes attributes = reach;
  attributes.insert(attributes.end(), unreach.begin(), unreach.end());
  Bytes body{0, 0, 0, static_cast<std::uint8_t>(attributes.size())};
  body.insert(body.end(), attributes.begin(), attributes.end());
  const auto update = read_bgp_update(bgp_message(2, body));
  ASSERT_TRUE(update);
  EXPECT_THAT(update->announced, ElementsAre(prefix("fd00:1:0:9::/64")));
  EXPECT_THAT(update->withdrawn, ElementsAre(prefix("fd00:7::/48")));
}

TEST(BgpMessage, PathIdentifiersAreReadWhereThePrefixesMakeNoSenseWithout) {
  const auto update = read_bgp_update(bgp_message(2, {0, 0, 0, 0, 0, 0, 0, 1, 24, 192, 168, 20, 0, 0, 0, 2, 16, 10, 99}));
  ASSERT_TRUE(update);
  EXPECT_THAT(update->announced, ElementsAre(prefix("192.168.20.0/24"), prefix("10.99.0.0/16")));
}

TEST(BgpMessage, EndOfRibIsAnUpdateThatSaysNothing) {
  const auto update = read_bgp_update(bgp_message(2, {0, 0, 0, 0}));
  ASSERT_TRUE(update);
  EXPECT_THAT(update->announced, IsEmpty());
  EXPECT_THAT(update->withdrawn, IsEmpty());
}

TEST(BgpMessage, OtherMessagesAndBrokenOnesAreNone) {
  EXPECT_FALSE(read_bgp_update(bgp_message(4, {})));
  EXPECT_FALSE(read_bgp_update(bgp_message(2, {0, 9, 24})));                       // longer than it is
  EXPECT_FALSE(read_bgp_update(bgp_message(2, {0, 0, 0, 0, 33, 1, 2, 3, 4, 5, 6})));  // no IPv4 prefix
  auto cut = bgp_update({"192.168.20.0/24"}, {});
  cut.pop_back();
  EXPECT_FALSE(read_bgp_update(cut));
}

// Whatever a site sends, and each beginning of it.
TEST(BgpMessage, NothingThatASiteSendsIsReadBeyondItsEnd) {
  auto whole = bgp_update({"192.168.20.0/24", "10.0.0.0/8"}, {"192.168.66.128/25"});
  for (std::size_t at = 18; at < whole.size(); ++at)
    for (const int value : {0, 1, 0x7f, 0x80, 0xff}) {
      auto broken = whole;
      broken[at] = static_cast<std::uint8_t>(value);
      (void)read_bgp_update(broken);
      for (std::size_t size = 0; size < broken.size(); ++size) (void)read_bgp_update(std::span(broken).first(size));
    }
}

}  // namespace
}  // namespace radial::host
