#include "steer/steering.h"

#include <algorithm>
#include <set>
#include <utility>

#include "steer/delta_order.h"
#include "steer/spot.h"

namespace radial {

using namespace steering;

namespace {

template <class Node, class Visit>
void walk(Node& node, Visit&& visit) {
  visit(node);
  for (auto& child : node.child)
    if (child) walk(*child, visit);
}

// The entries right under a node, with no entry in between.
template <class Visit>
void for_entries_under(SpotNode& node, Visit&& visit) {
  for (auto& child : node.child) {
    if (!child) continue;
    if (child->value.entry) visit(*child);
    else for_entries_under(*child, visit);
  }
}

PeerIndex owner_around(const SpotNode& node) {
  const auto* above = entry_above(node);
  return above == nullptr ? nobody : above->value.owner;
}

}  // namespace

struct Steering::Impl {
  // Holders that are no peers of the book have numbers after it: the parking
  // peer, and while a table is taken over, those that it names.
  struct Stranger {
    PublicKey key;
    PeerIndex now = nobody;  // the same node's peer, under its new key
    bool ours = false;       // what it has is ours to remove
  };

  explicit Impl(const PublicKey& parking_key) : parking(parking_key) {}

  PublicKey parking;
  PeerBook book;
  SpotTree tree;
  std::set<Prefix> refused;  // routes with a finding

  [[nodiscard]] PeerIndex parked() const { return book.size(); }

  // Who has the destinations of a prefix as the wire stands.
  [[nodiscard]] PeerIndex present(const SpotNode& node) const {
    for (const auto* at = &node; at != nullptr; at = at->parent)
      if (at->value.placed != nobody) return at->value.placed < book.size() ? at->value.placed : nobody;
    return nobody;
  }

  [[nodiscard]] std::unique_ptr<const Path> resolve(const std::vector<IpAddress>& gateways) const {
    Path path;
    for (const auto& gateway : gateways) path.hops.push_back({gateway, book.with_address(gateway)});
    std::sort(path.hops.begin(), path.hops.end(), [](const Hop& a, const Hop& b) { return a.gateway < b.gateway; });
    path.hops.erase(std::unique(path.hops.begin(), path.hops.end(),
                                [](const Hop& a, const Hop& b) { return a.gateway == b.gateway; }),
                    path.hops.end());
    return std::make_unique<const Path>(std::move(path));
  }

  [[nodiscard]] bool refuses(const Hop& hop, const Prefix& prefix) const {
    return hop.peer == nobody || !book.may_announce(hop.peer, prefix);
  }

  void judge(const SpotNode& node) {
    const auto& path = node.value.path;
    const bool bad = path && std::any_of(path->hops.begin(), path->hops.end(),
                                         [&](const Hop& hop) { return refuses(hop, node.prefix); });
    if (bad) refused.insert(node.prefix);
    else refused.erase(node.prefix);
  }

  // Sets the route of a node; a steered one becomes an entry, owned by who has it now.
  void route(SpotNode& node, std::unique_ptr<const Path> path) {
    node.value.path = std::move(path);
    judge(node);
    if (!node.value.path || node.value.entry) return;
    const auto* region = region_of(node);
    if (region == nullptr || !region->steered()) return;
    node.value.owner = present(node);
    node.value.entry = true;
  }

  // Who should have an entry; keeps whom it has where there is a choice.
  [[nodiscard]] PeerIndex decide(const SpotNode& node) const {
    const auto& region = *region_of(node);
    if (region.own) return region.all.first;
    const auto* routed = routed_by(node);
    const Path* path = routed == nullptr ? nullptr : routed->value.path.get();
    const bool by_fib = path != nullptr && path->reaches_a_peer();
    const bool with_any = !(by_fib && routed->prefix.is_default());
    const auto& candidates = with_any ? region.all : region.named;
    if (!candidates.several) return candidates.first;

    const auto now = node.value.owner;
    if (!by_fib) return now != nobody && book.granted(now, node.prefix, with_any) ? now : candidates.first;
    PeerIndex chosen = nobody;
    for (const auto& hop : path->hops) {
      if (hop.peer == nobody || !book.granted(hop.peer, node.prefix, with_any)) continue;
      if (hop.peer == now) return now;
      if (chosen == nobody) chosen = hop.peer;
    }
    return chosen;
  }

  // Where an entry should be placed, so that its destinations find its owner.
  [[nodiscard]] PeerIndex place_for(const SpotNode& node) const {
    const auto& spot = node.value;
    if (!spot.entry) return nobody;
    const auto around = owner_around(node);
    if (spot.owner == nobody) return around == nobody ? nobody : parked();
    return spot.region || around != spot.owner ? spot.owner : nobody;
  }

  [[nodiscard]] std::optional<PublicKey> key_of(PeerIndex holder, std::span<const Stranger> strangers) const {
    if (holder == nobody) return std::nullopt;
    if (holder < book.size()) return book[holder].key;
    if (holder == parked()) return parking;
    return strangers[holder - parked() - 1].key;
  }

  void settle(SpotNode& node, SteerDelta& delta, std::span<const Stranger> strangers = {}) {
    const auto was = node.value.placed;
    const auto wanted = place_for(node);
    if (was == wanted) return;
    node.value.placed = wanted;
    if (wanted == nobody && was > parked() && !strangers[was - parked() - 1].ours) return;
    delta.push_back({node.prefix, key_of(was, strangers), key_of(wanted, {})});
  }

  void prune(const Prefix& prefix) {
    if (auto* node = tree.find(prefix)) tree.prune(*node);
  }

  // The entries that a route governs decide again: `changed` gets those that
  // changed their mind, and those that are no entries any more.
  void reconsider(SpotNode& node, std::vector<SpotNode*>& changed) {
    auto& spot = node.value;
    if (spot.entry && !spot.region && !spot.path) {
      spot.entry = false;
      changed.push_back(&node);
    } else if (spot.entry) {
      const auto owner = decide(node);
      if (owner != spot.owner) changed.push_back(&node);
      spot.owner = owner;
    }
    for (auto& child : node.child)
      if (child && !child->value.path && child->value.steered_below) reconsider(*child, changed);
  }

  // Builds everything from `fib`; `observed` (holder numbers beyond the book's
  // are `strangers`) is what the delta starts from.
  SteerDelta rebuild(PeerBook new_book, std::span<const FibRoute> fib, std::span<const PlacedPrefix> observed) {
    const auto former = std::exchange(book, std::move(new_book));
    tree = SpotTree();
    refused.clear();
    plant_regions(tree, book);

    std::vector<Stranger> strangers;
    std::unordered_map<PublicKey, PeerIndex> holders;
    const auto holder_of = [&](const PublicKey& key) -> PeerIndex {
      if (const auto peer = book.with_key(key); peer != nobody) return peer;
      if (key == parking) return parked();
      const auto [known, is_new] = holders.emplace(key, parked() + 1 + static_cast<PeerIndex>(strangers.size()));
      if (is_new) {
        const auto was = former.with_key(key);
        strangers.push_back({key, was == nobody ? nobody : book.named(former[was].node), was != nobody});
      }
      return known->second;
    };
    for (const auto& placed : observed) tree.at(placed.prefix).value.placed = holder_of(placed.peer);

    const auto present_through_rekey = [&](const SpotNode& node) -> PeerIndex {
      for (const auto* at = &node; at != nullptr; at = at->parent) {
        const auto placed = at->value.placed;
        if (placed == nobody) continue;
        return placed < book.size() ? placed : placed == parked() ? nobody : strangers[placed - parked() - 1].now;
      }
      return nobody;
    };
    for (const auto& wanted : fib) route(tree.at(wanted.prefix), resolve(wanted.gateways));

    SteerDelta delta;
    const auto everywhere = [&](auto&& visit) {
      for (const auto family : {Family::v4, Family::v6}) walk(tree.root(family), visit);
    };
    everywhere([&](SpotNode& node) {
      if (!node.value.entry) return;
      node.value.owner = present_through_rekey(node);
      node.value.owner = decide(node);
    });
    everywhere([&](SpotNode& node) { settle(node, delta, strangers); });
    for (const auto& placed : observed) prune(placed.prefix);
    order_safely(delta);
    return delta;
  }
};

Steering::Steering(const PublicKey& parking) : impl_(std::make_unique<Impl>(parking)) {}
Steering::Steering(Steering&&) noexcept = default;
Steering& Steering::operator=(Steering&&) noexcept = default;
Steering::~Steering() = default;

SteerDelta Steering::start(std::vector<SteerPeer> peers, std::span<const FibRoute> fib,
                           std::span<const PlacedPrefix> observed) {
  return impl_->rebuild(PeerBook(std::move(peers)), fib, observed);
}

SteerDelta Steering::resync(std::span<const FibRoute> fib, std::span<const PlacedPrefix> observed) {
  return impl_->rebuild(PeerBook(impl_->book), fib, observed);
}

SteerDelta Steering::set_peers(std::vector<SteerPeer> peers) {
  const auto routes = fib();
  const auto placed = table();
  return impl_->rebuild(PeerBook(std::move(peers)), routes, placed);
}

SteerDelta Steering::apply(std::span<const RouteEvent> events) {
  // First all routes, then all decisions, then all placements: what is there now
  // is asked of the table as it was before the first event.
  std::vector<SpotNode*> touched;
  for (const auto& [wanted, withdrawn] : events) {
    if (!withdrawn) {
      auto& node = impl_->tree.at(wanted.prefix);
      impl_->route(node, impl_->resolve(wanted.gateways));
      touched.push_back(&node);
    } else if (auto* node = impl_->tree.find(wanted.prefix); node != nullptr && node->value.path) {
      impl_->route(*node, nullptr);
      touched.push_back(node);
    }
  }
  std::vector<SpotNode*> changed;
  for (auto* node : touched) impl_->reconsider(*node, changed);

  SteerDelta delta;
  for (auto* node : touched) impl_->settle(*node, delta);
  for (auto* node : changed) {
    impl_->settle(*node, delta);
    for_entries_under(*node, [&](SpotNode& entry) { impl_->settle(entry, delta); });
  }
  for (const auto& event : events)
    if (event.withdrawn) impl_->prune(event.route.prefix);
  order_safely(delta);
  return delta;
}

std::vector<PlacedPrefix> Steering::table() const {
  std::vector<PlacedPrefix> table;
  for (const auto family : {Family::v4, Family::v6})
    walk(std::as_const(impl_->tree).root(family), [&](const SpotNode& node) {
      if (const auto key = impl_->key_of(node.value.placed, {})) table.push_back({node.prefix, *key});
    });
  return table;
}

std::vector<FibRoute> Steering::fib() const {
  std::vector<FibRoute> routes;
  for (const auto family : {Family::v4, Family::v6})
    walk(std::as_const(impl_->tree).root(family), [&](const SpotNode& node) {
      if (!node.value.path) return;
      FibRoute route{node.prefix, {}};
      for (const auto& hop : node.value.path->hops) route.gateways.push_back(hop.gateway);
      routes.push_back(std::move(route));
    });
  return routes;
}

std::vector<SteerFinding> Steering::findings() const {
  std::vector<SteerFinding> findings;
  for (const auto& prefix : impl_->refused)
    for (const auto& hop : impl_->tree.nearest(prefix).value.path->hops) {
      if (!impl_->refuses(hop, prefix)) continue;
      if (hop.peer == nobody) {
        findings.push_back({SteerFinding::Kind::unknown_gateway, prefix, hop.gateway, {}, {}});
        continue;
      }
      const auto kind =
          prefix.is_default() ? SteerFinding::Kind::default_not_granted : SteerFinding::Kind::not_granted;
      findings.push_back({kind, prefix, hop.gateway, impl_->book[hop.peer].node, impl_->book[hop.peer].grant});
    }
  return findings;
}

std::optional<PublicKey> Steering::steered_to(const IpAddress& destination) const {
  const auto holder = impl_->present(impl_->tree.nearest(Prefix::host(destination)));
  return impl_->key_of(holder, {});
}

std::vector<std::string> Steering::granted_to(const Prefix& prefix) const {
  std::vector<std::string> nodes;
  for (PeerIndex i = 0; i < impl_->book.size(); ++i)
    if (impl_->book.may_announce(i, prefix)) nodes.push_back(impl_->book[i].node);
  return nodes;
}

const std::vector<SteerPeer>& Steering::peers() const { return impl_->book.peers(); }
const PublicKey& Steering::parking() const { return impl_->parking; }

}  // namespace radial
