// What one node must have, in the node's own terms. The compiler's output and
// the agent's input; serialisable (compile/json.h), comparable, not secret:
// private keys and preshared keys never enter it.
//
// What only the node can know stays symbolic: which interface holds a LAN
// (bind_lans in compile/frr_lines.h resolves it when the agent has looked).
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/ip.h"
#include "base/key.h"
#include "fabric/fabric.h"
#include "fabric/facts.h"

namespace radial {

enum class NodeRole : std::uint8_t { hub, site };

enum class WireShape : std::uint8_t {
  multipoint,      // a hub's wire: many peers, AllowedIPs = own addresses + grant
  point_to_point,  // one peer, AllowedIPs 0.0.0.0/0, ::/0
};

// How OSPFv2 runs over a wire; chosen from the hub's FRR and WireGuard (compile/wires.cpp).
enum class OspfMode : std::uint8_t {
  none,                // BGP, or static routes
  p2mp_non_broadcast,  // hub side, FRR >= 10.1: unicast hellos to listed neighbours
  p2mp_multicast,      // hub side, FRR < 10.1 on radial-wire, which copies multicast to every live peer
  p2mp_multicast_site, // site side of such a hub
  p2mp,                // site side of p2mp_non_broadcast
  nbma_hub,            // hub side, FRR < 10.1 on any other WireGuard: priority 255
  nbma_site,           // site side: priority 0
  point_to_point,      // hub to hub, and dedicated wires at both ends
};

struct WirePeer {
  std::string node;                    // name in the fabric
  std::optional<PublicKey> public_key; // nothing: not enrolled yet; the peer is left out of the wire
  // Its key after a rotation: a peer beside, with no AllowedIPs until it has shaken hands.
  std::optional<PublicKey> next_key = {};
  std::vector<Endpoint> endpoints;     // where to dial, first preferred; empty: it dials in
  std::vector<Prefix> allowed_ips;     // sorted
  std::uint16_t keepalive = 0;         // seconds; 0 is off
  std::vector<IpAddress> addresses;    // its tunnel addresses on this wire
  Grant grant;                         // what it may announce over this wire
  std::vector<Prefix> lans;            // what a site declares, within its grant; of a hub: empty
  Trust trust = Trust::routed;         // fixed: no routing protocol between the two ends
  bool operator==(const WirePeer&) const = default;
};

// Its first on the wire; nothing: it has none.
[[nodiscard]] inline std::optional<IpAddress> ipv4_of(const WirePeer& peer) {
  const auto found = std::find_if(peer.addresses.begin(), peer.addresses.end(), [](const IpAddress& one) { return one.is_v4(); });
  return found == peer.addresses.end() ? std::nullopt : std::optional(*found);
}

struct Wire {
  std::string interface;
  WireShape shape = WireShape::point_to_point;
  std::string hub;                       // whose wire it is
  std::uint16_t listen_port = 0;         // 0: any
  std::uint32_t fwmark = 0;
  int mtu = 1420;
  std::vector<InterfaceAddress> addresses;
  std::vector<WirePeer> peers;           // by name
  OspfMode ospf = OspfMode::none;
  std::uint32_t cost = 10;
  bool mtu_ignore = false;               // the ends' MTUs differ on purpose: this side's is smaller, or a peer's
  bool operator==(const Wire&) const = default;
};

// A wire to one site at a hub that gives each a wire of its own.
[[nodiscard]] inline bool is_dedicated(const Wire& wire, std::string_view node) {
  return wire.shape == WireShape::point_to_point && wire.hub == node;
}

// Who is at the other end of a point-to-point wire; of a multipoint one, whose it is.
[[nodiscard]] inline const std::string& far_end(const Wire& wire) {
  return wire.shape == WireShape::multipoint || wire.peers.empty() ? wire.hub : wire.peers.front().node;
}

// A hub's wire to sites: the multipoint one of all, or a dedicated one.
[[nodiscard]] inline bool serves_sites(const Wire& wire, std::string_view node) {
  return wire.shape == WireShape::multipoint || is_dedicated(wire, node);
}

struct Sysctl {
  std::string key;    // "net.ipv4.ip_forward", dots as separators, an interface name last but one may hold none
  std::string value;
  bool operator==(const Sysctl&) const = default;
};

// Lines of one daemon under one context, in the order to enter them. Every
// line is written exactly as that daemon's `show running-config` prints it.
struct FrrStanza {
  std::string daemon;   // "zebra", "ospfd", "ospf6d", "bgpd", "staticd", "bfdd"; mgmtd speaks for some from FRR 9 on
  std::string context;  // "interface wg0", "router ospf", "" for the top level
  std::vector<std::string> lines;  // without indentation; a nested context is its own stanza
  bool operator==(const FrrStanza&) const = default;
};

// A router of the fabric, by its OSPF router-id.
struct Router {
  std::string node;
  IpAddress id;
  bool hub = false;
  bool others_behind = false;  // it runs OSPF on a LAN: routers that are not the fabric's may speak through it
  bool several_hubs = false;   // a site with wires to more than one: what one hub hears may come to another through it
  bool operator==(const Router&) const = default;
};

// Borrows; null: no router of the fabric is that node's.
[[nodiscard]] inline const Router* find_router(const std::vector<Router>& routers, std::string_view node) {
  const auto found = std::find_if(routers.begin(), routers.end(), [&](const Router& one) { return one.node == node; });
  return found == routers.end() ? nullptr : &*found;
}

// What runs over BGP, on one session a neighbour between its IPv4 tunnel
// addresses: everything where that is the fabric's engine; IPv6 alone beside
// OSPF where some hub's FRR has no OSPFv3 for a multipoint wire.
struct BgpPart {
  BgpSettings settings;
  bool ipv4 = false;
  bool ipv6 = false;
  [[nodiscard]] bool runs() const { return ipv4 || ipv6; }
  bool operator==(const BgpPart&) const = default;
};

struct NodeConfig {
  std::string fabric;
  std::string node;
  NodeRole role = NodeRole::site;
  IpAddress router_id;
  std::vector<Wire> wires;
  std::vector<Lan> lans;
  Grant elsewhere;               // what any other node may announce, all grants together
  std::vector<Prefix> tunnels;   // of all hubs, sorted
  std::vector<Router> routers;   // of the fabric, this one too; in the file's order, hubs first
  RoutingEngine routing = RoutingEngine::ospf;
  BgpPart bgp;
  std::uint32_t lan_cost = 10;
  std::string area = "0.0.0.0";
  std::uint16_t hello = 1;   // seconds
  std::uint16_t dead = 4;    // seconds
  std::vector<Sysctl> sysctls;
  std::vector<FrrStanza> frr;   // all but the LAN interfaces' stanzas
  std::string nft;              // one `table inet radial { ... }`, as `nft list table` prints it
  bool operator==(const NodeConfig&) const = default;
};

// Whether it lies in a tunnel prefix: how the fabric is made, not what it carries.
[[nodiscard]] inline bool in_tunnel(const NodeConfig& config, const Prefix& prefix) {
  return std::any_of(config.tunnels.begin(), config.tunnels.end(), [&](const Prefix& tunnel) { return tunnel.contains(prefix); });
}

// Whether a hub is wired to another one; of a site, whether it is to any.
[[nodiscard]] inline bool has_wire_to_a_hub(const NodeConfig& config) {
  for (const auto& wire : config.wires)
    if (!serves_sites(wire, config.node)) return true;
  return false;
}

}  // namespace radial
