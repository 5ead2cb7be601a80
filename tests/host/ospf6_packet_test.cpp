#include "host/ospf6_packet.h"

#include <string_view>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace radial::host {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using Bytes = std::vector<std::uint8_t>;

IpAddress address(const char* text) { return IpAddress::parse(text).value(); }
Prefix prefix(const char* text) { return Prefix::parse(text).value(); }

Bytes from_hex(std::string_view text) {
  Bytes bytes;
  for (std::size_t i = 0; i + 1 < text.size(); i += 2)
    bytes.push_back(static_cast<std::uint8_t>(std::stoi(std::string(text.substr(i, 2)), nullptr, 16)));
  return bytes;
}

// Captured from FRR 10.3: a border router (10.255.0.173) that redistributes a
// static route. Its link LSA, and the router, inter-area-prefix,
// intra-area-prefix and external LSA.
Bytes update() {
  return from_hex(
      "0304011c0aff00ad000000005600000000000005"
      "00060008000000050aff00ad800000024dc0004c01000013fe8000000000000000000000000000ad00000002"
      "40000000fd0002550000000080020000fd0002550000000000000000000000ad"
      "00062001000000000aff00ad80000006c1800028030000130100000a00000005000000050aff0001"
      "00062003000000010aff00ad800000029a5900240000000a40000000fd10003000010000"
      "00062009000000000aff00ad800000053a99004c00032001000000000aff00ad"
      "4000000afd000030000000004000000afd0002550000000080020000fd0002550000000000000000000000ad"
      "00064005000000010aff00ad80000002f4d600240400001430000000fd10003000090000");
}

TEST(Ospf6Packet, AnUpdatesLsas) {
  const auto packet = read_ospf6_packet(update());
  ASSERT_TRUE(packet);
  EXPECT_EQ(packet->router_id, address("10.255.0.173"));
  EXPECT_EQ(packet->instance, 0);
  ASSERT_EQ(packet->lsas.size(), 5U);
  for (const auto& one : packet->lsas) EXPECT_EQ(one.originator, address("10.255.0.173"));
  const auto& link = packet->lsas[0];
  EXPECT_EQ(link.type, LsaType::link);
  EXPECT_EQ(link.id, address("0.0.0.5"));
  EXPECT_THAT(link.prefixes, ElementsAre(AnnouncedPrefix{prefix("fd00:255::/64"), 0}, AnnouncedPrefix{prefix("fd00:255::ad/128"), 0}));
  const auto& router = packet->lsas[1];
  EXPECT_EQ(router.type, LsaType::router);
  EXPECT_EQ(router.border, true);
  EXPECT_EQ(router.sequence, 0x80000006U);
  EXPECT_EQ(router.checksum, 0xc180);
  EXPECT_EQ(router.age, 6);
  EXPECT_THAT(router.neighbors, ElementsAre(address("10.255.0.1")));
  EXPECT_THAT(router.prefixes, IsEmpty());
  EXPECT_EQ(packet->lsas[2].type, LsaType::summary);
  EXPECT_THAT(packet->lsas[2].prefixes, ElementsAre(AnnouncedPrefix{prefix("fd10:30:1::/64"), 10}));
  const auto& own = packet->lsas[3];
  EXPECT_EQ(own.type, LsaType::intra_prefix);
  EXPECT_EQ(own.attached_to, address("10.255.0.173"));
  EXPECT_THAT(own.prefixes, ElementsAre(AnnouncedPrefix{prefix("fd00:30::/64"), 10}, AnnouncedPrefix{prefix("fd00:255::/64"), 10},
                                        AnnouncedPrefix{prefix("fd00:255::ad/128"), 0}));
  EXPECT_EQ(packet->lsas[4].type, LsaType::external);
  EXPECT_THAT(packet->lsas[4].prefixes, ElementsAre(AnnouncedPrefix{prefix("fd10:30:9::/48"), 20}));
}

TEST(Ospf6Packet, AHelloSaysWhomItHears) {
  const auto packet = read_ospf6_packet(from_hex("030100280aff004c00000000e718000000000005010000130001000400000000000000000aff0001"));
  ASSERT_TRUE(packet && packet->hello);
  EXPECT_EQ(packet->router_id, address("10.255.0.76"));
  EXPECT_EQ(packet->hello->interval, std::chrono::seconds(1));
  EXPECT_THAT(packet->hello->neighbors, ElementsAre(address("10.255.0.1")));
}

TEST(Ospf6Packet, AnExchangeThatBegins) {
  auto bytes = from_hex("0302001c0aff00ad000000004921000000000013058c00070000a3c3");
  EXPECT_TRUE(read_ospf6_packet(bytes)->starts_exchange);
  EXPECT_EQ(read_ospf6_packet(bytes)->mtu, 1420);
  bytes[16 + 7] = 1;
  bytes[14] = 3;
  EXPECT_FALSE(read_ospf6_packet(bytes)->starts_exchange);
  EXPECT_EQ(read_ospf6_packet(bytes)->instance, 3);
}

// Routers that do not know a type may store it, and the scope decides where.
TEST(Ospf6Packet, AKnownTypeOfAnotherScopeIsAnother) {
  auto bytes = update();
  const std::size_t router_type = 20 + 0x4c + 2;
  ASSERT_EQ(bytes[router_type], 0x20);
  bytes[router_type] = 0xa0;
  EXPECT_EQ(read_ospf6_packet(bytes)->lsas[1].type, LsaType::router);
  bytes[router_type] = 0xc0;
  EXPECT_EQ(read_ospf6_packet(bytes)->lsas[1].type, LsaType::other);
}

// A prefix longer than an address, or than its LSA, ends its list and no other.
TEST(Ospf6Packet, APrefixThatMakesNoSense) {
  auto bytes = update();
  const std::size_t first_prefix = 20 + 20 + 24;
  ASSERT_EQ(bytes[first_prefix], 0x40);
  for (const std::uint8_t length : {std::uint8_t{129}, std::uint8_t{255}}) {
    bytes[first_prefix] = length;
    const auto packet = read_ospf6_packet(bytes);
    ASSERT_EQ(packet->lsas.size(), 5U);
    EXPECT_THAT(packet->lsas[0].prefixes, IsEmpty());
    EXPECT_THAT(packet->lsas[3].prefixes, testing::SizeIs(3));
  }
}

// Cut anywhere, and with any one byte wrong: no crash, no read past the end.
TEST(Ospf6Packet, HostileBytes) {
  const auto good = update();
  for (std::size_t length = 0; length <= good.size(); ++length) {
    const Bytes cut(good.begin(), good.begin() + static_cast<std::ptrdiff_t>(length));
    (void)read_ospf6_packet(cut);
  }
  for (std::size_t at = 0; at < good.size(); ++at)
    for (int value = 0; value < 256; ++value) {
      auto wrong = good;
      wrong[at] = static_cast<std::uint8_t>(value);
      (void)read_ospf6_packet(wrong);
    }
  EXPECT_FALSE(read_ospf6_packet({}));
  auto v2 = good;
  v2[0] = 2;
  EXPECT_FALSE(read_ospf6_packet(v2));
}

}  // namespace
}  // namespace radial::host
