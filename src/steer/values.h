// The values that steering takes and gives. Plain; no I/O, no clock.
//
// Steering keeps the AllowedIPs of a multipoint wire in step with the FIB where
// grants overlap. A prefix belongs to one peer of a wire, and WireGuard's lookup
// is longest match (WireGuard paper, section 2).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/ip.h"
#include "base/key.h"
#include "fabric/fabric.h"

namespace radial {

// A peer of the wire: its key names it there, its node's name through a re-key.
struct SteerPeer {
  PublicKey key;                      // never zero: who has not enrolled is left out
  std::string node;
  std::vector<IpAddress> addresses;   // its own on this wire: IPv4, IPv6, link-local
  Grant grant;                        // what it may announce over this wire
  std::vector<Prefix> lans;           // declared, within the grant: where they are while the FIB says nothing
  bool operator==(const SteerPeer&) const = default;
};

// A route of the FIB: of this wire or not, as both count for the longest match.
// Where the kernel holds several of one prefix, the one that it uses.
struct FibRoute {
  Prefix prefix;
  std::vector<IpAddress> gateways;    // on this wire, several for ECMP; none: served elsewhere, on-link, or rejected
  bool operator==(const FibRoute&) const = default;
};

struct RouteEvent {
  FibRoute route;                     // added, or in the place of the prefix's last one
  bool withdrawn = false;             // the prefix has no route any more; gateways do not matter
  bool operator==(const RouteEvent&) const = default;
};

// One of a wire's AllowedIPs.
struct PlacedPrefix {
  Prefix prefix;
  PublicKey peer;
  auto operator<=>(const PlacedPrefix&) const = default;
};

// `to` and no `from`: add. Both: one set operation moves it. `from` alone: remove.
struct Placement {
  Prefix prefix;
  std::optional<PublicKey> from;
  std::optional<PublicKey> to;
  bool operator==(const Placement&) const = default;
};

// In the order to apply it: additions and moves from the longest prefix to the
// shortest, then removals from the shortest to the longest. So after each single
// step every address looks up what it did before the delta or what it will after
// it, and never a third. Prefixes of one length are apart: among them the order
// is free, and they stand peer by peer.
using SteerDelta = std::vector<Placement>;

// A route that the FIB should not hold.
struct SteerFinding {
  enum class Kind : std::uint8_t {
    not_granted,          // `grant` does not cover it
    default_not_granted,  // the same, of 0.0.0.0/0 or ::/0, which `any` does not cover
    unknown_gateway,      // no peer of the wire has this address; `node` and `grant` are empty
  };
  Kind kind = Kind::not_granted;
  Prefix prefix;
  IpAddress gateway;
  std::string node;       // who announces it, or through whom it goes
  Grant grant;            // the one that refused it
  bool operator==(const SteerFinding&) const = default;
};

// One sentence: who, what, which grant, and the fix.
[[nodiscard]] std::string describe(const SteerFinding& finding);

}  // namespace radial
