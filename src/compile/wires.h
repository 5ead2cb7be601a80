// The wires of one node. Pure.
//
// A hub has one multipoint wire for all its sites, and a point-to-point wire
// to every other hub. A site has a point-to-point wire to each of its hubs.
// A hub with `wire: dedicated` has a point-to-point wire for each site instead,
// unnumbered at its end, which nftables holds to the site's grant (firewall_table.h).
//
// A wire between hubs is unnumbered (RFC 2328, 8.1): at either end it has the
// hub's own tunnel address as a /32. It thus needs no addresses that could
// collide with a tunnel prefix or move when hubs are added, and OSPF announces
// nothing for it. Its IPv6 link-local addresses are fe80::1 at the hub that
// comes first in the file and fe80::2 at the other.
#pragma once

#include <vector>

#include "base/result.h"
#include "compile/node_config.h"
#include "fabric/fabric.h"
#include "fabric/facts.h"

namespace radial {

// OSPF cost of a wire between hubs: lower than any two wires of a site
// together, since sites do not forward from wire to wire and no path may be
// computed through one.
inline constexpr std::uint32_t hub_wire_cost = 1;

// The version that `node` reported; 8.4, the oldest that is supported, while
// it has not: every mode chosen for it also works with newer ones.
[[nodiscard]] FrrVersion frr_of(const FabricFacts& facts, std::string_view node);

// The MTU of a site's wires: its own where smaller than the fabric's.
[[nodiscard]] int site_mtu(const Fabric& fabric, const Site& site);

// The sites wired to a hub, by name; borrowed.
[[nodiscard]] std::vector<const Site*> sites_of(const Fabric& fabric, const Hub& hub);

[[nodiscard]] Result<std::vector<Wire>> hub_wires(const Fabric& fabric, const FabricFacts& facts, const Hub& hub);
[[nodiscard]] Result<std::vector<Wire>> site_wires(const Fabric& fabric, const FabricFacts& facts, const Site& site);

}  // namespace radial
