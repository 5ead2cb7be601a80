// A node's configuration without routing with sites that were cut off: no OSPF
// neighbour line for them, and nftables drops their protocol 89, in and out.
// Their wires stay, and so does what needs no routing protocol. Pure.
#pragma once

#include <set>
#include <string>

#include "compile/node_config.h"

namespace radial {

[[nodiscard]] NodeConfig without_routing(NodeConfig config, const std::set<std::string>& sites);

}  // namespace radial
