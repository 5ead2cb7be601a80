#include "host/ospf_packet.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace radial::host {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using Bytes = std::vector<std::uint8_t>;

IpAddress address(const char* text) { return IpAddress::parse(text).value(); }
Prefix prefix(const char* text) { return Prefix::parse(text).value(); }

void append(Bytes& bytes, std::initializer_list<int> more) {
  for (const int byte : more) bytes.push_back(static_cast<std::uint8_t>(byte));
}

// From 10.255.0.19: a router LSA (a link, a stub) and an external LSA.
Bytes update() {
  Bytes packet(20, 0);
  packet[0] = 0x45;
  append(packet, {2, 4, 0, 0, 10, 255, 0, 19, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2});
  append(packet, {0, 1, 2, 1, 10, 255, 0, 19, 10, 255, 0, 19, 0x80, 0, 0, 7, 0xab, 0xcd, 0, 48});
  append(packet, {1, 0, 0, 2});  // B
  append(packet, {10, 255, 0, 1, 10, 255, 0, 19, 1, 0, 0, 10});
  append(packet, {192, 168, 40, 0, 255, 255, 255, 0, 3, 0, 0, 10});
  append(packet, {0x0e, 0x10, 2, 5, 10, 99, 0, 0, 10, 255, 0, 19, 0x80, 0, 0, 1, 0, 1, 0, 36});
  append(packet, {255, 255, 0, 0, 0x80, 0, 0, 20, 0, 0, 0, 0, 0, 0, 0, 0});
  const auto length = packet.size() - 20;
  packet[22] = static_cast<std::uint8_t>(length >> 8);
  packet[23] = static_cast<std::uint8_t>(length & 0xff);
  return packet;
}

TEST(OspfPacket, AnUpdatesLsas) {
  const auto packet = read_ospf_packet(update());
  ASSERT_TRUE(packet);
  EXPECT_EQ(packet->router_id, address("10.255.0.19"));
  ASSERT_EQ(packet->lsas.size(), 2U);
  const auto& router = packet->lsas[0];
  EXPECT_EQ(router.border, true);
  EXPECT_EQ(router.checksum, 0xabcd);
  EXPECT_EQ(router.sequence, 0x80000007U);
  EXPECT_THAT(router.neighbors, ElementsAre(address("10.255.0.1")));
  EXPECT_THAT(router.prefixes, ElementsAre(AnnouncedPrefix{prefix("192.168.40.0/24"), 10}));
  const auto& external = packet->lsas[1];
  EXPECT_EQ(external.type, LsaType::external);
  EXPECT_TRUE(external.withdrawn());
  EXPECT_THAT(external.prefixes, ElementsAre(AnnouncedPrefix{prefix("10.99.0.0/16"), 20}));
}

// Cut anywhere, and with any one byte wrong: no crash, no read past the end.
TEST(OspfPacket, HostileBytes) {
  const auto good = update();
  for (std::size_t length = 0; length <= good.size(); ++length) {
    const Bytes cut(good.begin(), good.begin() + static_cast<std::ptrdiff_t>(length));
    (void)read_ospf_packet(cut);
  }
  for (std::size_t at = 0; at < good.size(); ++at)
    for (const int value : {0, 1, 0x7f, 0xff}) {
      auto wrong = good;
      wrong[at] = static_cast<std::uint8_t>(value);
      (void)read_ospf_packet(wrong);
    }
  EXPECT_FALSE(read_ospf_packet({}));
}

TEST(OspfPacket, AHelloSaysWhomItHears) {
  Bytes packet(20, 0);
  packet[0] = 0x45;
  append(packet, {2, 1, 0, 52, 10, 255, 0, 19, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0});
  append(packet, {255, 255, 255, 0, 0, 10, 2, 0, 0, 0, 0, 40, 0, 0, 0, 0, 0, 0, 0, 0, 10, 255, 0, 1, 10, 255, 0, 7});
  const auto read = read_ospf_packet(packet);
  ASSERT_TRUE(read && read->hello);
  EXPECT_EQ(read->hello->interval, std::chrono::seconds(10));
  EXPECT_THAT(read->hello->neighbors, ElementsAre(address("10.255.0.1"), address("10.255.0.7")));
  EXPECT_FALSE(read_ospf_packet(update())->hello);
}

TEST(OspfPacket, AnExchangeThatBegins) {
  Bytes packet(20, 0);
  packet[0] = 0x45;
  append(packet, {2, 2, 0, 32, 10, 255, 0, 19, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 5, 0x8c, 2, 7, 0, 0, 0, 1});
  EXPECT_TRUE(read_ospf_packet(packet)->starts_exchange);
  EXPECT_EQ(read_ospf_packet(packet)->mtu, 1420);
  packet[20 + 24 + 3] = 1;
  EXPECT_FALSE(read_ospf_packet(packet)->starts_exchange);
  EXPECT_THAT(read_ospf_packet(packet)->lsas, IsEmpty());
}

}  // namespace
}  // namespace radial::host
