// Engines on a network that loses, repeats, reorders, damages and forges.
//   safety:   only what was sent arrives, unchanged, once
//   liveness: once the network behaves again, traffic flows within seconds
#include <algorithm>
#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "world.h"

namespace radial::engine::world {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using Delays = std::vector<std::chrono::nanoseconds>;

struct Hostile : ::testing::Test {
  World w{2};
  Node& a = w[0];
  Node& b = w[1];
  void SetUp() override { w.introduce_all(); }
  void friendly() {
    w.network = [](Wire&) { return Delays{milliseconds(10)}; };
  }
  void connect() {
    a.send(b, 1000);
    w.run(seconds(1));
    ASSERT_THAT(b.delivered, ElementsAre(1000));
    b.delivered.clear();
    w.log.clear();
  }
};

// Loss of each message of the handshake in turn: 1 initiation, 2 response, 4
// the first data message.
class Loss : public Hostile, public ::testing::WithParamInterface<std::pair<int, int>> {};

TEST_P(Loss, OfAHandshakeMessageIsSurvived) {
  const auto [type, times] = GetParam();
  int left = times;
  w.network = [&, type = type](Wire& wire) {
    if (wire.bytes[0] == type && left > 0) {
      --left;
      return Delays{};
    }
    return Delays{milliseconds(10)};
  };
  a.send(b, 1);
  for (std::uint32_t i = 2; i < 40; ++i) {
    w.run(seconds(1));
    a.send(b, i);
    b.send(a, i + 100);
  }
  w.run(seconds(1));
  EXPECT_EQ(left, 0);
  // Whatever was not itself a lost data message arrives.
  const std::size_t lost = type == 4 ? static_cast<std::size_t>(times) : 0;
  EXPECT_EQ(a.delivered.size() + b.delivered.size(), 39 + 38 - lost);
}

INSTANTIATE_TEST_SUITE_P(EachMessage, Loss,
                         ::testing::Values(std::pair(1, 1), std::pair(1, 4), std::pair(2, 1), std::pair(2, 4),
                                           std::pair(4, 1)));

TEST_F(Hostile, DuplicatesOfEverythingChangeNothing) {
  w.network = [](Wire&) { return Delays{milliseconds(10), milliseconds(11), milliseconds(3000)}; };
  for (std::uint32_t i = 0; i < 300; ++i) {
    a.send(b, i);
    b.send(a, i + 1000);
    w.run(seconds(1));
  }
  w.run(seconds(5));
  EXPECT_EQ(std::set(b.delivered.begin(), b.delivered.end()).size(), b.delivered.size());
  EXPECT_EQ(std::set(a.delivered.begin(), a.delivered.end()).size(), a.delivered.size());
  EXPECT_EQ(a.delivered.size() + b.delivered.size(), 600U);
  EXPECT_EQ(w.sent(2), w.sent(1)) << "one response for each initiation";
}

TEST_F(Hostile, ReorderingWithinTheWindowLosesNothing) {
  connect();
  w.network = [this](Wire&) { return Delays{milliseconds(w.random() % 400)}; };
  for (std::uint32_t i = 0; i < 5000; ++i) {
    a.send(b, i);
    w.run(milliseconds(1));
  }
  w.run(seconds(1));
  EXPECT_EQ(b.delivered.size(), 5000U);
  EXPECT_FALSE(std::is_sorted(b.delivered.begin(), b.delivered.end()));
}

TEST_F(Hostile, AReplayedInitiationIsIgnored) {
  a.send(b, 1);
  w.run(seconds(1));
  const auto initiation = w.sent_wires(1).at(0);
  const auto responses = w.sent(2);
  for (int i = 0; i < 20; ++i) {
    w.inject(initiation);
    w.run(seconds(7));
  }
  EXPECT_EQ(w.sent(2), responses);
  // And the session it would have replaced lives on.
  EXPECT_EQ(b.send(a, 2), Outbound::Verdict::sealed);
}

TEST_F(Hostile, AReplayedInitiationIsIgnoredInALaterSessionToo) {
  connect();
  for (int i = 0; i < 130; ++i) {
    a.send(b, 5);
    w.run(seconds(1));
  }
  const auto initiations = w.sent_wires(1);
  ASSERT_FALSE(initiations.empty());
  const auto responses = w.sent(2);
  w.inject(initiations.front());
  w.run(seconds(1));
  EXPECT_EQ(w.sent(2), responses);
}

TEST_F(Hostile, AReplayedResponseIsIgnored) {
  a.send(b, 1);
  w.run(seconds(1));
  w.inject(w.sent_wires(2).at(0));
  const auto completed = a.count(Event::Kind::handshake_completed);
  w.run(seconds(1));
  EXPECT_EQ(a.count(Event::Kind::handshake_completed), completed);
}

TEST_F(Hostile, DamageIsNeverDelivered) {
  connect();
  std::size_t damaged = 0;
  w.network = [&](Wire& wire) {
    if (w.random() % 2 == 0) {
      wire.bytes[w.random() % wire.bytes.size()] ^= static_cast<std::uint8_t>(1U << w.random() % 8);
      ++damaged;
    } else if (w.random() % 8 == 0) {
      wire.bytes.resize(w.random() % wire.bytes.size() + 1);
      ++damaged;
    }
    return Delays{milliseconds(10)};
  };
  for (std::uint32_t i = 0; i < 2000; ++i) {
    a.send(b, i);
    w.run(milliseconds(50));
  }
  EXPECT_GT(damaged, 500U);
  for (const auto& packet : b.packets) {
    if (number_of(packet) == 1000 && packet == b.packets.front()) continue;
    ASSERT_EQ(packet, make_packet(a.inner(), b.inner(), number_of(packet)));
  }
  EXPECT_GT(b.delivered.size(), 500U);
}

TEST_F(Hostile, TheResponderIsKilledAndStartedAgain) {
  connect();
  b.restart();
  b.add(a);
  b.delivered.clear();
  // a learns nothing until 15 s after its unanswered data.
  for (std::uint32_t i = 0; i < 25; ++i) {
    a.send(b, i);
    w.run(seconds(1));
  }
  ASSERT_FALSE(b.delivered.empty());
  EXPECT_LE(b.delivered.front(), 16U);
}

TEST_F(Hostile, TheRestartedSideMayItselfBeginAtOnce) {
  connect();
  b.restart();
  b.add(a);
  b.send(a, 7);
  w.run(seconds(1));
  EXPECT_THAT(a.delivered, ElementsAre(7));
  a.send(b, 8);
  w.run(seconds(1));
  EXPECT_THAT(b.delivered, ElementsAre(8));
}

TEST_F(Hostile, TheWallClockStepsBack) {
  connect();
  a.wall_offset = -std::chrono::hours(24 * 365);
  b.wall_offset = std::chrono::hours(24 * 365);
  for (std::uint32_t i = 0; i < 400; ++i) {
    a.send(b, i);
    w.run(seconds(1));
  }
  EXPECT_EQ(b.delivered.size(), 400U);
  EXPECT_EQ(w.sent(1), 3U) << "each accepted at the first attempt";
  EXPECT_EQ(w.sent(2), 3U);
}

TEST_F(Hostile, TheWallClockStandsStill) {
  // Retries within one step of the timestamp must differ all the same.
  w.network = [this](Wire& wire) { return wire.bytes[0] == 2 ? Delays{} : Delays{milliseconds(10)}; };
  a.send(b, 1);
  for (int i = 0; i < 30; ++i) {
    a.wall_offset -= seconds(1);
    w.run(seconds(1));
  }
  EXPECT_EQ(w.sent(2), w.sent(1)) << "no retry was taken for a replay";
  EXPECT_GE(w.sent(1), 5U);
}

TEST_F(Hostile, ABusyResponderAsksForACookie) {
  b.busy = true;
  a.send(b, 1);
  w.run(seconds(1));
  EXPECT_EQ(w.sent(3, 1), 1U);
  EXPECT_EQ(w.sent(2), 0U);
  EXPECT_EQ(w.sent_wires(3).at(0).bytes.size(), 64U);
  w.run(seconds(6));
  EXPECT_THAT(b.delivered, ElementsAre(1)) << "the retry carries the cookie";
  EXPECT_EQ(w.sent(3), 1U);
  const auto retry = w.sent_wires(1).back().bytes;
  EXPECT_TRUE(std::any_of(retry.end() - 16, retry.end(), [](auto byte) { return byte != 0; }));
}

TEST_F(Hostile, ABusyInitiatorAsksForACookieToo) {
  a.busy = true;
  a.send(b, 1);
  w.run(seconds(1));
  EXPECT_EQ(w.sent(3, 0), 1U);
  EXPECT_THAT(b.delivered, IsEmpty());
  w.run(seconds(6));
  EXPECT_THAT(b.delivered, ElementsAre(1));
}

TEST_F(Hostile, TheLossOfACookieReplyIsSurvived) {
  b.busy = true;
  int left = 2;
  w.network = [&](Wire& wire) {
    if (wire.bytes[0] == 3 && left > 0) {
      --left;
      return Delays{};
    }
    return Delays{milliseconds(10)};
  };
  a.send(b, 1);
  w.run(seconds(17));
  EXPECT_EQ(left, 0);
  EXPECT_EQ(w.sent(3, 1), 3U) << "an initiation without a cookie is answered by one, every time";
  EXPECT_THAT(b.delivered, ElementsAre(1)) << "the fourth initiation carries the third cookie";
  EXPECT_EQ(w.sent(1), 4U);
}

// Each of seven peers behind one address has proved it: what they cannot have
// is all the handshakes there are.
TEST(Flood, UnderLoadAnAddressGetsItsBurstOfHandshakesAndThenItsRate) {
  World w(8);
  auto& responder = w[0];
  responder.busy = true;
  const auto shared = *IpAddress::parse("198.51.100.7");
  for (std::size_t i = 1; i < 8; ++i) {
    w[i].move_to(UdpPath::to(shared, static_cast<std::uint16_t>(1000 + i)));
    responder.add(w[i], false);
    w[i].add(responder);
    w[i].send(responder, 1);
  }
  w.run(seconds(1));
  ASSERT_EQ(w.sent(3, 0), 7U);

  std::vector<Wire> initiations;  // with cookies, to arrive at one moment
  w.network = [&](Wire& wire) {
    if (wire.bytes[0] == 1) initiations.push_back(wire);
    return Delays{};
  };
  w.run(seconds(5));
  ASSERT_EQ(initiations.size(), 7U);
  w.log.clear();
  for (const auto& initiation : initiations) responder.receive(initiation);
  EXPECT_EQ(w.sent(2), 5U);
  EXPECT_EQ(w.sent(3), 0U) << "the cookies were right";
  w.run(milliseconds(50));
  responder.receive(initiations[5]);
  responder.receive(initiations[6]);
  EXPECT_EQ(w.sent(2), 6U) << "20 a second";
}

TEST_F(Hostile, ACookieIsAskedForOneSecondAfterTheLoadHasGone) {
  b.busy = true;
  a.send(b, 1);
  w.run(milliseconds(100));
  ASSERT_EQ(w.sent(3), 1U);
  b.busy = false;
  const auto initiation = w.sent_wires(1).at(0);
  w.inject(initiation);
  w.run(milliseconds(100));
  EXPECT_EQ(w.sent(3), 2U);
  w.run(seconds(1));
  w.inject(initiation);
  w.run(milliseconds(100));
  EXPECT_EQ(w.sent(3), 2U);
  EXPECT_EQ(w.sent(2), 1U);
}

TEST_F(Hostile, AFloodWithoutTheRightMac1IsNotAnswered) {
  b.busy = true;
  a.send(b, 1);
  w.run(milliseconds(1));
  auto initiation = w.sent_wires(1).at(0);
  initiation.bytes[120] ^= 1;
  w.network = [](Wire&) { return Delays{}; };
  const auto before = w.log.size();
  for (int i = 0; i < 100; ++i) b.receive(initiation);
  EXPECT_EQ(w.log.size(), before);
}

// Each answers the other, and each takes the answer to its own: two sessions,
// and nobody waits for a retry.
class Crossing : public Hostile, public ::testing::WithParamInterface<int> {};

TEST_P(Crossing, BothBeginAtTheSameMoment) {
  const milliseconds delay(GetParam());
  w.network = [=](Wire&) { return Delays{delay}; };
  a.send(b, 1);
  b.send(a, 2);
  w.run(4 * delay);
  EXPECT_THAT(b.delivered, ElementsAre(1));
  EXPECT_THAT(a.delivered, ElementsAre(2));
  EXPECT_EQ(a.send(b, 3), Outbound::Verdict::sealed);
  EXPECT_EQ(b.send(a, 4), Outbound::Verdict::sealed);
  w.run(seconds(20));
  EXPECT_THAT(b.delivered, ElementsAre(1, 3));
  EXPECT_THAT(a.delivered, ElementsAre(2, 4));
  EXPECT_EQ(w.sent(1), 2U);
}

INSTANTIATE_TEST_SUITE_P(Delays, Crossing, ::testing::Values(1, 50, 400, 1000));

TEST_F(Hostile, CrossingInitiationsWhoseResponsesAreLost) {
  w.network = [](Wire& wire) { return wire.bytes[0] == 2 ? Delays{} : Delays{milliseconds(400)}; };
  a.send(b, 1);
  b.send(a, 2);
  w.run(seconds(3));
  w.network = [](Wire&) { return Delays{milliseconds(400)}; };
  w.run(seconds(10));
  EXPECT_THAT(b.delivered, ElementsAre(1));
  EXPECT_THAT(a.delivered, ElementsAre(2));
}

TEST_F(Hostile, TwoInitiationsWithin20MillisecondsAreOne) {
  // The second is genuine (another life of a), but comes too soon.
  a.send(b, 1);
  w.run(milliseconds(5));
  a.restart();
  a.wall_offset = seconds(1);
  a.add(b);
  a.send(b, 2);
  w.run(milliseconds(20));
  EXPECT_EQ(w.sent(1), 2U);
  EXPECT_EQ(w.sent(2), 1U);
}

TEST_F(Hostile, GarbageOfEveryKindIsSurvived) {
  connect();
  for (int i = 0; i < 20000; ++i) {
    Wire wire{0, a.address(), b.address(), Buffer(w.random() % 200 + 1), 0};
    for (auto& byte : wire.bytes) byte = static_cast<std::uint8_t>(w.random());
    if (w.random() % 4 != 0) {
      const std::size_t sizes[] = {0, 148, 92, 64, 32 + w.random() % 100};
      const auto type = 1 + w.random() % 4;
      wire.bytes.resize(sizes[type]);
      wire.bytes[0] = static_cast<std::uint8_t>(type);
      wire.bytes[1] = wire.bytes[2] = wire.bytes[3] = 0;
    }
    b.receive(wire);
  }
  EXPECT_THAT(b.delivered, IsEmpty());
  a.send(b, 1);
  w.run(seconds(1));
  EXPECT_THAT(b.delivered, ElementsAre(1));
}

// Twenty minutes of everything at once, several seeds.
class Storm : public ::testing::TestWithParam<unsigned> {};

TEST_P(Storm, IsSafeAndEnds) {
  World w(3);
  w.random.seed(GetParam());
  w.introduce_all();
  w[0].add(w[1], true, std::uint16_t{25});
  std::vector<Wire> captured;
  const Network storm = [&](Wire& wire) {
    Delays delays;
    if (w.random() % 5 != 0) delays.push_back(milliseconds(w.random() % 300));
    if (w.random() % 6 == 0) delays.push_back(milliseconds(w.random() % 5000));
    if (w.random() % 7 == 0) {
      wire.bytes[w.random() % wire.bytes.size()] ^= static_cast<std::uint8_t>(1U << w.random() % 8);
    }
    if (w.random() % 10 == 0) captured.push_back(wire);
    return delays;
  };
  w.network = storm;
  std::uint32_t number = 0;
  std::vector<std::set<std::uint32_t>> seen(3);
  const auto check = [&] {
    for (std::size_t i = 0; i < 3; ++i) {
      for (const auto& packet : w[i].packets) {
        const auto from = IpAddress::from_bytes(std::span(packet).subspan(12, 4));
        ASSERT_EQ(packet, make_packet(from, w[i].inner(), number_of(packet)));
        ASSERT_TRUE(seen[i].insert(number_of(packet)).second) << "delivered twice";
      }
      w[i].packets.clear();
      w[i].delivered.clear();
      w[i].verdicts.clear();
    }
    w.log.clear();
  };
  for (int second = 0; second < 1200; ++second) {
    const auto from = w.random() % 3;
    const auto to = (from + 1 + w.random() % 2) % 3;
    if (second / 100 % 3 != 2) w[from].send(w[to], number++);  // with pauses
    if (w.random() % 40 == 0 && !captured.empty()) w.inject(captured[w.random() % captured.size()]);
    if (w.random() % 200 == 0) w[from].wall_offset += seconds(static_cast<int>(w.random() % 7200) - 3600);
    if (w.random() % 100 == 0) w[to].busy = !w[to].busy;
    w.run(seconds(1));
    check();
    if (HasFatalFailure()) return;
    if (captured.size() > 1000) captured.clear();
  }
  for (std::size_t i = 0; i < 3; ++i) w[i].busy = false;
  w.network = [](Wire&) { return Delays{milliseconds(10)}; };
  // At the worst: 15 s until the loss is noticed, then a retry.
  for (int second = 0; second < 40; ++second) {
    for (std::size_t from = 0; from < 3; ++from) {
      for (std::size_t to = 0; to < 3; ++to) {
        if (from != to) w[from].send(w[to], number++);
      }
    }
    w.run(seconds(1));
  }
  check();
  const auto last = number;
  for (std::size_t from = 0; from < 3; ++from) {
    for (std::size_t to = 0; to < 3; ++to) {
      if (from != to) w[from].send(w[to], number++);
    }
  }
  w.run(seconds(1));
  std::size_t arrived = 0;
  for (std::size_t i = 0; i < 3; ++i) arrived += w[i].delivered.size();
  EXPECT_EQ(arrived, number - last);
}

INSTANTIATE_TEST_SUITE_P(Seeds, Storm, ::testing::Range(1U, 9U));

}  // namespace
}  // namespace radial::engine::world
