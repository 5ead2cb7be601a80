#include "engine/tunnel/offload/merge.h"

#include <cstring>
#include <functional>
#include <map>

#include <gtest/gtest.h>

#include "engine/tunnel/offload/split.h"
#include "naive_packet.h"

namespace radial::engine {
namespace {

using naive::Bytes;
using naive::Packet;

// What the kernel is given for one group.
struct Written {
  VnetHeader header;
  Bytes packet;
};

// Merges one burst. The inputs are copied: the merger rewrites them.
std::vector<Written> merged(const std::vector<Bytes>& burst, Merger::Options options = {true, true}) {
  Merger merger(options);
  std::vector<Bytes> owned = burst;
  for (auto& packet : owned) merger.add(packet);
  std::vector<Written> out;
  merger.take_all([&](std::span<const iovec> pieces) {
    Written group;
    std::memcpy(&group.header, pieces[0].iov_base, sizeof group.header);
    EXPECT_EQ(pieces[0].iov_len, sizeof group.header);
    for (const auto& piece : pieces.subspan(1)) {
      const auto* data = static_cast<const std::uint8_t*>(piece.iov_base);
      group.packet.insert(group.packet.end(), data, data + piece.iov_len);
    }
    out.push_back(std::move(group));
  });
  EXPECT_TRUE(merger.empty());
  return out;
}

// The packets that the kernel sees of it, by the oracle's segmentation; the
// header is held against what the kernel demands of an offloaded packet.
std::vector<Bytes> cut(const Written& group) {
  if (group.header.gso_type == vnet_gso_none) {
    EXPECT_EQ(group.header.flags, 0);
    return {group.packet};
  }
  const Packet whole = naive::parse(group.packet);
  EXPECT_EQ(group.header.flags, vnet_needs_csum);
  EXPECT_EQ(group.header.gso_type, !whole.tcp ? vnet_gso_udp : whole.v4 ? vnet_gso_tcp4 : vnet_gso_tcp6);
  EXPECT_EQ(group.header.csum_start, whole.transport());
  EXPECT_EQ(group.header.csum_offset, whole.tcp ? 16 : 6);
  EXPECT_EQ(group.header.hdr_len, whole.headers());
  EXPECT_GT(whole.payload.size(), group.header.gso_size) << "one segment must not be called GSO";
  EXPECT_LE(group.packet.size(), 65535U);
  EXPECT_EQ(group.packet, whole.bytes(true)) << "lengths, IP checksum or partial checksum are wrong";
  std::vector<Bytes> out;
  for (const auto& segment : whole.segments(group.header.gso_size)) out.push_back(segment.bytes());
  return out;
}

std::vector<std::size_t> sizes_of(const std::vector<Written>& groups) {
  std::vector<std::size_t> out;
  for (const auto& group : groups) out.push_back(cut(group).size());
  return out;
}

// `count` packets of `size` bytes that one sender's segmentation would make.
std::vector<Packet> train(Packet first, std::size_t count, std::size_t size) {
  first.payload.resize(count * size);
  for (std::size_t i = 0; i < first.payload.size(); ++i) first.payload[i] = static_cast<std::uint8_t>(i * 7 + i / 251);
  return first.segments(size);
}
std::vector<Bytes> bytes_of(const std::vector<Packet>& packets) {
  std::vector<Bytes> out;
  for (const auto& packet : packets) out.push_back(packet.bytes());
  return out;
}

Packet v6() {
  Packet packet;
  packet.v4 = false;
  packet.source = Bytes(16, 0x20);
  packet.destination = Bytes(16, 0xfd);
  packet.flow_label = 0x12345;
  return packet;
}
Packet udp(Packet packet = {}) {
  packet.tcp = false;
  return packet;
}

TEST(Merge, ATrainOfEachKindBecomesOnePacket) {
  for (const auto& first : {Packet{}, v6(), udp(), udp(v6())}) {
    const auto burst = bytes_of(train(first, 30, 1400));
    const auto groups = merged(burst);
    ASSERT_EQ(groups.size(), 1U);
    EXPECT_EQ(cut(groups[0]), burst);
  }
}

TEST(Merge, UdpIsLeftAloneWhereTheDeviceCannotSplitIt) {
  EXPECT_EQ(merged(bytes_of(train(udp(), 5, 100)), {true, false}).size(), 5U);
}

TEST(Merge, AShortSegmentEndsTheGroup) {
  auto packets = train({}, 4, 1000);
  packets[2].payload.resize(999);
  packets[3].sequence -= 1;
  EXPECT_EQ(sizes_of(merged(bytes_of(packets))), (std::vector<std::size_t>{3, 1}));
}

TEST(Merge, PshAndFinAreKeptAndEndTheGroup) {
  for (const auto flag : {std::uint8_t{0x08}, std::uint8_t{0x01}, std::uint8_t{0x09}}) {
    auto packets = train({}, 4, 1000);
    packets[1].flags |= flag;
    const auto burst = bytes_of(packets);
    const auto groups = merged(burst);
    EXPECT_EQ(sizes_of(groups), (std::vector<std::size_t>{2, 2}));
    EXPECT_EQ(cut(groups[0]).at(1), burst[1]);
    packets[1].flags = 0x10;
    packets[0].flags |= flag;
    EXPECT_EQ(sizes_of(merged(bytes_of(packets))), (std::vector<std::size_t>{1, 3}));
  }
}

TEST(Merge, NoMoreThanTheKernelTakes) {
  EXPECT_EQ(sizes_of(merged(bytes_of(train({}, 100, 8)))), (std::vector<std::size_t>{64, 36}));
  EXPECT_EQ(sizes_of(merged(bytes_of(train({}, 9, 8960)))), (std::vector<std::size_t>{7, 2}));
}

TEST(Merge, FlowsThatInterleaveAreMergedEach) {
  std::vector<Packet> mixed;
  std::vector<std::vector<Packet>> flows;
  for (std::uint16_t port = 1; port <= 8; ++port) {
    Packet first;
    first.source_port = port;
    flows.push_back(train(first, 5, 500));
  }
  for (std::size_t i = 0; i < 5; ++i)
    for (const auto& flow : flows) mixed.push_back(flow[i]);
  EXPECT_EQ(sizes_of(merged(bytes_of(mixed))), std::vector<std::size_t>(8, 5));
}

// Each way in which the second of three packets differs, and whether they may
// still be merged (how the three are then grouped).
struct Difference {
  const char* name;
  std::function<void(Packet&)> change;
  std::vector<std::size_t> groups;
};

TEST(Merge, OnlyWhatIsEqualIsMerged) {
  const std::vector<std::size_t> apart{1, 1, 1};
  const std::vector<Difference> cases = {
      {"nothing", [](Packet&) {}, {3}},
      {"TOS", [](Packet& p) { p.tos = 4; }, apart},
      {"congestion experienced", [](Packet& p) { p.tos = 3; }, apart},
      {"TTL", [](Packet& p) { p.ttl = 63; }, apart},
      {"DF", [](Packet& p) { p.df = false; }, apart},
      {"identification jumps", [](Packet& p) { p.id += 5; }, apart},
      {"acknowledgement", [](Packet& p) { p.acknowledgement += 1; }, apart},
      {"window", [](Packet& p) { p.window += 1; }, apart},
      {"reserved bits", [](Packet& p) { p.reserved = 1; }, apart},
      {"ECE", [](Packet& p) { p.flags |= 0x40; }, apart},
      {"CWR", [](Packet& p) { p.flags |= 0x80; }, apart},
      {"URG", [](Packet& p) { p.flags |= 0x20; }, apart},
      {"an urgent pointer without URG", [](Packet& p) { p.urgent = 7; }, apart},
      {"SYN", [](Packet& p) { p.flags |= 0x02; }, apart},
      {"RST", [](Packet& p) { p.flags |= 0x04; }, apart},
      {"no ACK", [](Packet& p) { p.flags = 0; }, apart},
      {"options", [](Packet& p) { p.tcp_options = Bytes(12, 1); }, apart},
      {"a retransmission", [](Packet& p) { p.sequence -= 1000; }, apart},
      {"a gap", [](Packet& p) { p.sequence += 1; }, apart},
      {"a longer segment", [](Packet& p) { p.payload.push_back(1); }, apart},
      {"no payload", [](Packet& p) { p.payload.clear(); }, apart},
      {"a fragment", [](Packet& p) { p.fragment = 0x2000; }, apart},
      {"a fragment's tail", [](Packet& p) { p.fragment = 100; }, apart},
      {"IP options", [](Packet& p) { p.ip_options = Bytes(4, 1); }, apart},
      {"a bad checksum", [](Packet& p) { p.bad_transport_checksum = true; }, apart},
      {"a bad IP checksum", [](Packet& p) { p.bad_ip_checksum = true; }, apart},
  };
  for (const auto& c : cases) {
    auto packets = train({}, 3, 1000);
    c.change(packets[1]);
    const auto burst = bytes_of(packets);
    const auto groups = merged(burst);
    std::vector<std::size_t> sizes;
    std::vector<Bytes> seen;
    for (const auto& group : groups) {
      const auto packets_seen = cut(group);
      sizes.push_back(packets_seen.size());
      seen.insert(seen.end(), packets_seen.begin(), packets_seen.end());
    }
    EXPECT_EQ(sizes, c.groups) << c.name;
    EXPECT_EQ(seen, burst) << c.name;
  }
}

TEST(Merge, ABadChecksumInTheFirstPacketIsSeenBeforeItIsMerged) {
  auto packets = train({}, 3, 1000);
  packets[0].bad_transport_checksum = true;
  EXPECT_EQ(sizes_of(merged(bytes_of(packets))), (std::vector<std::size_t>{1, 2}));
}

TEST(Merge, TheSecondDifferenceOfIpv6) {
  const auto groups = [](auto change) {
    auto packets = train(v6(), 3, 1000);
    change(packets[1]);
    return merged(bytes_of(packets)).size();
  };
  EXPECT_EQ(groups([](Packet&) {}), 1U);
  EXPECT_EQ(groups([](Packet& p) { p.flow_label += 1; }), 3U);
  EXPECT_EQ(groups([](Packet& p) { p.tos = 2; }), 3U);
  EXPECT_EQ(groups([](Packet& p) { p.ttl = 1; }), 3U);
  EXPECT_EQ(groups([](Packet& p) {
              p.ip_options = Bytes(8, 0);
              p.extension = 60;
            }),
            3U);
}

TEST(Merge, UdpWithoutChecksumOrWithOtherLengthsStaysAlone) {
  const auto groups = [](auto change) {
    auto packets = train(udp(), 3, 1000);
    change(packets[1]);
    return merged(bytes_of(packets)).size();
  };
  EXPECT_EQ(groups([](Packet&) {}), 1U);
  EXPECT_EQ(groups([](Packet& p) { p.no_udp_checksum = true; }), 3U);
  EXPECT_EQ(groups([](Packet& p) { p.bad_transport_checksum = true; }), 3U);
  // The longer one opens a group that the third, now the short one, ends.
  EXPECT_EQ(groups([](Packet& p) { p.payload.push_back(0); }), 2U);
  EXPECT_EQ(groups([](Packet& p) { p.payload.pop_back(); }), 2U);
}

// RFC 6864: with DF, the identification says nothing; FreeBSD and phones send 0.
TEST(Merge, EqualIdentificationsAreMergedOnlyWithDf) {
  for (const bool df : {true, false}) {
    auto packets = train({}, 3, 1000);
    for (auto& packet : packets) {
      packet.id = 0;
      packet.df = df;
    }
    EXPECT_EQ(merged(bytes_of(packets)).size(), df ? 1U : 3U);
    packets[2].id = 1;  // neither equal nor counting
    EXPECT_EQ(merged(bytes_of(packets)).size(), df ? 2U : 2U);
  }
}

// A flow's packet that cannot be merged must not be overtaken by its successors.
TEST(Merge, AFragmentIsNotOvertaken) {
  auto packets = train({}, 4, 1000);
  Packet fragment = packets[0];
  fragment.fragment = 0x2000;
  auto burst = bytes_of(packets);
  burst.insert(burst.begin() + 2, fragment.bytes());
  EXPECT_EQ(sizes_of(merged(burst)), (std::vector<std::size_t>{2, 1, 2}));
}

// What is neither TCP nor UDP has no ports, though the bytes that stand there may look like some that continue.
TEST(Merge, OtherProtocolsAndExtensionHeadersAreNeverMergedNorOvertaken) {
  constexpr std::uint8_t hop_by_hop = 0, icmp = 1, routing = 43, fragment = 44, icmpv6 = 58, destination_options = 60;
  const auto of_protocol = [](Bytes packet, std::uint8_t protocol) {
    const bool v4 = packet[0] >> 4 == 4;
    packet[v4 ? 9 : 6] = protocol;
    if (v4) {
      naive::put16(packet, 10, 0);
      naive::put16(packet, 10, 0xffff ^ naive::sum(packet, 0, 20));
    }
    return packet;
  };
  struct Other {
    bool v4;
    std::uint8_t next;
    bool extension;
  };
  for (const auto& other : {Other{true, icmp, false}, Other{false, icmpv6, false}, Other{false, hop_by_hop, true},
                            Other{false, routing, true}, Other{false, fragment, true},
                            Other{false, destination_options, true}}) {
    for (const bool tcp : {true, false}) {
      SCOPED_TRACE(testing::Message() << int{other.next} << (tcp ? " TCP" : " UDP"));
      Packet first = other.v4 ? Packet{} : v6();
      first.tcp = tcp;
      const auto packets = train(first, 4, 1000);
      std::vector<Bytes> others;
      for (auto packet : packets) {
        if (other.extension) {
          packet.extension = other.next;
          packet.ip_options = Bytes(8, 0);
          others.push_back(packet.bytes());
        } else {
          others.push_back(of_protocol(packet.bytes(), other.next));
        }
      }
      EXPECT_EQ(sizes_of(merged(others)), (std::vector<std::size_t>{1, 1, 1, 1}));

      // In the middle of a train, as if it were the third of its packets.
      auto burst = bytes_of(packets);
      burst.insert(burst.begin() + 2, others[2]);
      const auto groups = merged(burst);
      EXPECT_EQ(sizes_of(groups), (std::vector<std::size_t>{2, 1, 2}));
      std::vector<Bytes> seen;
      for (const auto& group : groups)
        for (auto& packet : cut(group)) seen.push_back(std::move(packet));
      EXPECT_EQ(seen, burst);
    }
  }
}

// Random bursts of several flows with every perturbation: cut again by the
// oracle, each flow's packets must come back byte for byte and in order.
TEST(Merge, RandomBurstsComeBackWholeAndInOrder) {
  std::mt19937 random(7);
  std::size_t offered = 0;
  std::size_t written = 0;
  for (int round = 0; round < 3000; ++round) {
    struct Flow {
      Packet next;
      std::size_t step = 0;
    };
    std::vector<Flow> flows(1 + random() % 20);
    for (std::size_t i = 0; i < flows.size(); ++i) {
      Packet& next = flows[i].next;
      if (random() % 3 == 0) next = v6();
      if (random() % 3 == 0) next.tcp = false;
      next.source_port = static_cast<std::uint16_t>(i);
      next.df = random() % 2 == 0;
      next.id = static_cast<std::uint16_t>(random() % 4 == 0 ? 0xfffe : random());
      next.sequence = static_cast<std::uint32_t>(random() % 4 == 0 ? 0xffffff00 : random());
      if (next.tcp) next.tcp_options = naive::random_bytes(random, random() % 4 * 4);
      flows[i].step = 1 + random() % 1400;
    }
    std::vector<Bytes> burst;
    for (std::size_t i = 1 + random() % 100; i > 0; --i) {
      Flow& flow = flows[random() % flows.size()];
      Packet packet = flow.next;
      packet.payload = naive::random_bytes(random, flow.step);
      switch (random() % 40) {
        case 0: packet.flags |= 0x08; break;
        case 1: packet.flags |= 0x01; break;
        case 2: packet.flags |= static_cast<std::uint8_t>(1U << random() % 8); break;
        case 3: packet.payload.resize(random() % (flow.step + 1)); break;
        case 4: packet.sequence += 1; break;
        case 5: packet.bad_transport_checksum = true; break;
        case 6: packet.bad_ip_checksum = true; break;
        case 7: packet.tos ^= 1; break;
        case 8: flow.next.acknowledgement += 1; break;
        case 9: packet.ttl -= 1; break;
        case 10: packet.id = static_cast<std::uint16_t>(packet.id + (packet.df ? 2 : 1)); break;
        default: break;
      }
      flow.next.sequence += static_cast<std::uint32_t>(packet.payload.size());
      flow.next.id += 1;
      burst.push_back(packet.bytes());
    }
    const auto flow_of = [](const Bytes& packet) { return naive::get16(packet, packet[0] >> 4 == 4 ? 20 : 40); };
    std::map<std::uint32_t, std::vector<Bytes>> sent;
    std::map<std::uint32_t, std::vector<Bytes>> seen;
    for (const auto& packet : burst) sent[flow_of(packet)].push_back(packet);
    for (const auto& group : merged(burst)) {
      ++written;
      for (auto& packet : cut(group)) {
        const auto flow = flow_of(packet);
        seen[flow].push_back(std::move(packet));
      }
    }
    offered += burst.size();
    ASSERT_TRUE(seen == sent) << "round " << round;
  }
  EXPECT_LT(written * 2, offered) << "hardly anything was merged: this tests nothing";
}

TEST(Merge, RandomBytesAreWrittenAsTheyAre) {
  std::mt19937 random(8);
  for (int round = 0; round < 2000; ++round) {
    std::vector<Bytes> burst;
    for (std::size_t i = random() % 20; i > 0; --i) {
      auto packet = naive::random_bytes(random, 1 + random() % 100);
      if (random() % 2 == 0) packet[0] = random() % 2 == 0 ? 0x45 : 0x60;
      if (packet.size() > 9 && random() % 2 == 0) packet[packet[0] == 0x45 ? 9 : 6] = 6;
      if (packet[0] == 0x45 && packet.size() > 7) {
        naive::put16(packet, 2, static_cast<std::uint32_t>(packet.size()));
        naive::put16(packet, 6, 0);
      }
      burst.push_back(packet);
    }
    std::vector<Bytes> seen;
    for (const auto& group : merged(burst)) seen.push_back(group.packet);
    ASSERT_EQ(seen, burst);
  }
}

}  // namespace
}  // namespace radial::engine
