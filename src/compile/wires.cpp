#include "compile/wires.h"

#include <algorithm>

#include "compile/allowed_ips.h"
#include "compile/wire_names.h"
#include "fabric/address_plan.h"

namespace radial {
namespace {

constexpr int link_local_length = 64;  // RFC 4291, 2.5.6

std::optional<PublicKey> key_of(const FabricFacts& facts, std::string_view node) {
  const auto found = facts.nodes.find(node);
  return found == facts.nodes.end() ? std::nullopt : found->second.public_key;
}

std::optional<PublicKey> next_key_of(const FabricFacts& facts, std::string_view node) {
  const auto found = facts.nodes.find(node);
  return found == facts.nodes.end() ? std::nullopt : found->second.next_key;
}

Result<WireAddresses> planned(const Fabric& fabric, const FabricFacts& facts, const std::string& hub,
                              const std::string& node) {
  if (!facts.addresses.contains({hub, node}))
    return fail(Errc::invalid_argument,
                "no tunnel address is planned for {} at hub {}; plan the fabric's addresses first", node, hub);
  return wire_addresses(fabric, facts.addresses, hub, node);
}

std::vector<InterfaceAddress> held(const Hub& hub, const WireAddresses& addresses) {
  std::vector<InterfaceAddress> result{{addresses.v4, hub.tunnel_v4.length()}};
  if (addresses.v6 && hub.tunnel_v6) result.push_back({*addresses.v6, hub.tunnel_v6->length()});
  if (addresses.link_local) result.push_back({*addresses.link_local, link_local_length});
  return result;
}

std::vector<IpAddress> plain(const WireAddresses& addresses) {
  std::vector<IpAddress> result{addresses.v4};
  if (addresses.v6) result.push_back(*addresses.v6);
  if (addresses.link_local) result.push_back(*addresses.link_local);
  return result;
}

std::size_t index_of(const Fabric& fabric, const Hub& hub) {
  return static_cast<std::size_t>(std::find(fabric.hubs.begin(), fabric.hubs.end(), hub) - fabric.hubs.begin());
}

// What a hub may announce to `node`: anything, as it is in transit for all the
// others, but a default route only where some other node was granted one.
Grant transit_grant(const Fabric& fabric, std::string_view node) {
  Grant grant{.any = true, .prefixes = {}};
  for (const auto& all : everything()) {
    const auto grants_default = [&](const auto& other) { return other.name != node && other.grant.covers(all); };
    if (std::any_of(fabric.hubs.begin(), fabric.hubs.end(), grants_default) ||
        std::any_of(fabric.sites.begin(), fabric.sites.end(), grants_default))
      grant.prefixes.push_back(all);
  }
  return grant;
}

// OSPFv2's mode on a wire, unless BGP or static routes do its work.
OspfMode mode_if_ospf(const Fabric& fabric, OspfMode mode) {
  return fabric.routing == RoutingEngine::ospf ? mode : OspfMode::none;
}

// The mode of a hub's wire to sites, from what the hub itself can do.
OspfMode hub_mode(const FabricFacts& facts, const Hub& hub) {
  if (hub.site_wires == SiteWires::dedicated) return OspfMode::point_to_point;
  if (frr_of(facts, hub.name).has_p2mp_non_broadcast()) return OspfMode::p2mp_non_broadcast;
  const auto known = facts.nodes.find(hub.name);
  return known != facts.nodes.end() && known->second.copies_multicast() ? OspfMode::p2mp_multicast : OspfMode::nbma_hub;
}

OspfMode site_mode(OspfMode of_hub) {
  switch (of_hub) {
    case OspfMode::nbma_hub: return OspfMode::nbma_site;
    case OspfMode::p2mp_multicast: return OspfMode::p2mp_multicast_site;
    case OspfMode::point_to_point: return OspfMode::point_to_point;
    default: return OspfMode::p2mp;
  }
}

IpAddress hub_link_local(bool first) {
  std::array<std::uint8_t, 16> bytes{0xfe, 0x80};
  bytes[15] = first ? 1 : 2;
  return IpAddress::from_bytes(bytes);
}

// A hub's peer, but for its AllowedIPs.
WirePeer site_peer(const FabricFacts& facts, const Site& site, const WireAddresses& addresses) {
  WirePeer peer;
  peer.node = site.name;
  peer.public_key = key_of(facts, site.name);
  if (peer.public_key) peer.next_key = next_key_of(facts, site.name);
  peer.addresses = plain(addresses);
  peer.grant = site.grant;
  for (const auto& lan : site.lans) peer.lans.push_back(lan.prefix);
  peer.trust = site.trust;
  // A routed site is never silent. One that is would speak again only when its
  // session is two minutes old, if this wire was made anew.
  if (site.trust == Trust::fixed) peer.keepalive = site.keepalive;
  return peer;
}

Result<Wire> multipoint_wire(const Fabric& fabric, const FabricFacts& facts, const Hub& hub) {
  RADIAL_ASSIGN(const auto own, planned(fabric, facts, hub.name, hub.name));
  Wire wire;
  wire.interface = fabric.interface;
  wire.shape = WireShape::multipoint;
  wire.hub = hub.name;
  wire.listen_port = hub.listen_port;
  wire.mtu = fabric.mtu;
  wire.addresses = held(hub, own);
  wire.ospf = mode_if_ospf(fabric, hub_mode(facts, hub));
  wire.cost = hub.cost;
  for (const auto* site : sites_of(fabric, hub)) {
    RADIAL_ASSIGN(const auto addresses, planned(fabric, facts, hub.name, site->name));
    wire.peers.push_back(site_peer(facts, *site, addresses));
    wire.mtu_ignore |= site_mtu(fabric, *site) < wire.mtu;
  }
  assign_allowed_ips(wire.peers);
  return wire;
}

std::vector<InterfaceAddress> as_hosts(const WireAddresses& addresses) {
  std::vector<InterfaceAddress> result{{addresses.v4, bits_of(Family::v4)}};
  if (addresses.v6) result.push_back({*addresses.v6, bits_of(Family::v6)});
  if (addresses.link_local) result.push_back({*addresses.link_local, link_local_length});
  return result;
}

std::uint32_t slot_of(const Hub& hub, const WireAddresses& addresses) {
  return addresses.v4.to_v4() - hub.tunnel_v4.address().to_v4();
}

Result<Wire> dedicated_wire(const Fabric& fabric, const FabricFacts& facts, const Hub& hub, const Site& site) {
  RADIAL_ASSIGN(const auto own, planned(fabric, facts, hub.name, hub.name));
  RADIAL_ASSIGN(const auto its, planned(fabric, facts, hub.name, site.name));
  Wire wire;
  RADIAL_ASSIGN(wire.interface, dedicated_wire_name(fabric, slot_of(hub, its)));
  wire.hub = hub.name;
  RADIAL_ASSIGN(wire.listen_port, dedicated_wire_port(hub, hub.listen_port, slot_of(hub, its)));
  wire.mtu = site_mtu(fabric, site);
  wire.addresses = as_hosts(own);
  if (site.trust == Trust::routed) wire.ospf = mode_if_ospf(fabric, hub_mode(facts, hub));
  wire.cost = hub.cost;

  wire.peers.push_back(site_peer(facts, site, its));
  wire.peers.front().allowed_ips = everything();
  return wire;
}

Result<Wire> hub_to_hub_wire(const Fabric& fabric, const FabricFacts& facts, const Hub& hub, const Hub& other) {
  const auto index = index_of(fabric, hub);
  const auto other_index = index_of(fabric, other);
  RADIAL_ASSIGN(const auto own, planned(fabric, facts, hub.name, hub.name));
  RADIAL_ASSIGN(const auto its, planned(fabric, facts, other.name, other.name));
  Wire wire;
  RADIAL_ASSIGN(wire.interface, hub_wire_name(fabric, other_index));
  wire.hub = other.name;
  RADIAL_ASSIGN(wire.listen_port, hub_wire_port(hub, hub.listen_port, other_index));
  wire.mtu = fabric.mtu;
  wire.addresses = {{own.v4, bits_of(Family::v4)}, {hub_link_local(index < other_index), link_local_length}};
  // Its wires to sites come and go, and with them its address, which BGP names as next hop.
  if (hub.site_wires == SiteWires::dedicated && own.v6)
    wire.addresses.insert(wire.addresses.begin() + 1, {*own.v6, bits_of(Family::v6)});
  wire.ospf = mode_if_ospf(fabric, OspfMode::point_to_point);
  wire.cost = hub_wire_cost;

  WirePeer peer;
  peer.node = other.name;
  peer.public_key = key_of(facts, other.name);
  for (const auto& endpoint : other.endpoints) {
    RADIAL_ASSIGN(const auto port, hub_wire_port(other, endpoint.port, index));
    peer.endpoints.push_back({endpoint.host, port});
  }
  peer.allowed_ips = everything();
  peer.addresses = {its.v4, hub_link_local(other_index < index)};
  if (its.v6) peer.addresses.insert(peer.addresses.begin() + 1, *its.v6);
  peer.grant = transit_grant(fabric, hub.name);
  wire.peers.push_back(std::move(peer));
  return wire;
}

Result<Wire> site_wire(const Fabric& fabric, const FabricFacts& facts, const Site& site, const Hub& hub) {
  RADIAL_ASSIGN(const auto own, planned(fabric, facts, hub.name, site.name));
  RADIAL_ASSIGN(const auto its, planned(fabric, facts, hub.name, hub.name));
  Wire wire;
  RADIAL_ASSIGN(wire.interface, site_wire_name(fabric, index_of(fabric, hub)));
  wire.hub = hub.name;
  wire.mtu = site_mtu(fabric, site);
  const bool dedicated = hub.site_wires == SiteWires::dedicated;
  wire.mtu_ignore = !dedicated && wire.mtu < fabric.mtu;  // a dedicated wire has one MTU at both ends
  wire.addresses = held(hub, own);
  if (site.trust == Trust::routed) wire.ospf = mode_if_ospf(fabric, site_mode(hub_mode(facts, hub)));
  wire.cost = hub.cost;

  WirePeer peer;
  peer.node = hub.name;
  peer.public_key = key_of(facts, hub.name);
  peer.endpoints = hub.endpoints;
  for (auto& endpoint : peer.endpoints) {
    if (!dedicated) break;
    RADIAL_ASSIGN(endpoint.port, dedicated_wire_port(hub, endpoint.port, slot_of(hub, own)));
  }
  peer.allowed_ips = everything();
  peer.keepalive = site.keepalive;
  peer.addresses = plain(its);
  peer.grant = transit_grant(fabric, site.name);
  peer.trust = site.trust;
  wire.peers.push_back(std::move(peer));
  return wire;
}

}  // namespace

FrrVersion frr_of(const FabricFacts& facts, std::string_view node) {
  const auto found = facts.nodes.find(node);
  return found == facts.nodes.end() ? FrrVersion{} : found->second.frr.value_or(FrrVersion{});
}

int site_mtu(const Fabric& fabric, const Site& site) { return std::min(site.mtu.value_or(fabric.mtu), fabric.mtu); }

std::vector<const Site*> sites_of(const Fabric& fabric, const Hub& hub) {
  std::vector<const Site*> sites;
  for (const auto& site : fabric.sites)
    if (std::find(site.hubs.begin(), site.hubs.end(), hub.name) != site.hubs.end()) sites.push_back(&site);
  std::sort(sites.begin(), sites.end(), [](const auto* a, const auto* b) { return a->name < b->name; });
  return sites;
}

Result<std::vector<Wire>> hub_wires(const Fabric& fabric, const FabricFacts& facts, const Hub& hub) {
  std::vector<Wire> wires;
  if (hub.site_wires == SiteWires::multipoint) {
    RADIAL_ASSIGN(auto multipoint, multipoint_wire(fabric, facts, hub));
    wires.push_back(std::move(multipoint));
  } else {
    for (const auto* site : sites_of(fabric, hub)) {
      RADIAL_ASSIGN(auto dedicated, dedicated_wire(fabric, facts, hub, *site));
      wires.push_back(std::move(dedicated));
    }
  }
  for (const auto& other : fabric.hubs) {
    if (other.name == hub.name) continue;
    RADIAL_ASSIGN(auto wire, hub_to_hub_wire(fabric, facts, hub, other));
    wires.push_back(std::move(wire));
  }
  return wires;
}

Result<std::vector<Wire>> site_wires(const Fabric& fabric, const FabricFacts& facts, const Site& site) {
  std::vector<Wire> wires;
  for (const auto& hub : fabric.hubs) {
    if (std::find(site.hubs.begin(), site.hubs.end(), hub.name) == site.hubs.end()) continue;
    RADIAL_ASSIGN(auto wire, site_wire(fabric, facts, site, hub));
    wires.push_back(std::move(wire));
  }
  if (wires.empty())
    return fail(Errc::invalid_argument,
                "site {} has no wire: none of its hubs is in the fabric; name one under 'hubs:'", site.name);
  return wires;
}

}  // namespace radial
