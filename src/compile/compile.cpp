#include "compile/compile.h"

#include <algorithm>
#include <iterator>
#include <set>

#include "compile/bgp_stanzas.h"
#include "compile/fib_filter.h"
#include "compile/firewall_table.h"
#include "compile/frr_stanzas.h"
#include "compile/static_routes.h"
#include "compile/sysctls.h"
#include "compile/wires.h"
#include "fabric/address_plan.h"
#include "fabric/nearest.h"

namespace radial {
namespace {

Unexpected unknown_node(const Fabric& fabric, std::string_view node) {
  std::vector<std::string_view> names;
  for (const auto& hub : fabric.hubs) names.push_back(hub.name);
  for (const auto& site : fabric.sites) names.push_back(site.name);
  const auto nearest = nearest_name(node, std::span<const std::string_view>(names));
  return fail(Errc::not_found, "'{}' is neither a hub nor a site of fabric {}{}", node, fabric.name,
              nearest ? fmt::format("; did you mean '{}'?", *nearest) : "");
}

template <class Node>
bool announces_ipv6(const Node& node) {
  const auto v6 = [](const auto& prefix) { return prefix.family() == Family::v6; };
  return std::any_of(node.lans.begin(), node.lans.end(), [&](const Lan& lan) { return v6(lan.prefix); }) ||
         std::any_of(node.grant.prefixes.begin(), node.grant.prefixes.end(), v6);
}

bool carries_ipv6(const Fabric& fabric) {
  return std::any_of(fabric.hubs.begin(), fabric.hubs.end(), announces_ipv6<Hub>) ||
         std::any_of(fabric.sites.begin(), fabric.sites.end(), announces_ipv6<Site>);
}

std::vector<NarrowSite> narrow_sites(const Fabric& fabric, const Hub& hub) {
  std::vector<NarrowSite> narrow;
  for (const auto* site : sites_of(fabric, hub))
    if (site_mtu(fabric, *site) < fabric.mtu)
      narrow.push_back({site->name, site_mtu(fabric, *site), site->grant.prefixes});
  return narrow;
}

// Whether IPv6 runs over BGP beside OSPF: where some hub has no OSPFv3 for a
// multipoint wire, neither by its FRR nor by a wire that copies multicast. One
// engine a family in all of the fabric: hubs pass routes on to each other, and the
// two engines would not.
bool needs_bgp_for_ipv6(const Fabric& fabric, const FabricFacts& facts) {
  return std::any_of(fabric.hubs.begin(), fabric.hubs.end(), [&](const Hub& hub) {
    const auto known = facts.nodes.find(hub.name);
    const bool by_multicast = known != facts.nodes.end() && known->second.copies_multicast();
    const bool multipoint = hub.site_wires == SiteWires::multipoint;
    return multipoint && !frr_of(facts, hub.name).has_p2mp_non_broadcast() && !by_multicast;
  });
}

bool takes_part_in_routing(const std::vector<Wire>& wires) {
  return std::any_of(wires.begin(), wires.end(), [](const Wire& wire) {
    return wire.shape == WireShape::multipoint ||
           std::any_of(wire.peers.begin(), wire.peers.end(),
                       [](const WirePeer& peer) { return peer.trust == Trust::routed; });
  });
}

// What no neighbour may announce. An endpoint that is a name is known to its
// node alone, when it has resolved it.
BgpSurroundings surroundings(const Fabric& fabric, std::vector<Prefix> on_behalf) {
  BgpSurroundings around;
  for (const auto& hub : fabric.hubs) {
    around.never.push_back(hub.tunnel_v4);
    if (hub.tunnel_v6) around.never.push_back(*hub.tunnel_v6);
    around.hub_cost.emplace(hub.name, hub.cost);
  }
  for (const auto& hub : fabric.hubs)
    for (const auto& endpoint : hub.endpoints)
      if (const auto address = endpoint.address()) around.never.push_back(Prefix::host(*address));
  around.on_behalf = std::move(on_behalf);
  return around;
}

void append(std::vector<FrrStanza>& stanzas, std::vector<FrrStanza> more) {
  std::move(more.begin(), more.end(), std::back_inserter(stanzas));
}

// What any other node may announce.
Grant granted_elsewhere(const Fabric& fabric, std::string_view node) {
  Grant all;
  const auto add = [&](const auto& other) {
    if (other.name == node) return;
    all.any |= other.grant.any;
    all.prefixes.insert(all.prefixes.end(), other.grant.prefixes.begin(), other.grant.prefixes.end());
  };
  for (const auto& hub : fabric.hubs) add(hub);
  for (const auto& site : fabric.sites) add(site);
  // A prefix sorts before those within it.
  std::sort(all.prefixes.begin(), all.prefixes.end());
  std::vector<Prefix> apart;
  for (const auto& prefix : all.prefixes)
    if (apart.empty() || !apart.back().contains(prefix)) apart.push_back(prefix);
  all.prefixes = std::move(apart);
  return all;
}

bool overlaps(const Prefix& a, const Prefix& b) { return a.contains(b) || b.contains(a); }

// What none but sites of this hub alone are granted. Beside a grant of
// everything that is their declared LANs only.
std::vector<Prefix> only_at(const Fabric& fabric, const Hub& hub) {
  const std::vector<std::string> here{hub.name};
  std::vector<Prefix> others;
  bool everything_granted = false;
  const auto add_other = [&](const Grant& grant) {
    everything_granted |= grant.any;
    for (const auto& prefix : grant.prefixes) {
      if (prefix.is_default()) everything_granted = true;
      else others.push_back(prefix);
    }
  };
  for (const auto& other : fabric.hubs)
    if (other.name != hub.name) add_other(other.grant);
  for (const auto& site : fabric.sites)
    if (site.hubs != here) add_other(site.grant);
  std::set<Prefix> only;
  const auto add = [&](const Prefix& prefix) {
    const bool shared = std::any_of(others.begin(), others.end(), [&](const Prefix& other) { return overlaps(prefix, other); });
    if (!prefix.is_default() && !shared) only.insert(prefix);
  };
  for (const auto& site : fabric.sites) {
    if (site.hubs != here) continue;
    for (const auto& lan : site.lans) add(lan.prefix);
    if (!everything_granted)
      for (const auto& prefix : site.grant.prefixes) add(prefix);
  }
  return {only.begin(), only.end()};
}

std::vector<Router> routers_of(const Fabric& fabric, const AddressBook& book) {
  std::vector<Router> routers;
  // Each by router_id()'s rule, without looking every one of them up by its name.
  const auto add = [&](const auto& node, const std::string& wire, bool several_hubs) {
    const bool active = std::any_of(node.lans.begin(), node.lans.end(), [](const Lan& lan) { return lan.active; });
    routers.push_back({node.name, wire_addresses(fabric, book, wire, node.name).v4, wire == node.name, active, several_hubs});
  };
  for (const auto& hub : fabric.hubs) add(hub, hub.name, false);
  for (const auto& site : fabric.sites) add(site, site.hubs.front(), site.hubs.size() > 1);
  return routers;
}

std::vector<Prefix> tunnels_of(const Fabric& fabric) {
  std::vector<Prefix> tunnels;
  for (const auto& hub : fabric.hubs) {
    tunnels.push_back(hub.tunnel_v4);
    if (hub.tunnel_v6) tunnels.push_back(*hub.tunnel_v6);
  }
  std::sort(tunnels.begin(), tunnels.end());
  return tunnels;
}

}  // namespace

Result<std::vector<Wire>> compile_wires(const Fabric& fabric, const FabricFacts& facts, std::string_view node) {
  if (const auto* hub = fabric.find_hub(node)) return hub_wires(fabric, facts, *hub);
  if (const auto* site = fabric.find_site(node)) return site_wires(fabric, facts, *site);
  return unknown_node(fabric, node);
}

Result<NodeConfig> compile_node(const Fabric& fabric, const FabricFacts& facts, std::string_view node) {
  NodeConfig config;
  RADIAL_ASSIGN(config.wires, compile_wires(fabric, facts, node));
  const auto* hub = fabric.find_hub(node);
  const auto* site = fabric.find_site(node);
  config.fabric = fabric.name;
  config.node = node;
  config.role = hub != nullptr ? NodeRole::hub : NodeRole::site;
  config.router_id = router_id(fabric, facts.addresses, node);
  config.lans = hub != nullptr ? hub->lans : site->lans;
  config.elsewhere = granted_elsewhere(fabric, node);
  config.tunnels = tunnels_of(fabric);
  config.routers = routers_of(fabric, facts.addresses);
  config.lan_cost = fabric.ospf.lan_cost;
  config.area = fabric.ospf.area;
  config.hello = fabric.ospf.hello;
  config.dead = fabric.ospf.dead;
  const bool ipv6 = carries_ipv6(fabric);
  config.sysctls = compile_sysctls(config, ipv6);
  config.routing = fabric.routing;
  config.bgp.settings = fabric.bgp;
  if (takes_part_in_routing(config.wires)) {
    config.bgp.ipv4 = fabric.routing == RoutingEngine::bgp;
    config.bgp.ipv6 = ipv6 && (config.bgp.ipv4 || needs_bgp_for_ipv6(fabric, facts));
  }
  const auto on_behalf = lans_on_behalf(config);
  config.frr = ospf_stanzas(config);
  if (ipv6 && !config.bgp.ipv6) append(config.frr, ospf6_stanzas(config));
  append(config.frr, ospf_on_behalf(config, on_behalf));
  append(config.frr, bgp_stanzas(config, surroundings(fabric, on_behalf)));
  if (auto routes = static_routes(fabric, facts, config, ipv6); !routes.lines.empty()) config.frr.push_back(std::move(routes));
  append(config.frr, fib_filter(config, hub != nullptr ? only_at(fabric, *hub) : std::vector<Prefix>{}));
  config.nft = compile_firewall(config, hub != nullptr ? narrow_sites(fabric, *hub) : std::vector<NarrowSite>{});
  return config;
}

}  // namespace radial
