// Asks this machine for what observe/route_table.h puts together: ospfd's
// database, the FIB, and steering. What cannot be asked is left out. `refused`: what BGP
// neighbours announce and bgpd keeps nothing of.
// Threading: as Reconciler.
#pragma once

#include "agent/machine.h"
#include "agent/steerer.h"
#include "compile/node_config.h"
#include "control/store.h"
#include "observe/route_table.h"

namespace radial::agent {

[[nodiscard]] observe::RouteTable read_routes(Host& machine, const NodeConfig& config, const Steerer& steerer,
                                              const std::vector<observe::Announcement>& refused);

// What the FIB of this hub has from its sites by a routing protocol; nothing: the FIB cannot be read.
[[nodiscard]] std::optional<control::ServedSites> served_sites(Host& machine, const NodeConfig& config);

}  // namespace radial::agent
