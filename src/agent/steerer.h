// The hands of steering: for each multipoint wire of this node it listens to the
// FIB, looks at the wire, and carries out what the reactor (steer/reactor.h)
// decides. What is steered, and why, stands in steer/steering.h.
//
// It and the reconciler change the same AllowedIPs and agree on them: the
// reconciler asks allowed_ips() what a wire should hold. The parking peer, where
// steering needs one, has a key that follows from the hub and the wire: it is
// known again after a restart, and nobody has its private key.
//
// Threading: one thread. A call blocks for the kernel's answers, normally less
// than a millisecond.
#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "agent/machine.h"
#include "compile/node_config.h"
#include "host/route_watch.h"
#include "steer/reactor.h"

namespace radial::agent {

class Steerer {
 public:
  Steerer(Host& machine, host::RouteWatch watch);  // the machine is borrowed

  [[nodiscard]] int fd() const { return watch_.fd(); }  // readable: step()

  // What the peers of a multipoint wire should hold, given what it is seen to
  // hold; nothing when the FIB cannot be read.
  [[nodiscard]] std::optional<std::vector<PlacedPrefix>> allowed_ips(const Wire& wire,
                                                                     const host::ObservedWire& observed);

  // Peers that steering must leave alone: they are no nodes of the fabric.
  void set_guests(std::set<PublicKey> guests) { guests_ = std::move(guests); }

  // The wires as they should be, after a reconciliation: the peers are on them.
  void follow(const NodeConfig& config);

  struct Step {
    std::vector<std::string> moved;     // "wg0: 10.30.0.0/24 from paris to berlin"
    std::vector<std::string> problems;
    std::optional<SteerInstant> wake_at;
  };
  // Takes what the FIB tells and does what is to do.
  Step step(SteerInstant now);

  // Of a wire that is steered; nothing otherwise. Borrowed until the next call.
  [[nodiscard]] const Steering* steering(const std::string& interface) const;
  // Routes that the FIB should not hold, of all wires.
  [[nodiscard]] std::vector<SteerFinding> findings() const;

 private:
  struct Lane {
    std::string interface;
    int index = 0;
    std::vector<SteerPeer> peers;
    SteerReactor reactor;
    bool looked = false;  // the reactor's table is what this wire should hold
  };

  void pump(Lane& lane, SteerInstant now, Step& step);
  void look(Lane& lane, SteerInstant now, Step& step);
  void place(Lane& lane, const SteerDelta& delta, SteerInstant now, Step& step);
  // Takes the FIB anew; every lane but the one that is looking must look, too.
  Status refresh(SteerInstant now, const Lane* looking = nullptr);

  Host& host_;
  host::RouteWatch watch_;
  std::optional<SteerInstant> refreshed_;
  std::map<std::string, Lane> lanes_;  // by interface
  std::set<PublicKey> guests_;
};

}  // namespace radial::agent
