#include "steer/spot.h"

#include <map>

namespace radial::steering {
namespace {

struct Claims {
  std::vector<PeerIndex> named;
  std::vector<PeerIndex> any;
  PeerIndex owner = nobody;  // of an own address
  PeerIndex home = nobody;   // who declares it a LAN
};

std::map<Prefix, Claims> claims_of(const PeerBook& book) {
  std::map<Prefix, Claims> claims;
  for (PeerIndex i = 0; i < book.size(); ++i) {
    const auto& peer = book[i];
    for (const auto& address : peer.addresses)
      if (book.with_address(address) == i) claims[Prefix::host(address)].owner = i;
    for (const auto& prefix : peer.grant.prefixes) claims[prefix].named.push_back(i);
    if (peer.grant.any)
      for (const auto family : {Family::v4, Family::v6}) claims[Prefix::any(family)].any.push_back(i);
    for (const auto& lan : peer.lans)
      if (book.granted(i, lan, true)) {
        auto& home = claims[lan].home;
        if (home == nobody) home = i;
      }
  }
  return claims;
}

Region region_from(const Claims& claims, const Region* around) {
  Region region;
  if (claims.owner != nobody) {
    region.own = true;
    region.named.add(claims.owner);
    region.all.add(claims.owner);
    return region;
  }
  if (around != nullptr) region = *around;
  for (const auto peer : claims.named) {
    region.named.add(peer);
    region.all.add(peer);
  }
  for (const auto peer : claims.any) region.all.add(peer);
  if (claims.home != nobody && region.all.several) region.all.first = claims.home;
  return region;
}

template <class Test>
const SpotNode* climb(const SpotNode* node, Test&& test) {
  while (node != nullptr && !test(*node)) node = node->parent;
  return node;
}

}  // namespace

const Region* region_of(const SpotNode& node) {
  const auto* found = climb(&node, [](const SpotNode& at) { return at.value.region != nullptr; });
  return found == nullptr ? nullptr : found->value.region.get();
}

const SpotNode* routed_by(const SpotNode& node) {
  return climb(&node, [](const SpotNode& at) { return at.value.path != nullptr; });
}

const SpotNode* entry_above(const SpotNode& node) {
  return climb(node.parent, [](const SpotNode& at) { return at.value.entry; });
}

void plant_regions(SpotTree& tree, const PeerBook& book) {
  // In the map's order a prefix comes after all that hold it.
  for (const auto& [prefix, claims] : claims_of(book)) {
    auto& node = tree.at(prefix);
    const Region* around = region_of(node);
    const auto region = region_from(claims, around);
    // A LAN says only where to begin: of no use where there is no choice.
    const bool only_home = claims.owner == nobody && claims.named.empty() && claims.any.empty();
    if (only_home && !region.all.several) {
      tree.prune(node);
      continue;
    }
    node.value.region = std::make_unique<const Region>(region);
    node.value.entry = true;
    if (!region.steered()) continue;
    for (auto* at = &node; at != nullptr && !at->value.steered_below; at = at->parent) at->value.steered_below = true;
  }
}

}  // namespace radial::steering
