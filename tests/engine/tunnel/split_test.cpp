#include "engine/tunnel/offload/split.h"

#include <gtest/gtest.h>

#include "naive_packet.h"

namespace radial::engine {
namespace {

using naive::Bytes;
using naive::Packet;

VnetHeader header_of(const Packet& packet, std::uint16_t step) {
  VnetHeader header;
  header.flags = vnet_needs_csum;
  header.csum_start = static_cast<std::uint16_t>(packet.transport());
  header.csum_offset = packet.tcp ? 16 : 6;
  header.gso_type = packet.tcp ? (packet.v4 ? vnet_gso_tcp4 : vnet_gso_tcp6) : vnet_gso_udp;
  if (packet.tcp && (packet.flags & 0x80) != 0) header.gso_type |= vnet_gso_ecn;
  header.gso_size = step;
  return header;
}

std::vector<Bytes> written(const Split& split) {
  std::vector<Bytes> out;
  for (std::size_t i = 0; i < split.count(); ++i) {
    Bytes segment(split.size(i) + 8, 0xaa);  // a guard behind it
    split.write(i, segment.data());
    EXPECT_EQ(Bytes(segment.end() - 8, segment.end()), Bytes(8, 0xaa)) << "wrote past the end";
    segment.resize(split.size(i));
    out.push_back(std::move(segment));
  }
  return out;
}

Packet random_packet(std::mt19937& random) {
  Packet packet;
  packet.v4 = random() % 2 == 0;
  packet.tcp = random() % 2 == 0;
  packet.source = naive::random_bytes(random, packet.v4 ? 4 : 16);
  packet.destination = naive::random_bytes(random, packet.v4 ? 4 : 16);
  packet.tos = static_cast<std::uint8_t>(random());
  packet.ttl = static_cast<std::uint8_t>(random());
  packet.id = static_cast<std::uint16_t>(random());
  packet.df = random() % 2 == 0;
  packet.flow_label = random() & 0xfffff;
  packet.source_port = static_cast<std::uint16_t>(random());
  packet.destination_port = static_cast<std::uint16_t>(random());
  packet.sequence = static_cast<std::uint32_t>(random());
  packet.acknowledgement = static_cast<std::uint32_t>(random());
  packet.flags = static_cast<std::uint8_t>(random());
  packet.reserved = random() & 15;
  packet.window = static_cast<std::uint16_t>(random());
  packet.urgent = static_cast<std::uint16_t>(random());
  packet.tcp_options = naive::random_bytes(random, random() % 11 * 4);
  if (packet.v4 && random() % 4 == 0) packet.ip_options = naive::random_bytes(random, random() % 11 * 4);
  if (!packet.v4 && random() % 4 == 0) {
    packet.ip_options = naive::random_bytes(random, 8);
    packet.extension = random() % 2 == 0 ? 60 : 0;  // destination options, hop-by-hop options
    packet.ip_options[1] = 0;
  }
  return packet;
}

TEST(Split, EverySegmentIsWhatTheOracleSends) {
  std::mt19937 random(1);
  for (int round = 0; round < 4000; ++round) {
    Packet packet = random_packet(random);
    const auto step = static_cast<std::uint16_t>(1 + random() % (round % 7 == 0 ? 9000 : 1500));
    const std::size_t room = 65535 - packet.headers();
    packet.payload = naive::random_bytes(random, std::min<std::size_t>(room, 1 + random() % (step * 20U)));
    const Bytes whole = packet.bytes(true);
    const auto split = Split::of(header_of(packet, step), whole);
    ASSERT_TRUE(split) << round;
    const auto expected = packet.segments(step);
    const auto got = written(*split);
    ASSERT_EQ(got.size(), expected.size());
    for (std::size_t i = 0; i < got.size(); ++i) ASSERT_EQ(got[i], expected[i].bytes()) << "round " << round << " segment " << i;
  }
}

TEST(Split, APacketWithoutOffloadsIsUntouched) {
  std::mt19937 random(2);
  const Bytes packet = naive::random_bytes(random, 777);
  const auto split = Split::of({}, packet);
  ASSERT_TRUE(split);
  EXPECT_EQ(written(*split), std::vector<Bytes>{packet});
}

TEST(Split, AChecksumLeftOpenIsFilledIn) {
  std::mt19937 random(3);
  for (int round = 0; round < 500; ++round) {
    Packet packet = random_packet(random);
    packet.payload = naive::random_bytes(random, random() % 1400);
    auto header = header_of(packet, 0);
    header.gso_type = vnet_gso_none;
    const Bytes open = packet.bytes(true);
    const auto split = Split::of(header, open);
    ASSERT_TRUE(split);
    auto expected = packet.bytes();
    auto got = written(*split).at(0);
    // TCP's zero may be written in either form.
    const auto at = packet.checksum_field();
    if (naive::get16(expected, at) == 0 && naive::get16(got, at) == 0xffff) naive::put16(got, at, 0);
    ASSERT_EQ(got, expected);
  }
}

// One datagram in 65,536: IPv6 refuses it with a zero (RFC 8200 section 8.1), as wireguard-go sends it.
TEST(Split, AUdpChecksumThatComesOutAsZeroIsSentAsOnes) {
  std::mt19937 random(6);
  constexpr std::size_t step = 500;
  for (const bool v4 : {true, false}) {
    Packet packet;
    packet.v4 = v4;
    packet.tcp = false;
    packet.source = naive::random_bytes(random, v4 ? 4 : 16);
    packet.destination = naive::random_bytes(random, v4 ? 4 : 16);
    packet.payload = naive::random_bytes(random, 3 * step);
    const auto ones_complement_sum = [](std::uint32_t a, std::uint32_t b) { return (a + b) % 0xffff; };
    const auto segments = packet.segments(step);
    for (std::size_t i = 0; i < segments.size(); ++i) {
      const auto checksum = naive::get16(segments[i].bytes(), packet.checksum_field());
      const std::size_t last = i * step + step - 2;
      naive::put16(packet.payload, last, ones_complement_sum(naive::get16(packet.payload, last), checksum));
    }
    const Bytes whole = packet.bytes(true);
    const auto split = Split::of(header_of(packet, step), whole);
    ASSERT_TRUE(split);
    for (const auto& segment : written(*split)) EXPECT_EQ(naive::get16(segment, packet.checksum_field()), 0xffffU);

    // And where only the checksum was left open.
    const auto first = packet.segments(step)[0];
    auto header = header_of(first, 0);
    header.gso_type = vnet_gso_none;
    const Bytes open = first.bytes(true);
    const auto alone = Split::of(header, open);
    ASSERT_TRUE(alone);
    EXPECT_EQ(naive::get16(written(*alone).at(0), first.checksum_field()), 0xffffU);
  }
}

// A routing header's last address stands in the pseudo-header in place of the
// IPv6 header's (RFC 8200 section 8.1); the kernel's partial sum knows it.
TEST(Split, ARoutingHeaderKeepsItsOwnPseudoHeader) {
  std::mt19937 random(4);
  Packet packet;
  packet.v4 = false;
  packet.source = naive::random_bytes(random, 16);
  packet.destination = naive::random_bytes(random, 16);
  packet.extension = 43;
  packet.ip_options = naive::random_bytes(random, 24);
  packet.ip_options[1] = 2;
  packet.payload = naive::random_bytes(random, 5000);
  const Bytes on_the_way = naive::random_bytes(random, 16);
  const auto redirected = [&](Bytes bytes) {
    std::copy(on_the_way.begin(), on_the_way.end(), bytes.begin() + 24);
    return bytes;
  };
  const Bytes whole = redirected(packet.bytes(true));
  const auto split = Split::of(header_of(packet, 1200), whole);
  ASSERT_TRUE(split);
  const auto got = written(*split);
  const auto expected = packet.segments(1200);
  ASSERT_EQ(got.size(), expected.size());
  for (std::size_t i = 0; i < got.size(); ++i) EXPECT_EQ(got[i], redirected(expected[i].bytes()));
}

TEST(Split, HeadersThatDoNotFitAreRefused) {
  Packet packet;
  packet.payload = Bytes(3000, 7);
  const Bytes whole = packet.bytes(true);
  const auto good = header_of(packet, 1000);
  ASSERT_TRUE(Split::of(good, whole));

  const auto refused = [&](auto change, const Bytes& bytes) {
    auto header = good;
    change(header);
    return !Split::of(header, bytes).has_value();
  };
  const auto same = [](VnetHeader&) {};
  EXPECT_TRUE(refused(same, {}));
  EXPECT_TRUE(refused(same, Bytes(whole.begin(), whole.begin() + 39)));
  EXPECT_TRUE(refused([](auto& h) { h.gso_size = 0; }, whole));
  EXPECT_TRUE(refused([](auto& h) { h.gso_size = 65535; }, whole));
  EXPECT_TRUE(refused([](auto& h) { h.flags = 0; }, whole));
  EXPECT_TRUE(refused([](auto& h) { h.gso_type = 3; }, whole));  // UDP fragmentation: never offered
  EXPECT_TRUE(refused([](auto& h) { h.gso_type = vnet_gso_tcp6; }, whole));
  EXPECT_TRUE(refused([](auto& h) { h.csum_start = 24; }, whole));
  EXPECT_TRUE(refused([](auto& h) { h.csum_start = 65535; }, whole));
  EXPECT_TRUE(refused([](auto& h) { h.csum_offset = 6; }, whole));
  Bytes long_tcp = whole;
  long_tcp[32] = 0xf0;  // sixty bytes of TCP header in a packet cut behind forty
  long_tcp.resize(60);
  EXPECT_TRUE(refused(same, long_tcp));
  Bytes bad_version = whole;
  bad_version[0] = 0x55;
  EXPECT_TRUE(refused(same, bad_version));
}

TEST(Split, NoHeaderAndNoPacketMakesItReadOrWriteOutside) {
  std::mt19937 random(5);
  for (int round = 0; round < 30000; ++round) {
    Packet packet = random_packet(random);
    packet.payload = naive::random_bytes(random, random() % 300);
    Bytes bytes = packet.bytes(true);
    auto header = header_of(packet, static_cast<std::uint16_t>(random() % 100));
    for (auto changes = random() % 4; changes > 0; --changes)
      reinterpret_cast<std::uint8_t*>(&header)[random() % sizeof header] = static_cast<std::uint8_t>(random());
    for (auto changes = random() % 3; changes > 0; --changes)
      bytes[random() % bytes.size()] = static_cast<std::uint8_t>(random());
    if (random() % 3 == 0) bytes.resize(random() % bytes.size());
    const Bytes exact(bytes);  // its own allocation, for the sanitizers
    if (const auto split = Split::of(header, exact)) {
      std::size_t total = 0;
      for (const auto& segment : written(*split)) total += segment.size();
      ASSERT_GE(total, exact.size());
    }
  }
}

}  // namespace
}  // namespace radial::engine
