// Tunnel addresses for every node. Deterministic, and stable: an address in
// the book or pinned in the file never moves; a new node takes the slot its
// name hashes to (stable_hash.h), or the next free one. With no book, a node
// whose slot no other claims is always in it, so adding or removing a node
// leaves all others where they are unless their hashes collide; with a book,
// always. The order of the file never matters.
#pragma once

#include "fabric/fabric.h"
#include "fabric/facts.h"

namespace radial {

struct WireAddresses {
  IpAddress v4;
  std::optional<IpAddress> v6;          // same slot number in the hub's tunnel_v6
  std::optional<IpAddress> link_local;  // fe80::SLOT on the wire
};

// The book with entries for every (hub, node) of this fabric and none besides.
// The nodes of a hub: itself, every other hub (for a wire between the two), and
// each site that dials it. The hub's own address is the first of its tunnel
// prefix unless pinned or booked otherwise. A pin of the file goes before the
// book. Fails when a tunnel prefix is exhausted, a booked address left its
// prefix, or a pinned one is booked for another node. Time: O(n log n) but for
// a nearly full prefix; memory: a bit for each address of the prefix.
[[nodiscard]] Result<AddressBook> plan_addresses(const Fabric& fabric, const AddressBook& previous);

// Addresses of `node` on the wire of `hub`; both must be in the book.
[[nodiscard]] WireAddresses wire_addresses(const Fabric& fabric, const AddressBook& book, std::string_view hub,
                                           std::string_view node);

// An OSPF router-id: the node's tunnel address at its first hub (a hub: its own).
[[nodiscard]] IpAddress router_id(const Fabric& fabric, const AddressBook& book, std::string_view node);

}  // namespace radial
