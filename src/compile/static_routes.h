// The static routes of a node, and what of them a hub announces for sites that
// take no part in routing (`trust: static`). Pure; lines as `show
// running-config` prints them.
#pragma once

#include <vector>

#include "compile/node_config.h"
#include "fabric/fabric.h"
#include "fabric/facts.h"

namespace radial {

// A hub: a static route of distance 250 to each LAN that a site of its wire
// declares, and over its wires to other hubs to what is there, which carries on
// where the best route that routing chose was refused (zebra filters after OSPF
// has chosen). Routing wins while it has any, also by way of another hub. It is
// never announced. Under BGP it is also the way to the other hubs' tunnel
// addresses, which carry the sessions. To a static site it is the route itself,
// with distance 1.
// A static site: a route to each hub's tunnel prefix and to every LAN and grant
// of the others, by each of its hubs, the preferred one first. A default route
// is not among them: the site's own stays what it is.
// `ipv6`: the fabric carries IPv6 between nodes.
[[nodiscard]] FrrStanza static_routes(const Fabric& fabric, const FabricFacts& facts, const NodeConfig& config,
                                      bool ipv6);

// LANs that a hub announces for its static sites, sorted.
[[nodiscard]] std::vector<Prefix> lans_on_behalf(const NodeConfig& config);

// What makes OSPF announce `on_behalf`, and no static route of anybody else:
// "redistribute static" held to a prefix-list "radial-static". Empty where
// there is nothing to announce.
[[nodiscard]] std::vector<FrrStanza> ospf_on_behalf(const NodeConfig& config, const std::vector<Prefix>& on_behalf);

}  // namespace radial
