#include <algorithm>

#include "compile/frr_stanzas.h"

namespace radial {
namespace {

constexpr int default_hello = 10;  // unlike ospfd, ospf6d prints neither of its defaults
constexpr int default_dead = 40;

bool over_multicast(const Wire& wire) {
  return wire.ospf == OspfMode::p2mp_multicast || wire.ospf == OspfMode::p2mp_multicast_site;
}

bool runs_ospf6(const Wire& wire) {
  return wire.ospf == OspfMode::p2mp_non_broadcast || wire.ospf == OspfMode::p2mp || over_multicast(wire) ||
         wire.ospf == OspfMode::point_to_point;
}

void add_neighbors(std::vector<std::string>& lines, const Wire& wire) {
  for (const auto& peer : wire.peers) {
    if (!peer.public_key || peer.trust != Trust::routed) continue;
    const auto address = std::find_if(peer.addresses.begin(), peer.addresses.end(), [](const IpAddress& candidate) {
      return candidate.is_v6() && candidate.is_link_local();
    });
    if (address != peer.addresses.end()) lines.push_back(fmt::format("ipv6 ospf6 neighbor {}", *address));
  }
}

FrrStanza interface_stanza(const NodeConfig& config, const Wire& wire) {
  FrrStanza stanza{"ospf6d", "interface " + wire.interface, {}};
  auto& lines = stanza.lines;
  if (wire.ospf == OspfMode::p2mp_non_broadcast) {
    lines.insert(lines.end(), {"ipv6 ospf6 network point-to-multipoint", "ipv6 ospf6 p2p-p2mp disable-multicast-hello",
                               "ipv6 ospf6 p2p-p2mp config-neighbors-only"});
    add_neighbors(lines, wire);
  } else if (over_multicast(wire)) {
    // 8.4 has no point-to-multipoint, and on a point-to-point interface it
    // multicasts database descriptions, which the other sites take for theirs.
    lines.emplace_back("ipv6 ospf6 network broadcast");
  } else {
    lines.emplace_back("ipv6 ospf6 network point-to-point");
  }
  if (config.hello != default_hello) lines.push_back(fmt::format("ipv6 ospf6 hello-interval {}", config.hello));
  if (config.dead != default_dead) lines.push_back(fmt::format("ipv6 ospf6 dead-interval {}", config.dead));
  lines.push_back(fmt::format("ipv6 ospf6 cost {}", wire.cost));
  lines.emplace_back("ipv6 ospf6 retransmit-interval 1");  // as ospfd's
  // The hub is the one that reaches everybody, so it alone may be elected.
  if (over_multicast(wire))
    lines.push_back(fmt::format("ipv6 ospf6 priority {}", wire.ospf == OspfMode::p2mp_multicast ? 255 : 0));
  // Unlike ospfd, ospf6d refuses any MTU that is not its own: at both ends.
  if (wire.mtu_ignore) lines.emplace_back("ipv6 ospf6 mtu-ignore");
  lines.push_back(fmt::format("ipv6 ospf6 area {}", config.area));
  return stanza;
}

}  // namespace

std::vector<FrrStanza> ospf6_stanzas(const NodeConfig& config) {
  std::vector<FrrStanza> stanzas;
  for (const auto& wire : config.wires)
    if (runs_ospf6(wire)) stanzas.push_back(interface_stanza(config, wire));
  if (stanzas.empty()) return stanzas;
  stanzas.insert(stanzas.begin(), {"ospf6d",
                                   "router ospf6",
                                   {fmt::format("ospf6 router-id {}", config.router_id),
                                    "timers throttle spf 10 50 1000", "timers lsa min-arrival 0"}});
  return stanzas;
}

}  // namespace radial
