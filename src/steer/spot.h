// What steering knows of one prefix: the value of its tree's nodes.
#pragma once

#include <memory>
#include <vector>

#include "steer/peer_book.h"
#include "steer/prefix_tree.h"

namespace radial::steering {

// Who may hold the destinations of a prefix: nobody, one, or several.
struct Candidates {
  PeerIndex first = nobody;  // of several, the one to have it while neither the FIB nor the present says who
  bool several = false;

  void add(PeerIndex peer) {
    if (first != nobody && first != peer) several = true;
    if (first == nobody || peer < first) first = peer;
  }
};

// At each granted prefix and each peer's own address: the same for every
// destination whose longest granted prefix this is.
struct Region {
  Candidates named;   // by prefixes that a grant names
  Candidates all;     // and by grants of `any`
  bool own = false;   // a peer's own address: nobody else's, whatever a grant says

  // Whether the FIB has a say. It has none where one peer alone is named: that
  // prefix stands still. Where only `any` reaches it has one, as a default
  // route is no part of `any`.
  [[nodiscard]] bool steered() const { return !own && (all.several || (all.first != nobody && named.first == nobody)); }
};

struct Hop {
  IpAddress gateway;
  PeerIndex peer = nobody;  // nobody: no peer's address
};

// The FIB's route to a prefix.
struct Path {
  std::vector<Hop> hops;  // by gateway, each once
  [[nodiscard]] bool reaches_a_peer() const {
    for (const auto& hop : hops)
      if (hop.peer != nobody) return true;
    return false;
  }
};

struct Spot {
  std::unique_ptr<const Region> region;  // where a grant or an own address has this prefix
  std::unique_ptr<const Path> path;      // where the FIB has it
  PeerIndex owner = nobody;              // of an entry: who should have it
  PeerIndex placed = nobody;             // in AllowedIPs: a holder's number; nobody: it is not there
  // A region, or a route that is steered: the prefixes at which the owner may change.
  bool entry = false;
  bool steered_below = false;            // a steered region is here or below

  [[nodiscard]] bool empty() const { return !region && !path && !entry && placed == nobody; }
  [[nodiscard]] static Spot above(const Spot& below) {
    Spot spot;
    spot.steered_below = below.steered_below;
    return spot;
  }
};

using SpotTree = PrefixTree<Spot>;
using SpotNode = SpotTree::Node;

// The region that a node lies in, the route that its destinations take, and the
// entry above it: nothing, where there is none.
[[nodiscard]] const Region* region_of(const SpotNode& node);
[[nodiscard]] const SpotNode* routed_by(const SpotNode& node);
[[nodiscard]] const SpotNode* entry_above(const SpotNode& node);

// Makes the regions of a new tree, and an entry of each.
void plant_regions(SpotTree& tree, const PeerBook& book);

}  // namespace radial::steering
