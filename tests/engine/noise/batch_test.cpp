// The data path with many packets at a call: mixed peers, keypairs, families
// and faults in one batch.
#include <algorithm>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "world.h"

namespace radial::engine::world {
namespace {

using Out = Outbound::Verdict;
using In = Inbound::Verdict;

struct Batch : ::testing::Test {
  World w{3};
  Now now;
  Actions actions;

  void SetUp() override {
    w.introduce_all();
    for (std::size_t i = 0; i < 3; ++i) {
      for (std::size_t j = 0; j < 3; ++j) {
        if (i < j) w[i].send(w[j], 1);
      }
    }
    w.run(seconds(2));
    for (std::size_t i = 0; i < 3; ++i) {
      ASSERT_TRUE(std::ranges::all_of(w[i].device().peers(), [&](const Peer* peer) {
        return peer->is_live(w.now(), ProtocolLimits{});
      }));
    }
    now = {w.now(), {}};
  }

  // Room for a message whose inner packet stands in its place.
  static Buffer room_for(const Buffer& packet) {
    // Whole at once: GCC 14 mistakes an insert() behind the header for an overflow.
    Buffer message(packet.size() + data::overhead + padding_multiple);
    std::ranges::copy(packet, message.begin() + data::header_size);
    return message;
  }
  Outbound outbound(Node& from, const Buffer& packet, Buffer& message) {
    return {from.path().route(packet), message.data(), nullptr, static_cast<std::uint32_t>(packet.size())};
  }
};

TEST_F(Batch, EachPacketGoesItsOwnWay) {
  std::vector<Buffer> packets{
      make_packet(w[0].inner(), w[1].inner(), 10, 60),  make_packet(w[0].inner(), w[2].inner(), 11, 1420),
      make_packet(w[0].inner(), w[1].inner(), 12, 100), make_packet(w[0].inner(), IpAddress::from_v4(1), 13),
      make_packet(w[0].inner(), w[1].inner(), 14, 25),
  };
  std::vector<Buffer> messages;
  for (const auto& packet : packets) messages.push_back(room_for(packet));
  std::vector<Outbound> batch;
  const auto section = w[0].path().enter();
  for (std::size_t i = 0; i < packets.size(); ++i) batch.push_back(outbound(w[0], packets[i], messages[i]));
  w[0].path().seal(batch, now, actions);
  EXPECT_TRUE(actions.empty());
  for (std::size_t i = 0; i < packets.size(); ++i) EXPECT_EQ(batch[i].verdict, i == 3 ? Out::no_peer : Out::sealed);

  // To node 1, with its duplicates, another's message, a damaged one and noise.
  const auto from = w[0].address();
  Buffer damaged = messages[2];
  damaged[30] ^= 1;
  Buffer again = messages[0];
  Buffer short_one{4, 0, 0, 0, 1, 2, 3};
  Buffer empty;
  Buffer initiation{1, 0, 0, 0};
  struct Expected {
    Buffer* bytes;
    std::uint32_t length;
    In verdict;
  };
  std::vector<Expected> expected{
      {&messages[0], batch[0].message_length, In::deliver},    {&again, batch[0].message_length, In::replayed},
      {&damaged, batch[2].message_length, In::bad_tag},        {&messages[2], batch[2].message_length, In::deliver},
      {&messages[1], batch[1].message_length, In::no_session}, {&short_one, 7, In::malformed},
      {&empty, 0, In::malformed},                              {&initiation, 4, In::handshake},
      {&messages[4], batch[4].message_length, In::deliver},
  };
  std::vector<Inbound> inbound(expected.size());
  for (std::size_t i = 0; i < expected.size(); ++i) {
    inbound[i].message = expected[i].bytes->data();
    inbound[i].length = expected[i].length;
    inbound[i].from = &from;
  }
  const auto other_section = w[1].path().enter();
  w[1].path().open(inbound, now, actions);
  for (std::size_t i = 0; i < expected.size(); ++i) EXPECT_EQ(inbound[i].verdict, expected[i].verdict) << i;
  for (const auto& [at, packet] : {std::pair(0, 0), std::pair(3, 2), std::pair(8, 4)}) {
    const auto inner = inbound[static_cast<std::size_t>(at)].inner;
    EXPECT_EQ(Buffer(inner.begin(), inner.end()), packets[static_cast<std::size_t>(packet)]);
    ASSERT_NE(inbound[static_cast<std::size_t>(at)].peer, nullptr);
    EXPECT_EQ(inbound[static_cast<std::size_t>(at)].peer->key(), w[0].key());
  }
  EXPECT_EQ(inbound[0].peer->counters().rx_replayed, 1U);
  EXPECT_EQ(inbound[0].peer->counters().rx_bad_tag, 1U);
  EXPECT_EQ(inbound[2].peer, nullptr);
}

TEST_F(Batch, OnePacketGoesToEveryPeerFromOneCopy) {
  auto packet = make_packet(w[0].inner(), *IpAddress::parse("224.0.0.5"), 9, 70);
  const auto original = packet;
  packet.resize(packet.size() + 15, 0xee);  // what padding may overwrite
  std::vector<Buffer> messages(2, Buffer(200));
  std::vector<Outbound> batch;
  const auto section = w[0].path().enter();
  for (auto* peer : w[0].device().peers()) {
    batch.push_back({peer, messages[batch.size()].data(), packet.data(), 70});
  }
  w[0].path().seal(batch, now, actions);
  for (std::size_t i = 0; i < 2; ++i) {
    ASSERT_EQ(batch[i].verdict, Out::sealed);
    const auto from = w[0].address();
    Inbound inbound;
    inbound.message = messages[i].data();
    inbound.length = batch[i].message_length;
    inbound.from = &from;
    auto& receiver = batch[i].peer->key() == w[1].key() ? w[1] : w[2];
    const auto other_section = receiver.path().enter();
    receiver.path().open(std::span(&inbound, 1), now, actions);
    ASSERT_EQ(inbound.verdict, In::deliver);
    EXPECT_EQ(Buffer(inbound.inner.begin(), inbound.inner.end()), original);
  }
}

Buffer ipv6_packet(std::string_view from, std::string_view to, std::size_t payload) {
  Buffer packet(40 + payload, 0x5a);
  packet[0] = 0x60;
  packet[1] = packet[2] = packet[3] = 0;
  packet[4] = static_cast<std::uint8_t>(payload >> 8U);
  packet[5] = static_cast<std::uint8_t>(payload);
  const auto source = *IpAddress::parse(from);
  const auto target = *IpAddress::parse(to);
  std::ranges::copy(source.bytes(), packet.begin() + 8);
  std::ranges::copy(target.bytes(), packet.begin() + 24);
  return packet;
}

TEST_F(Batch, Ipv6InsideIsRoutedAndChecked) {
  const auto give = [&](Node& node, const Node& peer, std::string_view prefix) {
    DeviceChange change;
    change.peers.emplace_back().key = peer.key();
    change.peers[0].allowed_ips.push_back({*Prefix::parse(prefix)});
    node.configure(std::move(change));
  };
  give(w[0], w[1], "2001:db8:1::/48");
  give(w[1], w[0], "2001:db8::/48");
  w[1].verdicts.clear();
  const auto good = ipv6_packet("2001:db8::5", "2001:db8:1::7", 333);
  EXPECT_EQ(w[0].send_packet(good), Out::sealed);
  EXPECT_EQ(w[0].send_packet(ipv6_packet("2001:db8:2::5", "2001:db8:1::7", 0)), Out::sealed);
  auto too_long = ipv6_packet("2001:db8::5", "2001:db8:1::7", 100);
  too_long[4] = 1;
  EXPECT_EQ(w[0].send_packet(too_long), Out::sealed);
  auto odd_version = good;
  odd_version[0] = 0x50;
  EXPECT_EQ(w[0].send_packet(odd_version), Out::no_peer);
  EXPECT_EQ(w[0].send_packet(ipv6_packet("2001:db8::5", "2001:db8:3::7", 0)), Out::no_peer);
  w.run(seconds(1));
  EXPECT_THAT(w[1].verdicts, ::testing::ElementsAre(In::deliver, In::bad_source, In::bad_packet));
  ASSERT_FALSE(w[1].packets.empty());
  EXPECT_EQ(w[1].packets.back(), good) << "trimmed of its padding";
}

TEST_F(Batch, CountersAreReservedOncePerMessageAndNeverPastTheLimit) {
  Keypair keypair({nullptr, 1, 2, true, Instant{}}, test_key(1), test_key(2));
  EXPECT_EQ(keypair.reserve(3, 10), 0U);
  EXPECT_EQ(keypair.reserve(7, 10), 3U);
  EXPECT_EQ(keypair.reserve(1, 10), std::nullopt);
  EXPECT_FALSE(keypair.can_send(Instant{}, ProtocolLimits{})) << "over for good";
  Keypair other({nullptr, 1, 2, true, Instant{}}, test_key(1), test_key(2));
  EXPECT_EQ(other.reserve(11, 10), std::nullopt);
  EXPECT_EQ(other.reserve(UINT64_MAX, UINT64_MAX - 5), std::nullopt);
}

}  // namespace
}  // namespace radial::engine::world
