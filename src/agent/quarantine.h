// Guests of a hub's wire: machines that were invited and have not joined. A
// guest is an ephemeral peer with an address of its own, from which the
// controller's port can be reached and nothing else: no forwarding, no routing
// protocol, no other port of the hub.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/ip.h"
#include "control/controller.h"

namespace radial::agent {

struct Quarantine {
  std::string interface;               // the hub's multipoint wire; empty: no controller here
  std::vector<std::string> hub_wires;  // to other hubs: their nodes ask the controller too
  IpAddress controller;                // the hub's tunnel address
  std::uint16_t port = 0;
  std::vector<control::Guest> guests;  // by address
};

// The node's nftables table with the quarantine's chains in it. Pure. Without
// a controller, `table` as it is. The controller's port is closed to all but
// what comes out of the wire.
[[nodiscard]] std::string with_quarantine(const std::string& table, const Quarantine& quarantine);

}  // namespace radial::agent
