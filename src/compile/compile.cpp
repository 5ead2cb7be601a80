#include "compile/compile.h"

#include <algorithm>
#include <iterator>

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

// A site without a key can serve nothing, so it gets no route either.
std::vector<FloatingRoute> floating_routes(const Fabric& fabric, const Wire& wire) {
  std::vector<FloatingRoute> routes;
  for (const auto& peer : wire.peers) {
    const auto* site = fabric.find_site(peer.node);
    if (site == nullptr || !peer.public_key) continue;
    for (const auto& lan : site->lans) {
      const auto next_hop = std::find_if(peer.addresses.begin(), peer.addresses.end(), [&](const IpAddress& address) {
        return address.family() == lan.prefix.family() && !address.is_link_local();
      });
      if (next_hop != peer.addresses.end()) routes.push_back({lan.prefix, *next_hop, wire.interface});
    }
  }
  return routes;
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
    auto routes = static_stanza(floating_routes(fabric, config.wires.front()));
    if (!routes.lines.empty()) config.frr.push_back(std::move(routes));
  }
  config.nft = compile_firewall(config.role, config.wires,
                                hub != nullptr ? narrow_sites(fabric, *hub) : std::vector<NarrowSite>{});
  return config;
}

}  // namespace radial
