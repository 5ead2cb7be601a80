#include "agent/steerer.h"

#include <algorithm>

#include <sodium.h>

namespace radial::agent {
namespace {

using namespace std::chrono_literals;

constexpr auto fresh_for = 1s;  // several wires that look at once share one dump
// A look costs in proportion to the peers, so the next audit is due after as long: 2 minutes with 1,000.
constexpr std::chrono::milliseconds least_audit = 30s;
constexpr auto audit_of_a_peer = 120ms;

PublicKey parking_key(const std::string& hub, const std::string& interface) {
  const auto text = fmt::format("radial parking peer\n{}\n{}", hub, interface);
  std::array<std::uint8_t, key_size> bytes{};
  crypto_generichash(bytes.data(), bytes.size(), reinterpret_cast<const std::uint8_t*>(text.data()), text.size(), nullptr, 0);
  return PublicKey(bytes);
}

std::vector<SteerPeer> peers_of(const Wire& wire) {
  std::vector<SteerPeer> peers;
  for (const auto& peer : wire.peers)
    if (peer.public_key) peers.push_back({*peer.public_key, peer.node, peer.addresses, peer.grant, peer.lans});
  return peers;
}

FibRoute fib_route(const host::Route& route, const std::string& interface) {
  FibRoute result{route.prefix, {}};
  for (const auto& hop : route.next_hops)
    if (hop.gateway && hop.interface == interface) result.gateways.push_back(*hop.gateway);
  return result;
}

std::vector<FibRoute> fib_of(const std::vector<host::Route>& routes, const std::string& interface) {
  std::vector<FibRoute> fib;
  fib.reserve(routes.size());
  for (const auto& route : routes) fib.push_back(fib_route(route, interface));
  return fib;
}

std::vector<PlacedPrefix> placed_on(const host::ObservedWire& wire, const std::set<PublicKey>& guests) {
  std::vector<PlacedPrefix> placed;
  for (const auto& peer : wire.peers)
    if (!guests.contains(peer.public_key))
      for (const auto& prefix : peer.allowed_ips) placed.push_back({prefix, peer.public_key});
  return placed;
}

// In the delta's order: neighbours of one peer share a section.
host::WireChange change_of(const std::string& interface, const SteerDelta& delta, const PublicKey& parking) {
  host::WireChange change;
  change.interface = interface;
  const auto section = [&](const PublicKey& key) -> host::PeerChange& {
    if (change.peers.empty() || change.peers.back().public_key != key) {
      change.peers.emplace_back();
      change.peers.back().public_key = key;
      change.peers.back().add = key == parking;
    }
    return change.peers.back();
  };
  for (const auto& placement : delta) {
    if (placement.to) section(*placement.to).add_allowed_ips.push_back(placement.prefix);
    else if (placement.from) section(*placement.from).remove_allowed_ips.push_back(placement.prefix);
  }
  return change;
}

}  // namespace

Steerer::Steerer(Host& machine, host::RouteWatch watch) : host_(machine), watch_(std::move(watch)) {}

std::optional<std::vector<PlacedPrefix>> Steerer::allowed_ips(const Wire& wire, const host::ObservedWire& observed) {
  const auto peers = peers_of(wire);
  if (const auto found = lanes_.find(wire.interface);
      found != lanes_.end() && found->second.looked && found->second.peers == peers)
    return found->second.reactor.steering().table();
  // A wire that is new, or whose peers will be others: the reactor looks later.
  if (!watch_.known() && !refresh(std::chrono::steady_clock::now())) return std::nullopt;
  Steering steering(parking_key(wire.hub, wire.interface));
  (void)steering.start(peers, fib_of(watch_.routes(), wire.interface), placed_on(observed, guests_));
  return steering.table();
}

void Steerer::follow(const NodeConfig& config) {
  std::map<std::string, const Wire*> wanted;
  for (const auto& wire : config.wires)
    if (wire.shape == WireShape::multipoint) wanted[wire.interface] = &wire;
  std::erase_if(lanes_, [&](const auto& lane) { return !wanted.contains(lane.first); });
  for (const auto& [interface, wire] : wanted) {
    auto found = lanes_.find(interface);
    if (found == lanes_.end())
      found = lanes_.emplace(interface, Lane{interface, 0, {}, SteerReactor(parking_key(wire->hub, interface))}).first;
    auto& lane = found->second;
    const auto link = host_.network.link(interface);
    const int index = link && link->has_value() ? (*link)->index : 0;
    if (index != lane.index) {
      lane.index = index;
      lane.looked = false;
      if (index != 0) lane.reactor.wire_appeared();
      else lane.reactor.wire_vanished();
    }
    lane.reactor.set_audit(std::max<std::chrono::milliseconds>(least_audit, audit_of_a_peer * static_cast<int>(wire->peers.size())));
    if (auto peers = peers_of(*wire); peers != lane.peers || !lane.looked) {
      lane.peers = std::move(peers);
      lane.looked = false;
      lane.reactor.set_peers(lane.peers);
      lane.reactor.events_lost();  // the reconciler has changed the wire
    }
  }
}

Status Steerer::refresh(SteerInstant now, const Lane* looking) {
  RADIAL_TRY(watch_.look());
  refreshed_ = now;
  // What was queued has gone by the lanes.
  for (auto& [interface, lane] : lanes_)
    if (&lane != looking) lane.reactor.events_lost();
  return {};
}

Steerer::Step Steerer::step(SteerInstant now) {
  Step step;
  if (const auto news = watch_.drain(); !news) {
    step.problems.push_back(fmt::format("steering: {}", news.error().message));
    for (auto& [interface, lane] : lanes_) lane.reactor.events_lost();
  } else if (news->lost) {
    for (auto& [interface, lane] : lanes_) lane.reactor.events_lost();
  } else if (!news->routes.empty()) {
    std::vector<RouteEvent> events;
    for (auto& [interface, lane] : lanes_) {
      events.clear();
      for (const auto& one : news->routes)
        events.push_back(one.route ? RouteEvent{fib_route(*one.route, interface), false}
                                   : RouteEvent{{one.prefix, {}}, true});
      lane.reactor.routes_changed(events);
    }
  }
  for (auto& [interface, lane] : lanes_) {
    pump(lane, now, step);
    if (const auto wake = lane.reactor.wake_at(); wake && (!step.wake_at || *wake < *step.wake_at)) step.wake_at = wake;
  }
  return step;
}

void Steerer::pump(Lane& lane, SteerInstant now, Step& step) {
  while (auto action = lane.reactor.next(now)) {
    if (action->kind == SteerAction::Kind::look) look(lane, now, step);
    else place(lane, action->delta, now, step);
  }
}

void Steerer::look(Lane& lane, SteerInstant now, Step& step) {
  if (!watch_.known() || !refreshed_ || now - *refreshed_ > fresh_for) {
    if (const auto looked = refresh(now, &lane); !looked) {
      step.problems.push_back(fmt::format("steering of {}: {}", lane.interface, looked.error().message));
      return lane.reactor.look_failed(now);
    }
  }
  const auto observed = host_.wireguard->observe(lane.interface);
  if (!observed) {
    // A wire that somebody deleted is the reconciler's business.
    if (observed.error().code != Errc::not_found)
      step.problems.push_back(fmt::format("steering of {}: {}", lane.interface, observed.error().message));
    return lane.reactor.look_failed(now);
  }
  lane.reactor.seen(fib_of(watch_.routes(), lane.interface), placed_on(*observed, guests_), now);
  lane.looked = true;
}

void Steerer::place(Lane& lane, const SteerDelta& delta, SteerInstant now, Step& step) {
  const auto& steering = lane.reactor.steering();
  auto change = change_of(lane.interface, delta, steering.parking());
  const auto left_parking = [&](const Placement& one) { return one.from == steering.parking(); };
  if (std::any_of(delta.begin(), delta.end(), left_parking)) {
    const auto table = steering.table();
    if (std::none_of(table.begin(), table.end(), [&](const auto& one) { return one.peer == steering.parking(); })) {
      change.peers.emplace_back();
      change.peers.back().public_key = steering.parking();
      change.peers.back().remove = true;
    }
  }
  if (auto applied = host_.wireguard->apply(change); !applied) {
    step.problems.push_back(fmt::format("steering of {}: {}", lane.interface, applied.error().message));
    return lane.reactor.apply_failed(now);
  }
  lane.reactor.applied(now);
  const auto name_of = [&](const std::optional<PublicKey>& key) -> std::string {
    if (!key) return "nobody";
    if (*key == steering.parking()) return "nobody (parked)";
    for (const auto& peer : lane.peers)
      if (peer.key == *key) return peer.node;
    return key->to_string();
  };
  for (const auto& one : delta)
    step.moved.push_back(fmt::format("{}: {} from {} to {}", lane.interface, one.prefix, name_of(one.from), name_of(one.to)));
}

const Steering* Steerer::steering(const std::string& interface) const {
  const auto found = lanes_.find(interface);
  return found != lanes_.end() && found->second.looked ? &found->second.reactor.steering() : nullptr;
}

std::vector<SteerFinding> Steerer::findings() const {
  std::vector<SteerFinding> all;
  for (const auto& [interface, lane] : lanes_) {
    if (!lane.looked) continue;
    auto some = lane.reactor.steering().findings();
    all.insert(all.end(), some.begin(), some.end());
  }
  return all;
}

}  // namespace radial::agent
