// BGP on a node, line by line as `show running-config` prints it in 8.4 and in
// 10.3. Pure.
//
// One AS (RFC 4271), each hub a route reflector for its sites (RFC 4456) and a
// peer of the other hubs, over the sites' and hubs' IPv4 tunnel addresses; one
// session carries both families (RFC 4760). A hub makes itself the next hop of
// all that it passes on, so that a route is usable wherever it arrives. What a
// neighbour may announce is in a prefix-list of its own, which acts before BGP
// chooses: a prefix that is not granted can displace nothing.
//
// What is preferred: a site's own announcement before one by way of another
// hub; of two hubs the one with the lower `cost`, as a local preference that
// each node sets for itself on what it hears.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "compile/node_config.h"

namespace radial {

struct BgpSurroundings {
  std::vector<Prefix> never;                      // what no neighbour may announce: tunnels, hubs' endpoints
  std::map<std::string, std::uint32_t> hub_cost;  // by hub
  std::vector<Prefix> on_behalf;                  // LANs of sites with `trust: static`, which this hub announces
};

// Of `config.wires`, `router_id` and `bgp`; empty where BGP does not run. Lists
// first, then route-maps, then the neighbours, each of which is activated last,
// when its filters stand; they are taken away in the opposite order.
[[nodiscard]] std::vector<FrrStanza> bgp_stanzas(const NodeConfig& config, const BgpSurroundings& around);

// "router bgp 65000 / address-family ipv4 unicast"
[[nodiscard]] std::string bgp_family_context(const BgpPart& bgp, Family family);

// What a hub's bgpd marks IPv6 routes of sites on dedicated wires with, for zebra's filter
// (fib_filter.h). It stays on this node.
inline constexpr std::uint32_t bgp_site_tag = 21057;

// How many prefixes of a family a site with this grant may announce before its
// session is closed: a flood costs the hub no more than that.
[[nodiscard]] std::uint32_t prefix_limit(const Grant& grant);

// "radial-in-berlin": the prefix-list for what that node announces to us.
[[nodiscard]] std::string announced_list_name(std::string_view node);

}  // namespace radial
