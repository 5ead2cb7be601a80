// Steering against naive oracles: random fabrics, random sequences of route
// events, grants and peers that change, in both families. Every address of a
// small world is asked after every event, and at each single step of a delta.
#include <algorithm>
#include <random>
#include <set>

#include <gtest/gtest.h>

#include "wire_model.h"

namespace radial::test {
namespace {

using Random = std::mt19937;

int below(Random& random, int end) { return std::uniform_int_distribution<int>(0, end - 1)(random); }
bool one_in(Random& random, int n) { return below(random, n) == 0; }

// 64 addresses that routes and grants fight over, and one outside.
struct World {
  explicit World(Family family_) : family(family_) {
    const auto base = family == Family::v4 ? address("10.77.0.0") : address("fd00:77::");
    for (std::uint64_t i = 0; i < 64; ++i) addresses.push_back(*base.plus(i));
    addresses.push_back(family == Family::v4 ? address("198.51.100.1") : address("2001:db8::1"));
  }

  Family family;
  std::vector<IpAddress> addresses;

  [[nodiscard]] Prefix any_prefix(Random& random) const {
    if (one_in(random, 12)) return Prefix::of(addresses[0], one_in(random, 2) ? 0 : 8);
    const int host = bits_of(family);
    return Prefix::of(addresses[static_cast<std::size_t>(below(random, 64))], host - below(random, 7));
  }
  [[nodiscard]] IpAddress tunnel(int peer) const {
    const auto base = family == Family::v4 ? address("10.255.0.0") : address("fe80::");
    return *base.plus(static_cast<std::uint64_t>(peer));
  }
};

std::vector<SteerPeer> any_peers(Random& random, const World& world) {
  std::vector<SteerPeer> peers;
  const int count = 1 + below(random, 5);
  for (int i = 1; i <= count; ++i) {
    SteerPeer peer{key(static_cast<std::uint8_t>(i)), "site-" + std::to_string(i), {world.tunnel(i)}, {}, {}};
    if (one_in(random, 8))
      peer.addresses.push_back(world.addresses[static_cast<std::size_t>(below(random, 64))]);
    peer.grant.any = one_in(random, 5);
    for (int n = below(random, 4); n > 0; --n) peer.grant.prefixes.push_back(world.any_prefix(random));
    if (!peer.grant.prefixes.empty() && one_in(random, 3)) peer.lans = {peer.grant.prefixes.front()};
    peers.push_back(std::move(peer));
  }
  return peers;
}

RouteEvent any_event(Random& random, const World& world, const std::map<Prefix, FibRoute>& fib) {
  RouteEvent event;
  event.withdrawn = one_in(random, 3);
  event.route.prefix = world.any_prefix(random);
  if (!fib.empty() && !one_in(random, 3)) {
    auto at = fib.begin();
    std::advance(at, below(random, static_cast<int>(fib.size())));
    event.route.prefix = at->first;
  }
  if (!event.withdrawn)
    for (int n = below(random, 4); n > 0; --n) event.route.gateways.push_back(world.tunnel(1 + below(random, 6)));
  return event;
}

// ---- the naive oracle -------------------------------------------------------

struct Naive {
  const std::vector<SteerPeer>& peers;  // as they were given
  const std::map<Prefix, FibRoute>& fib;

  [[nodiscard]] const FibRoute* route(const IpAddress& destination) const {
    const FibRoute* best = nullptr;
    for (const auto& [at, route] : fib)
      if (at.contains(destination) && (best == nullptr || at.length() > best->prefix.length())) best = &route;
    return best;
  }
  [[nodiscard]] const SteerPeer* owning(const IpAddress& own) const {
    for (const auto& peer : peers)
      if (std::find(peer.addresses.begin(), peer.addresses.end(), own) != peer.addresses.end()) return &peer;
    return nullptr;
  }
  [[nodiscard]] std::set<const SteerPeer*> next(const FibRoute* route) const {
    std::set<const SteerPeer*> found;
    if (route != nullptr)
      for (const auto& gateway : route->gateways)
        if (const auto* peer = owning(gateway)) found.insert(peer);
    return found;
  }
  // Those to whom the destination is granted, as the FIB has it.
  [[nodiscard]] std::set<const SteerPeer*> granted(const IpAddress& destination) const {
    const auto* through = route(destination);
    const bool default_route = through != nullptr && through->prefix.is_default() && !next(through).empty();
    std::set<const SteerPeer*> found;
    for (const auto& peer : peers) {
      const bool named = std::any_of(peer.grant.prefixes.begin(), peer.grant.prefixes.end(),
                                     [&](const Prefix& prefix) { return prefix.contains(destination); });
      if (named || (peer.grant.any && !default_route)) found.insert(&peer);
    }
    return found;
  }
  // Those who may get it; null among them: nobody may.
  [[nodiscard]] std::set<const SteerPeer*> right(const IpAddress& destination) const {
    if (const auto* own = owning(destination)) return {own};
    const auto candidates = granted(destination);
    if (candidates.empty()) return {nullptr};
    const auto hops = next(route(destination));
    if (candidates.size() == 1 || hops.empty()) return candidates;
    std::set<const SteerPeer*> both;
    for (const auto* hop : hops)
      if (candidates.contains(hop)) both.insert(hop);
    if (both.empty()) both.insert(nullptr);
    return both;
  }
};

using Answers = std::vector<std::optional<PublicKey>>;

Answers answers(const WireModel& wire, const World& world) {
  Answers all;
  for (const auto& each : world.addresses) all.push_back(wire.lookup(each));
  return all;
}

// Applies the delta step by step: each address looks up as before or as after.
void apply_watched(WireModel& wire, const SteerDelta& delta, const World& world) {
  if (delta.size() < 2) return wire.apply(delta);
  auto final_wire = wire;
  final_wire.apply(delta);
  const auto before = answers(wire, world);
  const auto after = answers(final_wire, world);
  for (const auto& placement : delta) {
    wire.step(placement);
    for (std::size_t i = 0; i < world.addresses.size(); ++i) {
      const auto between = wire.lookup(world.addresses[i]);
      ASSERT_TRUE(between == before[i] || between == after[i])
          << world.addresses[i].to_string() << " strayed when " << placement.prefix.to_string() << " was placed";
    }
  }
}

std::vector<FibRoute> listed(const std::map<Prefix, FibRoute>& fib) {
  std::vector<FibRoute> routes;
  for (const auto& [at, route] : fib) routes.push_back(route);
  return routes;
}

struct Game {
  Game(Family family, unsigned seed) : random(seed), world(family), peers(any_peers(random, world)) {}

  Random random;
  World world;
  std::vector<SteerPeer> peers;
  std::map<Prefix, FibRoute> fib;
  Steering steering{parking_key};
  WireModel wire;

  void check_oracle() {
    const Naive naive{peers, fib};
    for (const auto& destination : world.addresses) {
      const auto got = wire.lookup(destination);
      bool fine = false;
      for (const auto* peer : naive.right(destination))
        fine |= peer == nullptr ? !got.has_value() : got == peer->key;
      ASSERT_TRUE(fine) << destination.to_string() << " goes to " << (got ? got->to_string() : "nobody");
      ASSERT_EQ(steering.steered_to(destination), got);
    }
  }

  void check_findings() {
    const Naive naive{peers, fib};
    std::set<std::pair<Prefix, IpAddress>> expected;
    for (const auto& [at, route] : fib)
      for (const auto& gateway : route.gateways) {
        const auto* peer = naive.owning(gateway);
        bool fine = peer != nullptr && peer->grant.any && !at.is_default();
        if (peer != nullptr) {
          for (const auto& granted : peer->grant.prefixes) fine |= granted.contains(at);
          for (const auto& own : peer->addresses) fine |= naive.owning(own) == peer && Prefix::host(own) == at;
        }
        if (!fine) expected.emplace(at, gateway);
      }
    std::set<std::pair<Prefix, IpAddress>> found;
    for (const auto& finding : steering.findings()) found.emplace(finding.prefix, finding.gateway);
    ASSERT_EQ(found, expected);
  }

  // The whole plan, made from nothing but what is on the wire, and an audit.
  void check_plan(const std::vector<PlacedPrefix>& before, const SteerDelta& delta) {
    Steering anew(parking_key);
    ASSERT_EQ(anew.start(peers, listed(fib), before), delta);
    ASSERT_EQ(anew.table(), steering.table());
    ASSERT_EQ(steering.table(), wire.table());
    ASSERT_TRUE(anew.resync(listed(fib), wire.table()).empty());
  }

  // A destination whose route did not change stays where it was, and so does one
  // whose next hops changed on the same route while its peer is still among them.
  void check_stable(const std::map<Prefix, FibRoute>& fib_before, const Answers& before) {
    const Naive old{peers, fib_before};
    const Naive now{peers, fib};
    for (std::size_t i = 0; i < world.addresses.size(); ++i) {
      const auto& destination = world.addresses[i];
      const auto* was = old.route(destination);
      const auto* is = now.route(destination);
      const bool same_prefix = (was == nullptr && is == nullptr) || (was && is && was->prefix == is->prefix);
      if (!same_prefix) continue;
      bool allowed = was == nullptr || was->gateways == is->gateways;
      for (const auto* peer : now.right(destination)) allowed |= peer != nullptr && before[i] == peer->key;
      if (!allowed) continue;
      ASSERT_EQ(wire.lookup(destination), before[i]) << destination.to_string() << " flapped";
    }
  }

  void play_events() {
    std::vector<RouteEvent> events;
    for (int n = one_in(random, 4) ? 1 + below(random, 5) : 1; n > 0; --n)
      events.push_back(any_event(random, world, fib));
    const auto fib_before = fib;
    const auto table_before = wire.table();
    const auto before = answers(wire, world);
    for (const auto& event : events) {
      if (event.withdrawn) fib.erase(event.route.prefix);
      else fib[event.route.prefix] = event.route;
    }
    const auto delta = steering.apply(events);
    ASSERT_NO_FATAL_FAILURE(apply_watched(wire, delta, world));
    ASSERT_NO_FATAL_FAILURE(check_oracle());
    ASSERT_NO_FATAL_FAILURE(check_plan(table_before, delta));
    ASSERT_NO_FATAL_FAILURE(check_stable(fib_before, before));
    ASSERT_NO_FATAL_FAILURE(check_findings());
    ASSERT_NO_FATAL_FAILURE(check_exclusive(delta));
  }

  // What is granted to one peer alone, by name, no event ever moves.
  void check_exclusive(const SteerDelta& delta) {
    for (const auto& placement : delta) {
      std::set<std::string> overlapping;
      for (const auto& peer : peers) {
        if (peer.grant.any) overlapping.insert(peer.node);
        for (const auto& granted : peer.grant.prefixes)
          if (granted.contains(placement.prefix)) overlapping.insert(peer.node);
        for (const auto& own : peer.addresses) ASSERT_NE(placement.prefix, Prefix::host(own));
      }
      const bool only_any = std::none_of(peers.begin(), peers.end(), [&](const SteerPeer& peer) {
        return std::any_of(peer.grant.prefixes.begin(), peer.grant.prefixes.end(),
                           [&](const Prefix& granted) { return granted.contains(placement.prefix); });
      });
      ASSERT_TRUE(overlapping.size() > 1 || only_any) << placement.prefix.to_string() << " is nobody else's";
    }
  }

  void play_peers() {
    auto next = any_peers(random, world);
    for (auto& peer : next)
      if (one_in(random, 4)) peer.key = key(static_cast<std::uint8_t>(100 + below(random, 100)));
    std::set<PublicKey> keys;
    for (const auto& peer : next)
      if (!keys.insert(peer.key).second) return;
    peers = next;
    const auto delta = steering.set_peers(next);
    ASSERT_NO_FATAL_FAILURE(apply_watched(wire, delta, world));
    ASSERT_EQ(steering.table(), wire.table());
    ASSERT_NO_FATAL_FAILURE(check_oracle());
    ASSERT_NO_FATAL_FAILURE(check_findings());
    ASSERT_TRUE(steering.set_peers(next).empty());
  }

  // Somebody meddles with the wire, and the audit repairs it.
  void play_meddling() {
    for (int n = below(random, 4); n > 0; --n) {
      const auto table = wire.table();
      const auto at = world.any_prefix(random);
      const auto held =
          std::find_if(table.begin(), table.end(), [&](const auto& placed) { return placed.prefix == at; });
      Placement meddling{at, {}, {}};
      if (held != table.end()) meddling.from = held->peer;
      if (!one_in(random, 3) || !meddling.from)
        meddling.to = peers[static_cast<std::size_t>(below(random, static_cast<int>(peers.size())))].key;
      if (meddling.from != meddling.to) wire.step(meddling);
    }
    ASSERT_NO_FATAL_FAILURE(apply_watched(wire, steering.resync(listed(fib), wire.table()), world));
    ASSERT_EQ(steering.table(), wire.table());
    ASSERT_NO_FATAL_FAILURE(check_oracle());
  }

  void play(int turns) {
    wire.apply(steering.start(peers, {}, {}));
    for (int turn = 0; turn < turns; ++turn) {
      const int what = below(random, 20);
      ASSERT_NO_FATAL_FAILURE(what == 0 ? play_peers() : what == 1 ? play_meddling() : play_events());
    }
  }
};

// 65 addresses after each of 2 x 60 x 60 turns: 468,000 cases, and those of each step.
class SteeringRandomTest : public ::testing::TestWithParam<Family> {};

TEST_P(SteeringRandomTest, HoldsAgainstTheOracles) {
  for (unsigned seed = 1; seed <= 60; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    ASSERT_NO_FATAL_FAILURE(Game(GetParam(), seed).play(60));
  }
}

INSTANTIATE_TEST_SUITE_P(BothFamilies, SteeringRandomTest, ::testing::Values(Family::v4, Family::v6));

}  // namespace
}  // namespace radial::test
