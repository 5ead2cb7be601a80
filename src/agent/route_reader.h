// Asks this machine for what observe/route_table.h puts together: ospfd's
// database, the FIB, and steering. What cannot be asked is left out. `refused`: what BGP
// neighbours announce and bgpd keeps nothing of.
// Threading: as Reconciler.
#pragma once

#include "agent/machine.h"
#include "agent/steerer.h"
#include "compile/node_config.h"
#include "observe/route_table.h"

namespace radial::agent {

[[nodiscard]] observe::RouteTable read_routes(Host& machine, const NodeConfig& config, const Steerer& steerer,
                                              const std::vector<observe::Announcement>& refused);

}  // namespace radial::agent
