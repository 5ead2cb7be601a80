// How long steering itself thinks, without netlink and without WireGuard.
//
//   steer_bench
//
// Per event: P peers in pairs; each pair shares ten /24, contested; each event
// moves one of them to the pair's other peer and back. A default route by another
// interface and a /24 of its own for each peer stand beside them. The ratio is to
// 10 peers: it should stay near 1.
// Bulk: 100,000 routes of 1,000 peers, in 250 groups of four that share 400
// granted /24 each; placed from nothing, then as one burst of events, then seen again
// (an audit that finds nothing to do).
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <random>

#include "steer/steering.h"

namespace {

using namespace radial;
using Clock = std::chrono::steady_clock;

double microseconds(Clock::duration time) { return std::chrono::duration<double, std::micro>(time).count(); }

PublicKey key_of(std::uint32_t number) {
  std::array<std::uint8_t, key_size> bytes{};
  std::mt19937 random(number + 1);
  for (auto& byte : bytes) byte = static_cast<std::uint8_t>(random());
  return PublicKey(bytes);
}

IpAddress tunnel(std::uint32_t peer) { return IpAddress::from_v4(0x64400000U + 1 + peer); }  // 100.64.0.0/10
Prefix slash24(std::uint32_t base, std::uint32_t number) {
  return Prefix::of(IpAddress::from_v4(base + (number << 8)), 24);
}
SteerPeer bare(std::uint32_t number) {
  return {key_of(number), "site-" + std::to_string(number), {tunnel(number)}, {}, {}};
}

constexpr std::uint32_t contested_base = 0x0a000000;  // 10.0.0.0
constexpr std::uint32_t own_base = 0xac100000;        // 172.16.0.0
constexpr std::uint32_t contested_each = 10;

struct Times {
  double median = 0;
  double p99 = 0;
  double worst = 0;
};

Times percentiles(std::vector<double> all) {
  std::sort(all.begin(), all.end());
  return {all[all.size() / 2], all[all.size() * 99 / 100], all.back()};
}

Times time_events(std::uint32_t peers_count) {
  std::vector<SteerPeer> peers;
  std::vector<FibRoute> fib{{Prefix::any(Family::v4), {}}};
  for (std::uint32_t i = 0; i < peers_count; ++i) {
    auto peer = bare(i);
    for (std::uint32_t n = 0; n < contested_each; ++n)
      peer.grant.prefixes.push_back(slash24(contested_base, i / 2 * contested_each + n));
    peer.grant.prefixes.push_back(slash24(own_base, i));
    fib.push_back({slash24(own_base, i), {tunnel(i)}});
    peers.push_back(std::move(peer));
  }
  Steering steering(key_of(1U << 20));
  (void)steering.start(peers, fib, {});

  std::mt19937 random(1);
  std::vector<double> times;
  std::size_t moved = 0;
  constexpr int events = 20'000;
  std::vector<bool> second(peers_count / 2 * contested_each, false);
  for (std::uint32_t n = 0; n < second.size(); ++n)
    (void)steering.apply({{slash24(contested_base, n), {tunnel(n / contested_each * 2)}}, false});
  for (int i = 0; i < events; ++i) {
    const auto n = static_cast<std::uint32_t>(random() % second.size());
    second[n] = !second[n];
    const RouteEvent event{{slash24(contested_base, n), {tunnel(n / contested_each * 2 + (second[n] ? 1 : 0))}}, false};
    const auto start = Clock::now();
    const auto delta = steering.apply(event);
    times.push_back(microseconds(Clock::now() - start));
    moved += delta.size();
  }
  if (moved != events) std::printf("  ! %zu moves instead of %d\n", moved, events);
  return percentiles(std::move(times));
}

template <class Work>
double timed(Work&& work) {
  const auto start = Clock::now();
  work();
  return microseconds(Clock::now() - start) / 1000;
}

void bulk() {
  constexpr std::uint32_t peers_count = 1000;
  constexpr std::uint32_t routes_count = 100'000;
  constexpr std::uint32_t group = 4;
  constexpr std::uint32_t per_group = routes_count / (peers_count / group);
  std::vector<SteerPeer> peers;
  for (std::uint32_t i = 0; i < peers_count; ++i) {
    auto peer = bare(i);
    for (std::uint32_t n = 0; n < per_group; ++n)
      peer.grant.prefixes.push_back(slash24(contested_base, i / group * per_group + n));
    peers.push_back(std::move(peer));
  }
  std::vector<FibRoute> fib;
  std::vector<RouteEvent> others;
  for (std::uint32_t n = 0; n < routes_count; ++n) {
    const auto first = n / per_group * group;
    fib.push_back({slash24(contested_base, n), {tunnel(first + n % group)}});
    others.push_back({{slash24(contested_base, n), {tunnel(first + (n + 1) % group)}}, false});
  }
  Steering steering(key_of(1U << 20));
  std::size_t placed = 0;
  const auto from_nothing = timed([&] { placed = steering.start(peers, fib, {}).size(); });
  std::size_t moved = 0;
  const auto burst = timed([&] { moved = steering.apply(others).size(); });
  const auto routes = steering.fib();
  const auto table = steering.table();
  std::size_t repaired = 0;
  const auto audit = timed([&] { repaired = steering.resync(routes, table).size(); });
  std::printf("\nbulk: %u routes over %u peers, each granted to %u\n", routes_count, peers_count, group);
  std::printf("  %-34s %10s %12s\n", "", "ms", "placements");
  std::printf("  %-34s %10.1f %12zu\n", "placed from nothing", from_nothing, placed);
  std::printf("  %-34s %10.1f %12zu\n", "all moved, as one burst of events", burst, moved);
  std::printf("  %-34s %10.1f %12zu\n", "audit", audit, repaired);
}

}  // namespace

int main() {
  std::printf("one route event -> delta, microseconds\n");
  std::printf("  %8s %10s %10s %10s %10s %8s\n", "peers", "contested", "median", "p99", "worst", "ratio");
  double base = 0;
  for (const std::uint32_t peers : {10U, 100U, 1000U}) {
    const auto times = time_events(peers);
    if (base == 0) base = times.median;
    std::printf("  %8u %10u %10.2f %10.2f %10.2f %8.2f\n", peers, peers / 2 * contested_each, times.median, times.p99,
                times.worst, times.median / base);
  }
  bulk();
}
