#include "agent/route_reader.h"

#include <algorithm>
#include <map>

#include <linux/rtnetlink.h>

#include "host/frr_lsdb.h"

namespace radial::agent {
namespace {

using Names = std::map<IpAddress, std::string>;

// On NBMA a site's next hop is the other site, not the hub: routers by their id, too.
Names names_of(const NodeConfig& config) {
  Names names;
  for (const auto& wire : config.wires)
    for (const auto& peer : wire.peers)
      for (const auto& address : peer.addresses) names.emplace(address, peer.node);
  for (const auto& router : config.routers) names.emplace(router.id, router.node);
  return names;
}

bool is_wire(const NodeConfig& config, const std::string& interface) {
  return std::any_of(config.wires.begin(), config.wires.end(), [&](const auto& wire) { return wire.interface == interface; });
}

// A route over a dedicated wire needs no gateway.
std::optional<std::string> dedicated_to(const NodeConfig& config, const std::string& interface) {
  for (const auto& wire : config.wires)
    if (wire.interface == interface && is_dedicated(wire, config.node)) return far_end(wire);
  return std::nullopt;
}

observe::ServedRoute served_route(const NodeConfig& config, const Names& names, const host::Route& route) {
  observe::ServedRoute one{route.prefix, {}, false};
  for (const auto& hop : route.next_hops) {
    if (!is_wire(config, hop.interface)) {
      one.here |= !hop.gateway;
    } else if (hop.gateway) {
      const auto name = names.find(*hop.gateway);
      one.nodes.push_back(name == names.end() ? hop.gateway->to_string() : name->second);
    } else if (const auto site = dedicated_to(config, hop.interface); site && !route.prefix.address().is_link_local()) {
      one.nodes.push_back(*site);
    }
  }
  return one;
}

std::vector<observe::Announcement> announced_over_ospf(Host& machine, const NodeConfig& config) {
  std::vector<observe::Announcement> announced;
  const auto database = host::read_ospf_database(machine.frr);
  if (!database) return announced;
  std::map<IpAddress, std::string> names;
  for (const auto& router : config.routers) names.emplace(router.id, router.node);
  for (const auto& lsa : database->lsas) {
    if (lsa.withdrawn() || lsa.type == host::LsaType::network) continue;
    const auto name = names.find(lsa.originator);
    const auto by = name == names.end() ? lsa.originator.to_string() : name->second;
    for (const auto& prefix : lsa.prefixes) announced.push_back({prefix.prefix, by});
  }
  return announced;
}

// OSPFv3 and BGP: what the routing table has from them, by next hop.
void add_from_rib(Host& machine, const Names& names, std::vector<observe::Announcement>& announced) {
  for (const auto family : {Family::v4, Family::v6}) {
    const auto routes = machine.frr.routes(family);
    if (!routes) continue;
    for (const auto& route : *routes)
      if (route.protocol == "ospf6" || route.protocol == "bgp")
        for (const auto& hop : route.next_hops)
          if (const auto name = names.find(hop); name != names.end()) announced.push_back({route.prefix, name->second});
  }
}

}  // namespace

observe::RouteTable read_routes(Host& machine, const NodeConfig& config, const Steerer& steerer,
                                const std::vector<observe::Announcement>& refused) {
  const auto names = names_of(config);
  const Steering* steering = nullptr;
  for (const auto& wire : config.wires)
    if (wire.shape == WireShape::multipoint) steering = steerer.steering(wire.interface);
  auto announced = announced_over_ospf(machine, config);
  add_from_rib(machine, names, announced);
  announced.insert(announced.end(), refused.begin(), refused.end());

  std::vector<observe::ServedRoute> served;
  for (const auto family : {Family::v4, Family::v6}) {
    const auto routes = machine.network.routes(family);
    if (!routes) continue;
    for (const auto& route : *routes)
      if (auto one = served_route(config, names, route); one.here || !one.nodes.empty()) served.push_back(std::move(one));
  }
  return observe::route_table(config, announced, served, [&](const Prefix& prefix) -> std::optional<std::string> {
    if (steering == nullptr) return std::nullopt;
    const auto key = steering->steered_to(prefix.address());
    if (!key) return std::nullopt;
    for (const auto& peer : steering->peers())
      if (peer.key == *key) return peer.node;
    return std::nullopt;
  });
}

std::optional<control::ServedSites> served_sites(Host& machine, const NodeConfig& config) {
  const auto names = names_of(config);
  control::ServedSites served;
  for (const auto& wire : config.wires)
    if (serves_sites(wire, config.node))
      for (const auto& peer : wire.peers) served[peer.node];
  for (const auto family : {Family::v4, Family::v6}) {
    const auto routes = machine.network.routes(family);
    if (!routes) return std::nullopt;
    for (const auto& route : *routes) {
      const bool learned = route.protocol == RTPROT_OSPF || route.protocol == RTPROT_BGP;
      if (!learned || in_tunnel(config, route.prefix)) continue;
      for (const auto& node : served_route(config, names, route).nodes)
        if (const auto site = served.find(node); site != served.end()) site->second.insert(route.prefix);
    }
  }
  std::erase_if(served, [](const auto& site) { return site.second.empty(); });
  return served;
}

}  // namespace radial::agent
