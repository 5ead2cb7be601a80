// Steering: FIB + grants -> AllowedIPs of one multipoint wire, event by event.
// Pure: no I/O and no clock.
//
// Who gets a destination d:
//   - An own address of a peer: that peer.
//   - Granted to one peer by name: that peer, whatever the FIB says. So a prefix
//     that only one site may announce never moves, and a route that was refused
//     cannot take it away (WireGuard looks at the destination alone, not at the
//     route's gateway).
//   - Granted to several, and the FIB (longest match) sends it to peers of this
//     wire: the one of them that is granted d. Of several (ECMP) the one that has
//     it now, else the one with the lowest gateway. None is granted: nobody.
//   - Granted to several, and the FIB has no route, or one that leads elsewhere:
//     the one that has it now, else the one that declares it a LAN, else the
//     first by name.
//   - Granted by `any` alone: as above, but under a default route to a peer of
//     this wire `any` counts for nothing.
//   - Granted to none: nobody.
//
// In AllowedIPs every granted prefix and own address stands at its owner; a route
// stands beside them only where its owner is another than that of what is around
// it. "Nobody" inside another's prefix cannot be said by an absence, as the longer
// prefix would fall to the wider one's peer: such a hole is placed at the parking
// peer, whose private key nobody has and which has no endpoint, so that packets to
// it are refused at once. One prefix a hole, in one set operation; the
// alternative, splitting what is around it, takes up to 128.
//
// Cost of an event: the depth of the tree, and the granted prefixes and routes
// right under the event's prefix whose owner or neighbourhood it changes. The
// number of peers and of other routes does not enter.
//
// What a delta moves counts as done: a caller whose set operation failed calls
// resync() with what it then sees. Ownership: values. Threading: none of its own.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "steer/values.h"

namespace radial {

class Steering {
 public:
  // `parking`: the key of the parking peer, never one of the peers'. The caller
  // adds it to the wire before a delta first names it.
  explicit Steering(const PublicKey& parking);
  Steering(Steering&&) noexcept;
  Steering& operator=(Steering&&) noexcept;
  ~Steering();

  // Starts anew: the delta is from what the wire is seen to hold to what it
  // should hold. Nothing that is right is in it. A prefix of a peer that neither
  // is ours nor was is left alone, unless a peer of ours must have it. One node
  // is one peer here; what it had under an earlier key counts as its own.
  [[nodiscard]] SteerDelta start(std::vector<SteerPeer> peers, std::span<const FibRoute> fib,
                                 std::span<const PlacedPrefix> observed);

  // Looks at everything again, with the same peers: after lost events, and as an
  // audit. The delta is from `observed`, as start()'s.
  [[nodiscard]] SteerDelta resync(std::span<const FibRoute> fib, std::span<const PlacedPrefix> observed);

  // Peers that came, went, or were granted something else. A node with a new key
  // keeps what it had under the old one, and every prefix of a peer that has gone
  // is moved or removed; apply the delta before that peer is removed.
  [[nodiscard]] SteerDelta set_peers(std::vector<SteerPeer> peers);

  // What the FIB became. The events count as one change: only what differs
  // between before and after is in the delta. It equals that of resync() with the
  // FIB after them and table() before them.
  [[nodiscard]] SteerDelta apply(std::span<const RouteEvent> events);
  [[nodiscard]] SteerDelta apply(const RouteEvent& event) { return apply({&event, 1}); }

  // The AllowedIPs that should be in force, sorted.
  [[nodiscard]] std::vector<PlacedPrefix> table() const;
  // The FIB as it was told, sorted.
  [[nodiscard]] std::vector<FibRoute> fib() const;
  // By prefix, then gateway.
  [[nodiscard]] std::vector<SteerFinding> findings() const;
  // Who gets the destination: a peer's key, or nothing (also when it is parked).
  [[nodiscard]] std::optional<PublicKey> steered_to(const IpAddress& destination) const;
  // The nodes that may announce the prefix, by name. Asks every peer.
  [[nodiscard]] std::vector<std::string> granted_to(const Prefix& prefix) const;
  [[nodiscard]] const std::vector<SteerPeer>& peers() const;  // by name
  [[nodiscard]] const PublicKey& parking() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace radial
