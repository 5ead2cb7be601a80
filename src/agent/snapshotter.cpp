#include "agent/snapshotter.h"

#include <algorithm>
#include <chrono>
#include <map>
#include <set>

#include "compile/frr_lines.h"
#include "compile/frr_stanzas.h"

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
    observe::PeerHealth one;
    one.node = peer.node;
    one.public_key = *peer.public_key;
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

std::optional<IpAddress> link_local_of(const WirePeer& peer) {
  const auto found = std::find_if(peer.addresses.begin(), peer.addresses.end(),
                                  [](const IpAddress& address) { return address.is_v6() && address.is_link_local(); });
  return found == peer.addresses.end() ? std::nullopt : std::optional(*found);
}

// Adjacencies of OSPFv2, OSPFv3 and BGP with every peer that should have one,
// in that order; a neighbour that is not there is "absent".
class Adjacencies {
 public:
  Adjacencies(Host& machine, const NodeConfig& config, const host::OspfMtus& mtus)
      : machine_(machine), config_(config), mtus_(mtus) {}

  std::vector<observe::AdjacencyHealth> all() {
    const auto with_ospf = [](const Wire& wire) { return wire.ospf != OspfMode::none; };
    if (std::any_of(config_.wires.begin(), config_.wires.end(), with_ospf)) {
      for_each_peer(with_ospf, ipv4_of, "ospf", [this](auto& one, const Wire& wire) { see_ospf(one, wire); });
      if (runs(config_, "ospf6d"))
        for_each_peer(with_ospf, link_local_of, "ospf6", [this](auto& one, const Wire& wire) { see_ospf6(one, wire); });
    }
    if (config_.bgp.runs())
      for_each_peer([](const Wire&) { return true; }, ipv4_of, "bgp", [this](auto& one, const Wire&) { see_bgp(one); });
    return std::move(result_);
  }

 private:
  template <class Has, class Address, class See>
  void for_each_peer(Has has, Address address_on, const char* protocol, See see) {
    for (const auto& wire : config_.wires) {
      if (!has(wire)) continue;
      const auto link = machine_.network.link(wire.interface);
      const int our_mtu = link && link->has_value() ? (*link)->mtu : 0;
      for (const auto& peer : wire.peers) {
        const auto address = address_on(peer);
        if (!peer.public_key || !address || peer.trust != Trust::routed) continue;
        observe::AdjacencyHealth one;
        one.node = peer.node;
        one.interface = wire.interface;
        one.address = *address;
        one.state = "absent";
        one.our_mtu = our_mtu;
        one.protocol = protocol;
        see(one, wire);
        result_.push_back(std::move(one));
      }
    }
  }

  void see_ospf(observe::AdjacencyHealth& one, const Wire& wire) {
    one.their_mtu = mtus_.mtu_of(wire.interface, one.address);
    if (!ospf_) ospf_ = machine_.frr.ospf_neighbors();
    if (*ospf_)
      for (const auto& neighbor : **ospf_)
        if (neighbor.interface == wire.interface && neighbor.address == one.address) take(one, neighbor);
  }
  void see_ospf6(observe::AdjacencyHealth& one, const Wire& wire) {
    one.their_mtu = mtus_.mtu_of(wire.interface, one.address);
    if (!ospf6_) ospf6_ = machine_.frr.ospf6_neighbors();
    if (*ospf6_)
      for (const auto& neighbor : **ospf6_)
        if (neighbor.interface == wire.interface && neighbor.address == one.address) take(one, neighbor);
  }
  template <class Neighbor>
  static void take(observe::AdjacencyHealth& one, const Neighbor& neighbor) {
    one.router_id = neighbor.router_id;
    one.state = neighbor.state;
    one.up_ms = neighbor.up.count();
  }
  void see_bgp(observe::AdjacencyHealth& one) {
    if (!bgp_) bgp_ = machine_.frr.bgp_sessions();
    if (!*bgp_) return;
    for (const auto& session : **bgp_) {
      if (session.address != one.address) continue;
      one.state = session.state;
      one.up_ms = session.up.count();
      one.prefixes = session.prefixes;
    }
  }

  Host& machine_;
  const NodeConfig& config_;
  const host::OspfMtus& mtus_;
  std::optional<Result<std::vector<host::OspfNeighbor>>> ospf_;  // asked once
  std::optional<Result<std::vector<host::Ospf6Neighbor>>> ospf6_;
  std::optional<Result<std::vector<host::BgpSession>>> bgp_;
  std::vector<observe::AdjacencyHealth> result_;
};

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
      // A point-to-multipoint wire announces each end of itself as a host route.
      if (in_tunnel(config, route.prefix)) continue;
      // Static ones are ours: to a site that takes no part in routing, or in place of a refused route.
      static const std::set<std::string> shown{"ospf", "ospf6", "bgp", "static"};
      if (!over_wire || !shown.contains(route.protocol)) continue;
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

observe::Snapshot take_snapshot(Host& machine, const NodeConfig& config, const host::OspfMtus& mtus) {
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
  snapshot.adjacencies = Adjacencies(machine, config, mtus).all();
  snapshot.prefixes = learned(machine, config);
  std::vector<LocalAddress> local;
  if (auto held = machine.network.addresses())
    for (const auto& address : *held) local.push_back({address.interface, address.address});
  for (const auto& lan : bind_lans(config, local).unbound) snapshot.unbound_lans.push_back(lan.prefix);
  return snapshot;
}

}  // namespace radial::agent
