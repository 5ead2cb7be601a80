// Two (or three) engines on a friendly network: sessions, timers, roaming,
// configuration. Times are those of the paper, on a fake clock.
#include <algorithm>
#include <map>
#include <numeric>
#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "world.h"

namespace radial::engine::world {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using Verdict = Outbound::Verdict;

constexpr auto no_delay = milliseconds(0);

struct Session : ::testing::Test {
  World w{2};
  Node& a = w[0];
  Node& b = w[1];

  void SetUp() override { w.introduce_all(); }
  void connect() {
    a.send(b, 1000);
    w.run(seconds(1));
    ASSERT_THAT(b.delivered, ElementsAre(1000));
    b.delivered.clear();
    w.log.clear();
  }
};

TEST_F(Session, TheFirstPacketStartsAHandshakeAndArrives) {
  EXPECT_EQ(a.send(b, 1), Verdict::staged);
  w.run(seconds(1));
  EXPECT_THAT(b.delivered, ElementsAre(1));
  EXPECT_EQ(w.sent(1), 1U);
  EXPECT_EQ(w.sent(2), 1U);
  EXPECT_EQ(w.sent(4), 1U) << "the waiting packet confirms the session, no keepalive besides";
  EXPECT_EQ(b.send(a, 2), Verdict::sealed);
  EXPECT_EQ(a.send(b, 3), Verdict::sealed);
  w.run(seconds(1));
  EXPECT_THAT(a.delivered, ElementsAre(2));
  EXPECT_THAT(b.delivered, ElementsAre(1, 3));
  EXPECT_EQ(a.count(Event::Kind::handshake_completed), 1U);
  EXPECT_EQ(b.count(Event::Kind::handshake_completed), 1U);
  EXPECT_TRUE(a.status_of(b).last_handshake);
  EXPECT_TRUE(b.status_of(a).last_handshake);
}

TEST_F(Session, HandshakesAreMarkedAndSized) {
  a.send(b, 1);
  w.run(seconds(1));
  EXPECT_EQ(w.sent_wires(1).at(0).bytes.size(), 148U);
  EXPECT_EQ(w.sent_wires(1).at(0).ds, 0x88);
  EXPECT_EQ(w.sent_wires(2).at(0).bytes.size(), 92U);
  EXPECT_EQ(w.sent_wires(2).at(0).ds, 0x88);
  EXPECT_EQ(w.sent_wires(4).at(0).ds, 0);
}

TEST_F(Session, TheResponderWaitsForConfirmationBeforeItSends) {
  w.network = [](Wire& wire) -> std::vector<std::chrono::nanoseconds> {
    if (wire.bytes[0] == 4) return {};
    return {no_delay};
  };
  a.send(b, 1);
  w.run(milliseconds(100));
  EXPECT_EQ(w.sent(2, 1), 1U);
  EXPECT_EQ(b.send(a, 2), Verdict::staged);
  w.network = [](Wire&) { return std::vector<std::chrono::nanoseconds>{no_delay}; };
  a.send(b, 3);
  w.run(milliseconds(100));
  EXPECT_THAT(b.delivered, ElementsAre(3));
  EXPECT_THAT(a.delivered, ElementsAre(2)) << "what the responder had waiting goes out on confirmation";
}

TEST_F(Session, WaitingPacketsKeepTheirOrderAndTheOldestMakeRoom) {
  for (std::uint32_t i = 0; i < 200; ++i) a.send(b, i);
  w.run(seconds(1));
  std::vector<std::uint32_t> expected(128);
  std::iota(expected.begin(), expected.end(), 72U);
  auto got = b.delivered;
  EXPECT_EQ(got, expected);
}

TEST_F(Session, StatisticsCountWhatGoesOverTheWire) {
  connect();
  const auto before_a = a.status_of(b);
  const auto before_b = b.status_of(a);
  EXPECT_EQ(before_a.tx_bytes, 148U + 32 + 112);
  EXPECT_EQ(before_a.rx_bytes, 92U);
  EXPECT_EQ(before_b.rx_bytes, before_a.tx_bytes);
  EXPECT_EQ(before_b.tx_bytes, before_a.rx_bytes);
  a.send(b, 1, 1420);
  w.run(seconds(1));
  EXPECT_EQ(a.status_of(b).tx_bytes - before_a.tx_bytes, 1452U);
  EXPECT_EQ(b.status_of(a).rx_bytes - before_b.rx_bytes, 1452U);
}

TEST_F(Session, EverySizeArrivesAndIsPadded) {
  connect();
  for (std::size_t size = 24; size <= 1420; ++size) {
    w.log.clear();
    a.send(b, static_cast<std::uint32_t>(size), size);
    w.run(milliseconds(20));
    ASSERT_EQ(b.delivered.size(), 1U) << size;
    EXPECT_EQ(b.packets.back(), make_packet(a.inner(), b.inner(), static_cast<std::uint32_t>(size), size));
    EXPECT_EQ(w.log.at(0).bytes.size(), 32 + std::min<std::size_t>((size + 15) / 16 * 16, 1420));
    b.delivered.clear();
  }
}

TEST_F(Session, SilenceIsAnsweredByOneKeepaliveAfter10Seconds) {
  connect();
  w.run(seconds(25));  // past the keepalive for the packet with which the session began
  w.log.clear();
  a.send(b, 1);
  w.run(milliseconds(9900));
  EXPECT_EQ(w.sent(4, 1), 0U);
  w.run(milliseconds(200));
  EXPECT_EQ(w.sent(4, 1), 1U);
  EXPECT_EQ(w.sent_wires(4).back().bytes.size(), 32U);
  w.log.clear();
  w.run(seconds(60));
  EXPECT_EQ(w.sent(4), 0U) << "keepalives are not answered";
}

TEST_F(Session, DataWhileAKeepaliveIsDueBringsAnother) {
  connect();
  w.run(seconds(25));
  w.log.clear();
  a.send(b, 1);
  w.run(seconds(5));
  a.send(b, 2);
  w.run(seconds(40));
  EXPECT_EQ(w.sent(4, 1), 2U) << "as the kernel does";
}

TEST_F(Session, TwoWayTrafficNeedsNoKeepalives) {
  connect();
  for (int i = 0; i < 300; ++i) {
    a.send(b, 1);
    b.send(a, 2);
    w.run(milliseconds(100));
  }
  EXPECT_EQ(w.sent(4), 600U);
}

TEST_F(Session, SentDataWithoutAnswerLeadsToAHandshakeAfter15Seconds) {
  connect();
  w.run(seconds(30));
  w.log.clear();
  w.network = [](Wire&) { return std::vector<std::chrono::nanoseconds>{}; };
  a.send(b, 1);
  w.run(milliseconds(14900));
  EXPECT_EQ(w.sent(1), 0U);
  w.run(milliseconds(500));
  EXPECT_EQ(w.sent(1), 1U);
}

TEST_F(Session, TheInitiatorRekeysAfter120SecondsWithoutLoss) {
  connect();
  std::uint32_t number = 0;
  for (int i = 0; i < 4000; ++i) {
    a.send(b, number++);
    b.send(a, number++);
    w.run(milliseconds(100));
  }
  w.run(seconds(1));
  EXPECT_EQ(a.delivered.size() + b.delivered.size(), number);
  EXPECT_EQ(w.sent(1, 0), 3U) << "at 120, 240 and 360 s";
  EXPECT_EQ(w.sent(1, 1), 0U);
}

TEST_F(Session, AReceivingInitiatorRekeysAtTheLastMinute) {
  connect();
  std::uint32_t number = 0;
  // b sends all the time, a only its keepalives: those are what let a know.
  for (int i = 0; i < 400; ++i) {
    b.send(a, number++);
    w.run(seconds(1));
  }
  EXPECT_EQ(a.delivered.size(), number);
  EXPECT_GE(w.sent(1, 0), 2U);
  EXPECT_EQ(w.sent(1, 1), 0U);
}

TEST_F(Session, AnOldSessionIsNotUsed) {
  connect();
  w.run(seconds(180));
  EXPECT_EQ(a.send(b, 1), Verdict::staged);
  w.run(seconds(1));
  EXPECT_THAT(b.delivered, ElementsAre(1));
  EXPECT_EQ(w.sent(1), 1U);
}

TEST_F(Session, AMessageOfAnOldSessionIsRefused) {
  connect();
  std::optional<Wire> kept;
  w.network = [&](Wire& wire) -> std::vector<std::chrono::nanoseconds> {
    if (!kept) kept = wire;
    return {};
  };
  a.send(b, 7);
  w.run(seconds(180));
  b.verdicts.clear();
  w.inject(*kept);
  w.run(milliseconds(10));
  EXPECT_THAT(b.delivered, IsEmpty());
  EXPECT_THAT(b.verdicts, ElementsAre(Inbound::Verdict::no_session));
}

TEST_F(Session, KeysAreClearedAfterThreeTimesTheRejectTime) {
  connect();
  w.run(seconds(538));
  EXPECT_EQ(a.count(Event::Kind::session_cleared), 0U);
  w.run(seconds(3));
  EXPECT_EQ(a.count(Event::Kind::session_cleared), 1U);
  EXPECT_EQ(b.count(Event::Kind::session_cleared), 1U);
  EXPECT_EQ(a.device().peers()[0]->current(), nullptr);
  EXPECT_EQ(b.device().peers()[0]->current(), nullptr);
  a.send(b, 1);
  w.run(seconds(1));
  EXPECT_THAT(b.delivered, ElementsAre(1));
}

TEST_F(Session, AHandshakeIsRetriedEvery5SecondsAndGivenUp) {
  w.network = [](Wire&) { return std::vector<std::chrono::nanoseconds>{}; };
  a.send(b, 1);
  w.run(seconds(52));
  EXPECT_GE(w.sent(1), 10U);
  EXPECT_LE(w.sent(1), 11U);
  w.run(seconds(100));
  EXPECT_EQ(w.sent(1), 20U);
  EXPECT_EQ(a.count(Event::Kind::handshake_gave_up), 1U);
  w.network = [](Wire&) { return std::vector<std::chrono::nanoseconds>{no_delay}; };
  w.run(seconds(100));
  EXPECT_THAT(b.delivered, IsEmpty()) << "what waited was dropped";
  a.send(b, 2);
  w.run(seconds(1));
  EXPECT_THAT(b.delivered, ElementsAre(2));
}

// Paper, section 6.1: up to 333 ms, so that peers which lost each other at one
// moment do not come back at one moment.
TEST(Jitter, KeepsTheHandshakesOfPeersApart) {
  World w(31);
  for (std::size_t i = 1; i < 31; ++i) w[0].add(w[i]);  // who do not know node 0
  std::map<std::uint32_t, std::vector<Instant>> times;  // of initiations, by the peer's address
  w.network = [&](Wire& wire) {
    if (wire.bytes[0] == 1) times[wire.destination.remote.v4.sin_addr.s_addr].push_back(w.now());
    return std::vector<std::chrono::nanoseconds>{};
  };
  for (std::size_t i = 1; i < 31; ++i) w[0].send(w[i], 1);
  w.run(seconds(17));
  ASSERT_EQ(times.size(), 30U);
  std::set<Duration> waits;
  for (const auto& [peer, at] : times) {
    ASSERT_EQ(at.size(), 4U);
    for (std::size_t i = 1; i < at.size(); ++i) {
      waits.insert(at[i] - at[i - 1]);
      EXPECT_GE(at[i] - at[i - 1], seconds(5));
      EXPECT_LE(at[i] - at[i - 1], milliseconds(5333));
    }
  }
  EXPECT_EQ(waits.size(), 90U) << "no two alike";
  EXPECT_LT(*waits.begin(), milliseconds(5050));
  EXPECT_GT(*waits.rbegin(), milliseconds(5283));
}

TEST(Jitter, KeepsHandshakesApartThatUnansweredDataBegins) {
  World w(31);
  w.introduce_all();
  for (std::size_t i = 1; i < 31; ++i) w[0].send(w[i], 1);
  w.run(seconds(30));
  std::set<Duration> waits;
  const auto sent = w.now();
  w.network = [&](Wire& wire) {
    if (wire.bytes[0] == 1 && wire.from == 0) waits.insert(w.now() - sent);
    return std::vector<std::chrono::nanoseconds>{};
  };
  for (std::size_t i = 1; i < 31; ++i) w[0].send(w[i], 2);
  w.run(milliseconds(15333));
  ASSERT_EQ(waits.size(), 30U) << "no two alike";
  EXPECT_GE(*waits.begin(), seconds(15));
  EXPECT_LT(*waits.begin(), milliseconds(15100));
  EXPECT_GT(*waits.rbegin(), milliseconds(15233));
}

TEST_F(Session, PersistentKeepaliveStartsASessionAndKeepsIt) {
  a.add(b, true, std::uint16_t{25});
  w.run(seconds(1));
  EXPECT_EQ(w.sent(1, 0), 1U) << "turned on, it is sent at once";
  EXPECT_EQ(a.status_of(b).persistent_keepalive, 25);
  w.log.clear();
  w.run(seconds(100));
  EXPECT_EQ(w.sent(4, 0), 4U);
  w.run(seconds(1000));
  EXPECT_TRUE(a.device().peers()[0]->is_live(w.now(), ProtocolLimits{}));
  EXPECT_TRUE(b.device().peers()[0]->is_live(w.now(), ProtocolLimits{}));
  a.add(b, true, std::uint16_t{0});
  w.run(seconds(40));
  w.log.clear();
  w.run(seconds(600));
  EXPECT_EQ(w.log.size(), 0U);
}

TEST_F(Session, PersistentKeepaliveGoesOnAfterAnOutage) {
  a.add(b, true, std::uint16_t{25});
  w.run(seconds(10));
  w.network = [](Wire&) { return std::vector<std::chrono::nanoseconds>{}; };
  w.run(seconds(3600));
  w.network = [](Wire&) { return std::vector<std::chrono::nanoseconds>{milliseconds(10)}; };
  w.run(seconds(30));
  EXPECT_TRUE(b.device().peers()[0]->is_live(w.now(), ProtocolLimits{}));
}

TEST_F(Session, RoamingFollowsAuthenticatedPacketsOnly) {
  connect();
  const auto old_address = a.address();
  const auto new_address = UdpPath::to(*IpAddress::parse("198.51.100.9"), 4000);
  // Somebody else's copies: damaged ones, and a replayed one.
  a.send(b, 1);
  w.run(milliseconds(100));
  auto forged = w.sent_wires(4).back();
  forged.source = new_address;
  w.inject(forged);
  forged.bytes.back() ^= 1;
  w.inject(forged);
  w.run(milliseconds(100));
  EXPECT_TRUE(b.status_of(a).path.same_remote(old_address));

  a.move_to(new_address);
  a.send(b, 2);
  w.run(milliseconds(100));
  EXPECT_TRUE(b.status_of(a).path.same_remote(new_address));
  EXPECT_EQ(b.events.back().kind, Event::Kind::endpoint_changed);
  EXPECT_TRUE(b.events.back().path.same_remote(new_address));
  b.send(a, 3);
  w.run(milliseconds(100));
  EXPECT_THAT(a.delivered, ElementsAre(3));
}

TEST_F(Session, APeerWithoutEndpointIsLearntFromItsHandshake) {
  World v(2);
  v[0].add(v[1]);
  v[1].add(v[0], false);
  EXPECT_EQ(v[1].send(v[0], 1), Verdict::no_endpoint);
  v[0].send(v[1], 2);
  v.run(seconds(1));
  EXPECT_THAT(v[1].delivered, ElementsAre(2));
  EXPECT_EQ(v[1].send(v[0], 3), Verdict::sealed);
}

TEST_F(Session, AnEndpointSetLaterSendsWhatWaits) {
  World v(2);
  v[0].add(v[1], false, std::uint16_t{25});
  v[1].add(v[0], false);
  v.run(seconds(60));
  EXPECT_EQ(v.log.size(), 0U);
  v[0].add(v[1]);
  v.run(seconds(1));
  EXPECT_TRUE(v[1].status_of(v[0]).last_handshake);
}

TEST_F(Session, ThePresharedKeyMustAgree) {
  const auto one = test_key(50);
  const auto two = test_key(51);
  a.add(b, true, std::nullopt, &one);
  b.add(a, true, std::nullopt, &two);
  a.send(b, 1);
  w.run(seconds(3));
  EXPECT_THAT(b.delivered, IsEmpty());
  b.add(a, true, std::nullopt, &one);
  w.run(seconds(4));
  EXPECT_THAT(b.delivered, ElementsAre(1));
}

TEST_F(Session, ANewPresharedKeyDoesNotDisturbTheSession) {
  connect();
  const auto fresh = test_key(52);
  a.add(b, true, std::nullopt, &fresh);
  b.add(a, true, std::nullopt, &fresh);
  for (std::uint32_t i = 0; i < 200; ++i) {
    a.send(b, i);
    b.send(a, i);
    w.run(seconds(1));
  }
  EXPECT_EQ(a.delivered.size(), 200U);
  EXPECT_EQ(b.delivered.size(), 200U);
  EXPECT_EQ(w.sent(1), 1U);
}

TEST_F(Session, OnlyThePeersOwnSourcesAreDelivered) {
  connect();
  const auto stranger = *IpAddress::parse("10.9.9.9");
  b.verdicts.clear();
  a.send_packet(make_packet(stranger, b.inner(), 1));
  auto truncated = make_packet(a.inner(), b.inner(), 2);
  truncated[2] = 0x7f;  // claims more than there is
  a.send_packet(truncated);
  w.run(seconds(1));
  EXPECT_THAT(b.delivered, IsEmpty());
  EXPECT_THAT(b.verdicts, ElementsAre(Inbound::Verdict::bad_source, Inbound::Verdict::bad_packet));
}

TEST_F(Session, CongestionMarksReachTheInnerPacket) {
  connect();
  b.ds_to_apply = 3;
  a.send_packet(make_packet(a.inner(), b.inner(), 1, 100, 2));
  a.send_packet(make_packet(a.inner(), b.inner(), 2, 100, 0));
  w.run(seconds(1));
  ASSERT_EQ(b.delivered.size(), 2U);
  EXPECT_EQ(b.packets[b.packets.size() - 2][1], 3);
  EXPECT_EQ(b.packets.back()[1], 0);
}

TEST_F(Session, RekeyByCountWithShortenedLimits) {
  ProtocolLimits limits;
  limits.rekey_after_messages = 50;
  limits.reject_after_messages = 80;
  World v(2, limits);
  v.introduce_all();
  std::uint32_t number = 0;
  for (int i = 0; i < 1000; ++i) {
    v[0].send(v[1], number++);
    v.run(milliseconds(200));
  }
  v.run(seconds(1));
  EXPECT_EQ(v[1].delivered.size(), number);
  EXPECT_GE(v.sent(1), 18U);
}

TEST_F(Session, AfterTheMessageLimitNothingGoesOutUnderTheOldKey) {
  ProtocolLimits limits;
  limits.rekey_after_messages = 50;
  limits.reject_after_messages = 80;
  World v(2, limits);
  v.introduce_all();
  v[0].send(v[1], 0);
  v.run(seconds(1));
  v.network = [](Wire& wire) -> std::vector<std::chrono::nanoseconds> {
    if (wire.bytes[0] != 4) return {};
    return {milliseconds(1)};
  };
  std::size_t sealed = 0;
  for (std::uint32_t i = 1; i < 200; ++i) sealed += v[0].send(v[1], i) == Verdict::sealed ? 1 : 0;
  EXPECT_EQ(sealed, 79U);
}

TEST_F(Session, DownForgetsSessionsAndUpStartsAgain) {
  connect();
  a.device().down();
  EXPECT_EQ(a.device().peers()[0]->current(), nullptr);
  w.run(seconds(100));
  EXPECT_EQ(w.sent(1, 0), 0U);
  Actions actions;
  a.device().up({w.now(), {}}, actions);
  EXPECT_TRUE(actions.empty());
  a.send(b, 5);
  w.run(seconds(1));
  EXPECT_THAT(b.delivered, ElementsAre(5));
}

TEST_F(Session, ANewPrivateKeyEndsSendingUnderTheOldOne) {
  connect();
  DeviceChange change;
  change.private_key = test_key(77);
  a.configure(std::move(change));
  EXPECT_EQ(a.send(b, 1), Verdict::staged);
  w.run(seconds(1));
  EXPECT_THAT(b.delivered, IsEmpty()) << "b does not know that key";
  DeviceChange back;
  back.private_key = test_key(1);
  a.configure(std::move(back));
  w.run(seconds(6));
  a.send(b, 2);
  w.run(seconds(6));
  EXPECT_THAT(b.delivered, ElementsAre(1, 2));
}

TEST_F(Session, APeerWithOurOwnKeyIsRemovedOrRefused) {
  DeviceChange change;
  change.private_key = test_key(2);  // b's
  a.configure(std::move(change));
  EXPECT_TRUE(a.device().status().peers.empty());
  a.add(b);
  EXPECT_TRUE(a.device().status().peers.empty());
}

TEST_F(Session, ConfigurationFollowsTheSetOperation) {
  auto change_of = [](const Node& peer) {
    DeviceChange change;
    change.peers.emplace_back().key = peer.key();
    return change;
  };
  auto change = change_of(b);
  change.peers[0].allowed_ips = {{*Prefix::parse("10.1.0.0/16")}, {*Prefix::parse("2001:db8::/32")}};
  a.configure(std::move(change));
  EXPECT_EQ(a.status_of(b).allowed_ips.size(), 3U) << "added";

  change = change_of(b);
  change.peers[0].allowed_ips = {{*Prefix::parse("10.1.0.0/16"), true}, {*Prefix::parse("10.77.0.0/16"), true}};
  a.configure(std::move(change));
  EXPECT_EQ(a.status_of(b).allowed_ips.size(), 2U) << "one removed, one not there";

  change = change_of(b);
  change.peers[0].replace_allowed_ips = true;
  change.peers[0].allowed_ips = {{*Prefix::parse("10.2.0.0/16")}};
  a.configure(std::move(change));
  EXPECT_THAT(a.status_of(b).allowed_ips, ElementsAre(*Prefix::parse("10.2.0.0/16")));

  DeviceChange unknown;
  unknown.peers.emplace_back().key = x25519_public(test_key(90));
  unknown.peers[0].update_only = true;
  a.configure(std::move(unknown));
  EXPECT_EQ(a.device().status().peers.size(), 1U);

  DeviceChange replace;
  replace.replace_peers = true;
  replace.peers.emplace_back().key = x25519_public(test_key(91));
  a.configure(std::move(replace));
  ASSERT_EQ(a.device().status().peers.size(), 1U);
  EXPECT_EQ(a.device().status().peers[0].key, x25519_public(test_key(91)));
  EXPECT_EQ(a.device().allowed_ips().size(), 0U);
}

TEST_F(Session, ARemovedPeerIsSilent) {
  connect();
  DeviceChange change;
  change.peers.emplace_back().key = b.key();
  change.peers[0].remove = true;
  a.configure(std::move(change));
  EXPECT_EQ(a.send(b, 1), Verdict::no_peer);
  a.verdicts.clear();
  b.send(a, 2);
  w.run(seconds(30));
  EXPECT_THAT(a.verdicts, ::testing::Each(Inbound::Verdict::no_session));
  EXPECT_EQ(w.sent(1, 0) + w.sent(2, 0) + w.sent(4, 0), 0U);
}

TEST_F(Session, WithoutAPrivateKeyNothingIsSaid) {
  DeviceChange change;
  change.private_key = Secret();
  a.configure(std::move(change));
  b.send(a, 1);
  a.send(b, 1);
  w.run(seconds(20));
  EXPECT_EQ(w.sent(1, 0) + w.sent(2, 0) + w.sent(3, 0), 0U);
}

TEST(Scale, TenThousandPeersOnOneDevice) {
  World w(1);
  DeviceChange change;
  for (std::uint32_t i = 0; i < 10000; ++i) {
    auto& peer = change.peers.emplace_back();
    std::array<std::uint8_t, 32> key{};
    store_u32(key.data(), i + 1);
    key[20] = 9;
    peer.key = PublicKey(key);
    peer.allowed_ips.push_back({Prefix::host(IpAddress::from_v4(0x0a000000U + i))});
  }
  w[0].configure(std::move(change));
  EXPECT_EQ(w[0].device().peers().size(), 10000U);
  EXPECT_EQ(w[0].device().status().peers.size(), 10000U);
  w.run(seconds(100));
  DeviceChange clear;
  clear.replace_peers = true;
  w[0].configure(std::move(clear));
  EXPECT_EQ(w[0].device().peers().size(), 0U);
}

}  // namespace
}  // namespace radial::engine::world
