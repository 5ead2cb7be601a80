// The kernel settings of a node, of its wires and LANs, in the order to write
// them. Pure.
#pragma once

#include <vector>

#include "compile/node_config.h"

namespace radial {

// `ipv6`: the fabric carries IPv6 between nodes, so that they must forward it.
// A machine that forwards IPv6 stops heeding router advertisements on its
// other interfaces (accept_ra=1), so it is not asked of one that need not.
[[nodiscard]] std::vector<Sysctl> compile_sysctls(const NodeConfig& config, bool ipv6);

}  // namespace radial
