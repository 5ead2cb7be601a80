// A change of a wire as the ordered sections of a WireGuard set operation:
// what both ways to WireGuard (netlink, UAPI) then only have to write down.
// Pure.
#pragma once

#include <vector>

#include "host/wireguard.h"

namespace radial::host {

struct AllowedIpOperation {
  Prefix prefix;
  bool remove = false;
  bool operator==(const AllowedIpOperation&) const = default;
};

// One peer's section. Sections take effect in order.
struct PeerOperation {
  PublicKey public_key;
  bool update_only = false;              // do not create it
  bool remove = false;
  bool replace_allowed_ips = false;
  const PresharedKey* preshared_key = nullptr;  // borrowed
  std::optional<Endpoint> endpoint;
  std::optional<std::uint16_t> keepalive;
  std::vector<AllowedIpOperation> allowed_ips;
};

// Additions and moves, then prefix removals, then peer removals.
// `passing_peer` is the key of a peer that nobody has: where one prefix cannot
// be removed, those to be removed move onto it and go with it.
[[nodiscard]] std::vector<PeerOperation> operations_of(const WireChange& change, bool can_remove_one_prefix,
                                                       const PublicKey& passing_peer);

// Whether operations_of() will have a prefix to remove.
[[nodiscard]] bool removes_prefixes(const WireChange& change);

}  // namespace radial::host
