#include "agent/snapshotter.h"

#include <algorithm>
#include <chrono>
#include <map>

#include "compile/frr_lines.h"

namespace radial::agent {
namespace {

observe::WireHealth wire_health(Host& machine, const Wire& wire) {
  observe::WireHealth health{wire.interface, false, false, 0, 0, {}};
  const auto link = machine.network.link(wire.interface);
  if (link && link->has_value()) {
    health.up = (*link)->up;
    health.mtu = (*link)->mtu;
  }
  auto observed = machine.wireguard->observe(wire.interface);
  health.present = observed.has_value();
  if (observed) health.listen_port = observed->listen_port;
  const auto now = std::chrono::system_clock::now();
  for (const auto& peer : wire.peers) {
    if (!peer.public_key) continue;
    observe::PeerHealth one{peer.node, *peer.public_key, false, std::nullopt, std::nullopt, 0, 0, {}};
    if (observed) {
      const auto found = std::find_if(observed->peers.begin(), observed->peers.end(),
                                      [&](const auto& candidate) { return candidate.public_key == *peer.public_key; });
      if (found != observed->peers.end()) {
        one.present = true;
        one.endpoint = found->endpoint;
        one.rx_bytes = found->rx_bytes;
        one.tx_bytes = found->tx_bytes;
        one.allowed_ips = found->allowed_ips;
        if (found->last_handshake)
          one.handshake_age = std::max<std::int64_t>(
              0, std::chrono::duration_cast<std::chrono::seconds>(now - *found->last_handshake).count());
      }
    }
    health.peers.push_back(std::move(one));
  }
  return health;
}

// Every tunnel address of every peer, to put names to next hops.
std::map<IpAddress, std::string> names_by_address(const NodeConfig& config) {
  std::map<IpAddress, std::string> names;
  for (const auto& wire : config.wires)
    for (const auto& peer : wire.peers)
      for (const auto& address : peer.addresses) names.emplace(address, peer.node);
  // On NBMA a site's next hop is the other site; a router-id is a tunnel address.
  for (const auto& router : config.routers) names.emplace(router.id, router.node);
  return names;
}

std::optional<IpAddress> v4_of(const WirePeer& peer) {
  for (const auto& address : peer.addresses)
    if (address.is_v4()) return address;
  return std::nullopt;
}

std::vector<observe::AdjacencyHealth> adjacencies(Host& machine, const NodeConfig& config,
                                                  const host::OspfMtuListener& mtus) {
  std::vector<observe::AdjacencyHealth> result;
  auto neighbors = machine.frr.ospf_neighbors();
  for (const auto& wire : config.wires) {
    if (wire.ospf == OspfMode::none) continue;
    const auto link = machine.network.link(wire.interface);
    const int our_mtu = link && link->has_value() ? (*link)->mtu : 0;
    for (const auto& peer : wire.peers) {
      const auto address = v4_of(peer);
      if (!peer.public_key || !address) continue;
      observe::AdjacencyHealth one{peer.node, wire.interface, *address, std::nullopt, "absent", 0, our_mtu,
                                   mtus.mtu_of(wire.interface, *address)};
      if (neighbors) {
        for (const auto& neighbor : *neighbors) {
          if (neighbor.interface != wire.interface || neighbor.address != *address) continue;
          one.router_id = neighbor.router_id;
          one.state = neighbor.state;
          one.up_ms = neighbor.up.count();
        }
      }
      result.push_back(std::move(one));
    }
  }
  return result;
}

std::vector<observe::LearnedPrefix> learned(Host& machine, const NodeConfig& config) {
  const auto names = names_by_address(config);
  std::vector<observe::LearnedPrefix> result;
  for (const auto family : {Family::v4, Family::v6}) {
    auto routes = machine.frr.routes(family);
    if (!routes) continue;
    for (const auto& route : *routes) {
      const bool over_wire = std::any_of(config.wires.begin(), config.wires.end(), [&](const auto& wire) {
        return std::find(route.interfaces.begin(), route.interfaces.end(), wire.interface) != route.interfaces.end();
      });
      if (!over_wire || (route.protocol != "ospf" && route.protocol != "ospf6" && route.protocol != "bgp")) continue;
      observe::LearnedPrefix one{route.prefix, route.protocol, route.next_hops,
                                 route.interfaces.empty() ? "" : route.interfaces.front(), "", route.installed,
                                 route.age.count()};
      if (!route.next_hops.empty())
        if (const auto name = names.find(route.next_hops.front()); name != names.end()) one.node = name->second;
      result.push_back(std::move(one));
    }
  }
  return result;
}

}  // namespace

observe::Snapshot take_snapshot(Host& machine, const NodeConfig& config, const host::OspfMtuListener& mtus) {
  observe::Snapshot snapshot;
  snapshot.fabric = config.fabric;
  snapshot.node = config.node;
  snapshot.role = config.role == NodeRole::hub ? "hub" : "site";
  snapshot.state = "up";
  snapshot.wireguard = machine.wireguard->implementation();
  if (auto version = machine.frr.version()) snapshot.frr_version = *version;
  std::set<std::string> daemons;
  for (const auto& stanza : config.frr) daemons.insert(stanza.daemon);
  daemons.insert("zebra");
  for (const auto& daemon : daemons)
    if (!machine.frr.serves(daemon)) snapshot.missing_daemons.push_back(daemon);
  for (const auto& wire : config.wires) snapshot.wires.push_back(wire_health(machine, wire));
  snapshot.adjacencies = adjacencies(machine, config, mtus);
  snapshot.prefixes = learned(machine, config);
  std::vector<LocalAddress> local;
  if (auto held = machine.network.addresses())
    for (const auto& address : *held) local.push_back({address.interface, address.address});
  for (const auto& lan : bind_lans(config, local).unbound) snapshot.unbound_lans.push_back(lan.prefix);
  return snapshot;
}

}  // namespace radial::agent
