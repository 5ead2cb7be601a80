// FRR configuration of a node's wires, line by line as `show running-config`
// prints it in 8.4 and in 10.3 (a line that those do not print back would be
// entered again for ever). Pure.
//
// So a value that is FRR's default is left out where FRR leaves it out
// (hello-interval 10; network point-to-point, which 8.4 does not print for a
// WireGuard interface, as the kernel flags it point-to-point).
#pragma once

#include <algorithm>
#include <string_view>
#include <vector>

#include "compile/node_config.h"

namespace radial {

// Of `config.wires`, `router_id`, `area` and timers. The router's stanza is
// first, so that no interface comes up under another router-id; within an
// interface the area is last, since it is what brings the interface up: an
// NBMA wait timer is read then, and no hello leaves before passive is known.
[[nodiscard]] std::vector<FrrStanza> ospf_stanzas(const NodeConfig& config);

// OSPFv3 for the IPv6 of the same wires, where the hub can do it (FRR 10.1 or
// later; wires between hubs always): empty where no wire can. Hellos go by
// unicast to the sites' link-local addresses, as no multicast reaches them.
[[nodiscard]] std::vector<FrrStanza> ospf6_stanzas(const NodeConfig& config);

// It has lines for that daemon.
[[nodiscard]] inline bool runs(const NodeConfig& config, std::string_view daemon) {
  return std::any_of(config.frr.begin(), config.frr.end(), [&](const FrrStanza& stanza) { return stanza.daemon == daemon; });
}

}  // namespace radial
