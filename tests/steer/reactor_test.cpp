// The reactor, by example and against a kernel that loses messages, fails sets,
// and whose wire comes and goes.
#include "steer/reactor.h"

#include <random>
#include <utility>

#include <gmock/gmock.h>

#include "wire_model.h"

namespace radial::test {
namespace {

using namespace std::chrono_literals;
using ::testing::IsEmpty;
using Kind = SteerAction::Kind;

SteerPeer peer(std::uint8_t number, std::initializer_list<std::string_view> granted) {
  return {key(number), "site-" + std::to_string(number), {address("10.255.0." + std::to_string(number))},
          {false, prefixes(granted)}, {}};
}
RouteEvent now_by(std::string_view to, std::string_view gateway) { return {route_to(to, {gateway}), false}; }

// Two sites that share 10.20.0.0/16.
class ReactorTest : public ::testing::Test {
 protected:
  ReactorTest() {
    reactor.set_peers(peers);
    reactor.wire_appeared();
  }
  // Does what the reactor asks until it asks no more: looks and placements.
  std::pair<int, int> run() {
    std::pair<int, int> done;
    while (auto action = reactor.next(now)) {
      if (action->kind == Kind::look) {
        ++done.first;
        reactor.seen(fib, wire.table(), now);
      } else {
        ++done.second;
        wire.apply(action->delta);
        reactor.applied(now);
      }
    }
    return done;
  }
  void event(const RouteEvent& event) {
    fib = {event.route};
    reactor.routes_changed({&event, 1});
  }
  std::optional<PublicKey> served() { return wire.lookup(address("10.20.0.1")); }

  std::vector<SteerPeer> peers{peer(1, {"10.20.0.0/16"}), peer(2, {"10.20.0.0/16"})};
  SteerInstant now{1h};
  SteerReactor reactor{parking_key};
  WireModel wire;
  std::vector<FibRoute> fib;
};

TEST_F(ReactorTest, LooksFirstThenPlaces) {
  EXPECT_FALSE(reactor.settled());
  EXPECT_EQ(run(), std::pair(1, 1));
  EXPECT_TRUE(reactor.settled());
  EXPECT_EQ(reactor.wake_at(), now + 30s);
}

TEST_F(ReactorTest, DoesNothingWithoutAWireOrPeers) {
  SteerReactor idle(parking_key);
  idle.wire_appeared();
  EXPECT_FALSE(idle.next(now) || idle.wake_at());
  SteerReactor without_wire(parking_key);
  without_wire.set_peers(peers);
  EXPECT_FALSE(without_wire.next(now) || without_wire.wake_at());
}

TEST_F(ReactorTest, ActsAtOnceWhenQuietAndGathersABurst) {
  (void)run();
  now += 1s;
  event(now_by("10.20.0.0/16", "10.255.0.2"));
  EXPECT_EQ(run(), std::pair(0, 1));
  EXPECT_EQ(served(), key(2));
  for (int i = 0; i < 9; ++i) {
    event(now_by("10.20.0.0/16", i % 2 == 0 ? "10.255.0.1" : "10.255.0.2"));
    EXPECT_EQ(run(), std::pair(0, 0));
  }
  EXPECT_EQ(reactor.wake_at(), now + 2ms);
  now += 2ms;
  EXPECT_EQ(run(), std::pair(0, 1));
  EXPECT_EQ(served(), key(1));
}

TEST_F(ReactorTest, LostEventsLeadToALook) {
  (void)run();
  now += 1s;
  fib = {route_to("10.20.0.0/16", {"10.255.0.2"})};
  reactor.events_lost();
  EXPECT_EQ(run(), std::pair(1, 1));
  EXPECT_EQ(served(), key(2));
}

TEST_F(ReactorTest, EventsDuringALookAreNotLost) {
  (void)run();
  now += 1s;
  reactor.events_lost();
  const auto look = reactor.next(now);
  ASSERT_TRUE(look && look->kind == Kind::look);
  const auto dump = fib;  // taken before
  event(now_by("10.20.0.0/16", "10.255.0.2"));
  EXPECT_FALSE(reactor.next(now));  // one at a time
  reactor.seen(dump, wire.table(), now);
  EXPECT_EQ(run(), std::pair(0, 1));
  EXPECT_EQ(served(), key(2));
}

TEST_F(ReactorTest, FailedChangeIsLookedAtAgainLaterAndLater) {
  (void)run();
  now += 1s;
  for (const auto wait : {10ms, 20ms, 40ms, 80ms, 160ms, 320ms, 640ms, 1000ms, 1000ms}) {
    if (wait == 10ms) event(now_by("10.20.0.0/16", "10.255.0.2"));
    auto action = reactor.next(now);
    if (action && action->kind == Kind::look) {
      reactor.seen(fib, wire.table(), now);
      action = reactor.next(now);
    }
    ASSERT_TRUE(action && action->kind == Kind::place);
    reactor.apply_failed(now);
    EXPECT_FALSE(reactor.next(now));
    EXPECT_EQ(reactor.wake_at(), now + wait);
    now += wait;
  }
  EXPECT_EQ(run(), std::pair(1, 1));
  EXPECT_EQ(served(), key(2));
  now += 1s;
  (void)reactor.next(now);
  reactor.events_lost();
  ASSERT_TRUE(reactor.next(now));
  reactor.look_failed(now);
  EXPECT_EQ(reactor.wake_at(), now + 10ms);  // success forgot the failures
}

TEST_F(ReactorTest, WireMadeAgainIsFilledAgain) {
  (void)run();
  now += 1s;
  event(now_by("10.20.0.0/16", "10.255.0.2"));
  const auto half_done = reactor.next(now);
  ASSERT_TRUE(half_done);
  reactor.wire_vanished();
  reactor.apply_failed(now);  // no such device: no reason to wait
  EXPECT_FALSE(reactor.next(now) || reactor.wake_at());
  wire = WireModel();
  reactor.wire_appeared();
  EXPECT_EQ(run(), std::pair(1, 1));
  EXPECT_EQ(served(), key(2));
}

TEST_F(ReactorTest, AnswerAboutAnEarlierWireDoesNotCount) {
  const auto look = reactor.next(now);
  ASSERT_TRUE(look);
  reactor.wire_appeared();  // another index
  reactor.seen(fib, {}, now);
  EXPECT_EQ(run(), std::pair(1, 1));
}

TEST_F(ReactorTest, AuditRepairsAndThenKeepsQuiet) {
  (void)run();
  wire.step({prefix("10.20.9.0/24"), {}, key(2)});
  now += 30s;
  EXPECT_EQ(run(), std::pair(1, 1));
  EXPECT_EQ(wire.lookup(address("10.20.9.1")), key(1));
  now += 30s;
  EXPECT_EQ(run(), std::pair(1, 0));
}

TEST_F(ReactorTest, RekeyedPeerKeepsWhatItHad) {
  event(now_by("10.20.0.0/16", "10.255.0.2"));
  (void)run();
  now += 1s;
  peers[1].key = key(22);
  reactor.set_peers(peers);
  EXPECT_EQ(run(), std::pair(0, 1));
  EXPECT_EQ(served(), key(22));
  // The same while nothing is known of the wire, and no route says so any more.
  now += 1s;
  fib.clear();
  reactor.events_lost();
  peers[1].key = key(23);
  reactor.set_peers(peers);
  EXPECT_EQ(run(), std::pair(1, 1));
  EXPECT_EQ(served(), key(23));
}

// A kernel with a queue of messages that may overflow, and hands that fail.
TEST(ReactorRandomTest, EndsWithWhatTheFibAsksFor) {
  for (unsigned seed = 1; seed <= 150; ++seed) {
    SCOPED_TRACE(seed);
    std::mt19937 random(seed);
    const auto chance = [&](unsigned n) { return random() % n == 0; };
    std::map<Prefix, FibRoute> fib;
    std::vector<RouteEvent> messages;
    bool lost = false;
    std::optional<WireModel> wire = WireModel();
    std::vector<SteerPeer> peers;
    std::vector<PublicKey> leaving;  // taken off the wire when the change is in force
    for (std::uint8_t i = 1; i <= 4; ++i) peers.push_back(peer(i, {i % 2 == 0 ? "10.20.0.0/16" : "10.20.0.0/18"}));
    SteerReactor reactor(parking_key);
    reactor.set_peers(peers);
    reactor.wire_appeared();
    SteerInstant now{1h};
    std::uint8_t fresh_key = 5;

    const auto listed = [&] {
      std::vector<FibRoute> all;
      for (const auto& [at, route] : fib) all.push_back(route);
      return all;
    };
    const auto change_fib = [&] {
      const auto within = IpAddress::from_v4(static_cast<std::uint32_t>(0x0a140000 + (random() % 256 << 8)));
      RouteEvent event{{Prefix::of(within, 16 + static_cast<int>(random() % 9)), {}}, chance(3)};
      if (!event.withdrawn)
        for (auto n = random() % 3; n > 0; --n)
          event.route.gateways.push_back(IpAddress::from_v4(static_cast<std::uint32_t>(0x0aff0001 + random() % 5)));
      if (event.withdrawn) fib.erase(event.route.prefix);
      else fib[event.route.prefix] = event.route;
      messages.push_back(event);
    };
    const auto hear = [&] {
      if (std::exchange(lost, false)) reactor.events_lost();
      reactor.routes_changed(std::exchange(messages, {}));
    };
    const auto act = [&](bool troubled) {
      while (auto action = reactor.next(now)) {
        if (troubled && chance(4)) change_fib();  // while we work
        if (action->kind == Kind::look) {
          if (troubled && chance(8)) {
            reactor.look_failed(now);
            continue;
          }
          const auto routes = listed();
          if (troubled && chance(3)) change_fib();
          if (troubled && chance(3)) hear();
          if (wire) reactor.seen(routes, wire->table(), now);
          else reactor.look_failed(now);
        } else if (!wire || (troubled && chance(8))) {
          for (const auto& placement : action->delta)
            if (wire && chance(2)) wire->step(placement);
          reactor.apply_failed(now);
        } else {
          ASSERT_NO_THROW(wire->apply(action->delta));
          reactor.applied(now);
        }
        if (troubled && chance(4)) hear();
      }
      if (!wire || !reactor.settled()) return;
      for (const auto& key : std::exchange(leaving, {})) wire->remove_peer(key);
    };

    for (int turn = 0; turn < 60; ++turn) {
      for (auto n = random() % 4; n > 0; --n) change_fib();
      if (chance(15) && !messages.empty()) {
        messages.resize(random() % messages.size());
        lost = true;
      }
      if (chance(25)) {
        wire.reset();
        if (chance(2)) reactor.wire_vanished();  // else it is back before we hear of it
      }
      if (!wire && chance(2)) {
        wire = WireModel();
        reactor.wire_appeared();
      }
      if (chance(12)) {
        const auto chosen = random() % peers.size();
        leaving.push_back(peers[chosen].key);
        peers[chosen].key = key(fresh_key++);
        reactor.set_peers(peers);
      }
      hear();
      act(true);
      now += std::chrono::milliseconds(random() % 4);
    }
    if (!wire) {
      wire = WireModel();
      reactor.wire_appeared();
    }
    for (int quiet = 0; quiet < 4; ++quiet) {
      hear();
      act(false);
      now += 1s;
    }
    ASSERT_TRUE(reactor.settled());
    Steering plan(parking_key);
    ASSERT_THAT(plan.start(peers, listed(), wire->table()), IsEmpty());
    ASSERT_TRUE(reactor.steering().table() == wire->table());
    ASSERT_TRUE(reactor.steering().findings() == plan.findings());
  }
}

}  // namespace
}  // namespace radial::test
