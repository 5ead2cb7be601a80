#include "compile/static_routes.h"

#include <algorithm>
#include <set>

#include <fmt/format.h>

#include "compile/wires.h"

namespace radial {
namespace {

constexpr int floating_distance = 250;
constexpr std::string_view on_behalf_name = "radial-static";

std::string_view ip_word(Family family) { return family == Family::v4 ? "ip" : "ipv6"; }

// FRR does not print a distance of 1.
std::string route_line(const Prefix& prefix, const std::string& next_hop, const std::string& interface, int distance) {
  auto line = fmt::format("{} route {}", ip_word(prefix.family()), prefix);
  for (const auto& word : {next_hop, interface})
    if (!word.empty()) line += " " + word;
  return distance == 1 ? line : fmt::format("{} {}", line, distance);
}

// The peer's address that routes of a family go to.
std::optional<IpAddress> next_hop_of(const WirePeer& peer, Family family) {
  const auto found = std::find_if(peer.addresses.begin(), peer.addresses.end(), [&](const IpAddress& address) {
    return address.family() == family && !address.is_link_local();
  });
  return found == peer.addresses.end() ? std::nullopt : std::optional(*found);
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

// A hub's routes. A node without a key can serve nothing, so it gets none.
class HubRoutes {
 public:
  HubRoutes(const Fabric& fabric, const FabricFacts& facts, const NodeConfig& config)
      : fabric_(fabric), facts_(facts), config_(config) {}

  std::vector<std::string> lines(bool ipv6) {
    to_own_sites(ipv6);
    for (const auto& other : fabric_.hubs)
      if (const auto* wire = other.name == config_.node ? nullptr : wire_to(config_.wires, other.name))
        by_way_of(other, *wire, ipv6);
    return std::move(lines_);
  }

 private:
  void to_own_sites(bool ipv6) {
    for (const auto& wire : config_.wires)
      if (serves_sites(wire, config_.node))
        for (const auto& peer : wire.peers)
          if (peer.public_key) to_site(wire, peer, ipv6);
  }

  void to_site(const Wire& wire, const WirePeer& peer, bool ipv6) {
    const bool dedicated = is_dedicated(wire, config_.node);
    const bool fixed = peer.trust == Trust::fixed;
    // Unnumbered, it is connected to no prefix: the way to the site itself.
    if (dedicated)
      for (const auto family : {Family::v4, Family::v6})
        if (const auto address = next_hop_of(peer, family); address && (family == Family::v4 || ipv6))
          lines_.push_back(route_line(Prefix::host(*address), "", wire.interface, floating_distance));
    for (const auto& lan : peer.lans) {
      const auto next_hop = next_hop_of(peer, lan.family());
      if (!next_hop) continue;
      served_.insert(lan);
      // ospfd would hand a next hop on as forwarding address (RFC 2328, 2.3),
      // which has no route of OSPF's on a point-to-multipoint wire. WireGuard
      // finds the peer by the destination.
      const bool p2mp = wire.ospf == OspfMode::p2mp_non_broadcast || wire.ospf == OspfMode::p2mp_multicast;
      const bool on_link = dedicated || (fixed && lan.family() == Family::v4 && p2mp);
      lines_.push_back(
          route_line(lan, on_link ? "" : next_hop->to_string(), wire.interface, fixed ? 1 : floating_distance));
    }
  }

  // To that hub's LANs, tunnels and own sites.
  void by_way_of(const Hub& other, const Wire& wire, bool ipv6) {
    add(wire, other.tunnel_v4);
    if (other.tunnel_v6 && ipv6) add(wire, *other.tunnel_v6);
    for (const auto& lan : other.lans) add(wire, lan.prefix);
    for (const auto* site : sites_of(fabric_, other)) {
      const bool first_choice = site->hubs.front() == other.name;
      const bool ours = std::find(site->hubs.begin(), site->hubs.end(), config_.node) != site->hubs.end();
      if (!first_choice || ours || !has_key(facts_, site->name)) continue;
      for (const auto& lan : site->lans) add(wire, lan.prefix);
    }
  }
  void add(const Wire& wire, const Prefix& prefix) {
    if (!served_.contains(prefix)) lines_.push_back(route_line(prefix, "", wire.interface, floating_distance));
  }

  const Fabric& fabric_;
  const FabricFacts& facts_;
  const NodeConfig& config_;
  std::set<Prefix> served_;
  std::vector<std::string> lines_;
};

template <class Node>
void add_claims(std::set<Prefix>& claims, const Node& node) {
  for (const auto& lan : node.lans) claims.insert(lan.prefix);
  for (const auto& prefix : node.grant.prefixes)
    if (!prefix.is_default()) claims.insert(prefix);
}

std::set<Prefix> all_but(const Fabric& fabric, const NodeConfig& config) {
  std::set<Prefix> claims;
  for (const auto& hub : fabric.hubs) {
    add_claims(claims, hub);
    claims.insert(hub.tunnel_v4);
    if (hub.tunnel_v6) claims.insert(*hub.tunnel_v6);
  }
  for (const auto& site : fabric.sites)
    if (site.name != config.node) add_claims(claims, site);
  for (const auto& lan : config.lans) claims.erase(lan.prefix);
  for (const auto& wire : config.wires)
    for (const auto& held : wire.addresses) claims.erase(held.network());
  return claims;
}

void add_routes_by_hubs(std::vector<std::string>& lines, const Fabric& fabric, const NodeConfig& config) {
  std::vector<const Wire*> by_cost;
  for (const auto& wire : config.wires) by_cost.push_back(&wire);
  std::stable_sort(by_cost.begin(), by_cost.end(), [](const auto* a, const auto* b) { return a->cost < b->cost; });
  const auto claims = all_but(fabric, config);
  for (std::size_t rank = 0; rank < by_cost.size(); ++rank) {
    const auto& wire = *by_cost[rank];
    for (const auto& peer : wire.peers)
      for (const auto& prefix : claims)
        if (const auto next_hop = next_hop_of(peer, prefix.family()); next_hop && peer.public_key)
          lines.push_back(route_line(prefix, next_hop->to_string(), wire.interface, static_cast<int>(rank) + 1));
  }
}

bool is_static_site(const NodeConfig& config) {
  return config.role == NodeRole::site &&
         std::any_of(config.wires.begin(), config.wires.end(), [](const Wire& wire) {
           return std::any_of(wire.peers.begin(), wire.peers.end(),
                              [](const WirePeer& peer) { return peer.trust == Trust::fixed; });
         });
}

}  // namespace

FrrStanza static_routes(const Fabric& fabric, const FabricFacts& facts, const NodeConfig& config, bool ipv6) {
  FrrStanza stanza{"staticd", "", {}};
  if (config.role == NodeRole::hub) stanza.lines = HubRoutes(fabric, facts, config).lines(ipv6);
  if (is_static_site(config)) add_routes_by_hubs(stanza.lines, fabric, config);
  return stanza;
}

std::vector<Prefix> lans_on_behalf(const NodeConfig& config) {
  std::set<Prefix> lans;
  if (config.role != NodeRole::hub) return {};
  for (const auto& wire : config.wires) {
    if (!serves_sites(wire, config.node)) continue;
    for (const auto& peer : wire.peers) {
      if (peer.trust != Trust::fixed || !peer.public_key) continue;
      for (const auto& lan : peer.lans)
        if (next_hop_of(peer, lan.family())) lans.insert(lan);
    }
  }
  return {lans.begin(), lans.end()};
}

std::vector<FrrStanza> ospf_on_behalf(const NodeConfig& config, const std::vector<Prefix>& on_behalf) {
  std::vector<FrrStanza> stanzas;
  for (const auto family : {Family::v4, Family::v6}) {
    if (family == Family::v4 ? config.bgp.ipv4 : config.bgp.ipv6) continue;
    const std::string daemon = family == Family::v4 ? "ospfd" : "ospf6d";
    FrrStanza list{daemon, "", {}};
    for (const auto& prefix : on_behalf)
      if (prefix.family() == family)
        list.lines.push_back(fmt::format("{} prefix-list {} seq {} permit {}", ip_word(family), on_behalf_name,
                                         5 * (list.lines.size() + 1), prefix));
    if (list.lines.empty()) continue;
    stanzas.push_back(std::move(list));
    stanzas.push_back({daemon, fmt::format("route-map {} permit 10", on_behalf_name),
                       {fmt::format("match {} address prefix-list {}", ip_word(family), on_behalf_name)}});
    // Type 1: the cost to the hub counts, so that each node goes by its nearest.
    stanzas.push_back({daemon, family == Family::v4 ? "router ospf" : "router ospf6",
                       {fmt::format("redistribute static metric {} metric-type 1 route-map {}", config.lan_cost,
                                    on_behalf_name)}});
  }
  return stanzas;
}

}  // namespace radial
