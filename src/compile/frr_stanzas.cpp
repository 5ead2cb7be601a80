#include "compile/frr_stanzas.h"

#include <algorithm>

namespace radial {
namespace {

constexpr int default_hello = 10;  // FRR prints no hello-interval of 10; it does print a dead-interval of 40

bool listens_to_neighbors(OspfMode mode) {
  return mode == OspfMode::p2mp_non_broadcast || mode == OspfMode::nbma_hub || mode == OspfMode::nbma_site;
}

FrrStanza router_stanza(const NodeConfig& config) {
  FrrStanza stanza{"ospfd", "router ospf", {}};
  stanza.lines = {
      fmt::format("ospf router-id {}", config.router_id),
      // Routes within half a second of an adjacency: the defaults hold LSAs
      // back for 1 s when received and 5 s when originated (RFC 2328, appendix B).
      "timers throttle spf 10 50 1000",
      "timers throttle lsa all 0",
      "timers lsa min-arrival 0",
  };
  for (const auto& wire : config.wires) {
    if (!listens_to_neighbors(wire.ospf)) continue;
    // NBMA polls a silent neighbour once a minute unless told otherwise. In
    // point-to-multipoint the site's own hellos come without being asked.
    const auto* poll = wire.ospf == OspfMode::p2mp_non_broadcast ? "" : " poll-interval 1";
    for (const auto& peer : wire.peers)
      if (peer.public_key && !peer.addresses.empty() && peer.trust == Trust::routed)
        stanza.lines.push_back(fmt::format("neighbor {}{}", peer.addresses.front(), poll));
  }
  return stanza;
}

FrrStanza interface_stanza(const NodeConfig& config, const Wire& wire) {
  FrrStanza stanza{"ospfd", "interface " + wire.interface, {}};
  auto& lines = stanza.lines;
  switch (wire.ospf) {
    case OspfMode::p2mp_non_broadcast:
      lines.emplace_back("ip ospf network point-to-multipoint non-broadcast");
      break;
    case OspfMode::p2mp_multicast:
    case OspfMode::p2mp_multicast_site:
    case OspfMode::p2mp:
      lines.emplace_back("ip ospf network point-to-multipoint");
      break;
    case OspfMode::nbma_hub:
    case OspfMode::nbma_site:
      lines.emplace_back("ip ospf network non-broadcast");
      break;
    case OspfMode::point_to_point:
    case OspfMode::none:
      break;
  }
  if (config.hello != default_hello) lines.push_back(fmt::format("ip ospf hello-interval {}", config.hello));
  lines.push_back(fmt::format("ip ospf dead-interval {}", config.dead));
  lines.push_back(fmt::format("ip ospf cost {}", wire.cost));
  // The hub is the one that reaches everybody, so it alone may be elected.
  if (wire.ospf == OspfMode::nbma_hub) lines.emplace_back("ip ospf priority 255");
  if (wire.ospf == OspfMode::nbma_site) lines.emplace_back("ip ospf priority 0");
  // A packet may be lost on any wire, and a restarted neighbour refuses some: unless
  // told otherwise FRR sends again after 5 s, a black hole meanwhile. NBMA's database exchange
  // loses its first packets to the election going on, most of the time that Full takes; and on a
  // multipoint wire FRR 8.4 does not pass a site's LSA on to the other sites but by
  // sending it "again" (ospf_flood.c, "Optimization: for P2MP").
  lines.emplace_back("ip ospf retransmit-interval 1");
  // ospfd refuses only a larger MTU than its own, so the site's end does.
  if (wire.mtu_ignore && wire.shape == WireShape::point_to_point) lines.emplace_back("ip ospf mtu-ignore");
  lines.push_back(fmt::format("ip ospf area {}", config.area));
  return stanza;
}

}  // namespace

std::vector<FrrStanza> ospf_stanzas(const NodeConfig& config) {
  const auto none = [](const Wire& wire) { return wire.ospf == OspfMode::none; };
  if (std::all_of(config.wires.begin(), config.wires.end(), none)) return {};
  std::vector<FrrStanza> stanzas{router_stanza(config)};
  for (const auto& wire : config.wires)
    if (wire.ospf != OspfMode::none) stanzas.push_back(interface_stanza(config, wire));
  return stanzas;
}

}  // namespace radial
