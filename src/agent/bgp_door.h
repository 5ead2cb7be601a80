// The door to this node's bgpd, which listens on TCP port 179 of every address: open to the fabric's wires,
// and to neighbours that the operator has configured there besides; closed to the world, as every port but
// WireGuard's is. Pure; threading: none.
#pragma once

#include <string>
#include <vector>

#include "base/ip.h"
#include "compile/node_config.h"
#include "host/frr.h"

namespace radial::agent {

// Who but our wires' peers may open a session.
struct BgpCallers {
  std::vector<Prefix> from;              // `neighbor ADDRESS`, `bgp listen range`
  std::vector<std::string> interfaces;   // `neighbor INTERFACE interface`
  bool operator==(const BgpCallers&) const = default;
};

[[nodiscard]] bool runs_bgp(const NodeConfig& config);
[[nodiscard]] BgpCallers bgp_callers(const host::FrrRunning& running, const NodeConfig& config);

// The node's nftables table with the door in it; without BGP `table` as it is.
[[nodiscard]] std::string with_bgp_door(const std::string& table, const NodeConfig& config, const BgpCallers& callers);

}  // namespace radial::agent
