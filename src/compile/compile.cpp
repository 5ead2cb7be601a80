#include "compile/compile.h"

#include <algorithm>
#include <iterator>
#include <set>

#include "compile/fib_filter.h"
#include "compile/firewall_table.h"
#include "compile/frr_stanzas.h"
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

Status check_supported(const Fabric& fabric) {
  if (fabric.routing == RoutingEngine::bgp)
    return fail(Errc::unsupported, "fabric {}: 'routing: bgp' is not supported yet; use 'routing: ospf'", fabric.name);
  for (const auto& site : fabric.sites)
    if (site.trust == Trust::fixed)
      return fail(Errc::unsupported, "site {}: 'trust: static' is not supported yet; leave 'trust' out", site.name);
  return {};
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

bool has_key(const FabricFacts& facts, std::string_view node) {
  const auto found = facts.nodes.find(node);
  return found != facts.nodes.end() && found->second.public_key.has_value();
}

const Wire* wire_to(const std::vector<Wire>& wires, std::string_view hub) {
  const auto found = std::find_if(wires.begin(), wires.end(), [&](const Wire& wire) {
    return wire.shape == WireShape::point_to_point && wire.hub == hub && wire.peers.front().public_key;
  });
  return found == wires.end() ? nullptr : &*found;
}

std::optional<IpAddress> next_hop_of(const WirePeer& peer, Family family) {
  for (const auto& address : peer.addresses)
    if (address.family() == family && !address.is_link_local()) return address;
  return std::nullopt;
}

// To each LAN that this hub's own sites declare, and by way of another hub to
// that hub's LANs, tunnel and own sites. A node without a key can serve
// nothing, so it gets no route either.
std::vector<FloatingRoute> floating_routes(const Fabric& fabric, const FabricFacts& facts, const Hub& hub,
                                           const std::vector<Wire>& wires, bool ipv6) {
  std::vector<FloatingRoute> routes;
  const auto& own = wires.front();
  for (const auto& peer : own.peers) {
    const auto* site = fabric.find_site(peer.node);
    if (site == nullptr || !peer.public_key) continue;
    for (const auto& lan : site->lans)
      if (const auto next_hop = next_hop_of(peer, lan.prefix.family()))
        routes.push_back({lan.prefix, next_hop, own.interface});
  }
  std::set<Prefix> served;
  for (const auto& route : routes) served.insert(route.prefix);
  const auto by_way_of = [&](const Wire& wire, const Prefix& prefix) {
    if (!served.contains(prefix)) routes.push_back({prefix, std::nullopt, wire.interface});
  };
  for (const auto& other : fabric.hubs) {
    const auto* wire = other.name == hub.name ? nullptr : wire_to(wires, other.name);
    if (wire == nullptr) continue;
    by_way_of(*wire, other.tunnel_v4);
    if (other.tunnel_v6 && ipv6) by_way_of(*wire, *other.tunnel_v6);
    for (const auto& lan : other.lans) by_way_of(*wire, lan.prefix);
    for (const auto* site : sites_of(fabric, other)) {
      const bool first_choice = site->hubs.front() == other.name;
      const bool ours = std::find(site->hubs.begin(), site->hubs.end(), hub.name) != site->hubs.end();
      if (!first_choice || ours || !has_key(facts, site->name)) continue;
      for (const auto& lan : site->lans) by_way_of(*wire, lan.prefix);
    }
  }
  return routes;
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

std::vector<Router> routers_of(const Fabric& fabric, const AddressBook& book) {
  std::vector<Router> routers;
  const auto add = [&](const auto& node, bool hub) {
    const bool active = std::any_of(node.lans.begin(), node.lans.end(), [](const Lan& lan) { return lan.active; });
    routers.push_back({node.name, router_id(fabric, book, node.name), hub, active});
  };
  for (const auto& hub : fabric.hubs) add(hub, true);
  for (const auto& site : fabric.sites) add(site, false);
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

Result<NodeConfig> compile_node(const Fabric& fabric, const FabricFacts& facts, std::string_view node) {
  const auto* hub = fabric.find_hub(node);
  const auto* site = fabric.find_site(node);
  if (hub == nullptr && site == nullptr) return unknown_node(fabric, node);
  RADIAL_TRY(check_supported(fabric));

  NodeConfig config;
  config.fabric = fabric.name;
  config.node = node;
  config.role = hub != nullptr ? NodeRole::hub : NodeRole::site;
  RADIAL_ASSIGN(config.wires, hub != nullptr ? hub_wires(fabric, facts, *hub) : site_wires(fabric, facts, *site));
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
  config.sysctls = compile_sysctls(config.wires, ipv6);
  config.frr = ospf_stanzas(config);
  if (ipv6) {
    auto stanzas = ospf6_stanzas(config);
    std::move(stanzas.begin(), stanzas.end(), std::back_inserter(config.frr));
  }
  if (hub != nullptr) {
    auto routes = static_stanza(floating_routes(fabric, facts, *hub, config.wires, ipv6));
    if (!routes.lines.empty()) config.frr.push_back(std::move(routes));
  }
  auto filter = fib_filter(config);
  std::move(filter.begin(), filter.end(), std::back_inserter(config.frr));
  config.nft = compile_firewall(config.role, config.wires,
                                hub != nullptr ? narrow_sites(fabric, *hub) : std::vector<NarrowSite>{});
  return config;
}

}  // namespace radial
