// RouterOS 7 commands (/interface wireguard, /routing ospf).
#include "exchange/export_targets.h"

namespace radial::exchange {
namespace {

std::string_view network_type(OspfMode mode) {
  switch (mode) {
    case OspfMode::nbma_hub:
    case OspfMode::nbma_site: return "nbma";
    case OspfMode::p2mp_multicast_site:
    case OspfMode::p2mp: return "ptmp";
    case OspfMode::point_to_point:
    case OspfMode::p2mp_non_broadcast:
    case OspfMode::p2mp_multicast:
    case OspfMode::none: break;
  }
  return "ptp";
}

std::string allowed(const WirePeer& peer) {
  std::string text;
  for (const auto& prefix : peer.allowed_ips) text += (text.empty() ? "" : ",") + prefix.to_string();
  return text;
}

std::string wire_text(const NodeConfig& config, const Wire& wire, const ExportOptions& options) {
  std::string text = fmt::format("\n# The wire {} {}\n/interface wireguard add name={} mtu={}{} private-key=\"{}\" comment=\"radial\"\n",
                                 wire.shape == WireShape::multipoint ? "of" : "to", far_end(wire), wire.interface, wire.mtu,
                                 wire.listen_port != 0 ? fmt::format(" listen-port={}", wire.listen_port) : "",
                                 key_text(config, options));
  for (const auto& address : wire.addresses) {
    if (address.address.is_link_local()) continue;
    text += address.address.is_v4()
                ? fmt::format("/ip address add address={} interface={}\n", address, wire.interface)
                : fmt::format("/ipv6 address add address={} interface={} advertise=no\n", address, wire.interface);
  }
  for (const auto& peer : wire.peers) {
    text += fmt::format("/interface wireguard peers add interface={} public-key=\"{}\" allowed-address={}", wire.interface,
                        *peer.public_key, allowed(peer));
    if (const auto key = preshared_text(peer, options)) text += fmt::format(" preshared-key=\"{}\"", *key);
    if (!peer.endpoints.empty())
      text += fmt::format(" endpoint-address={} endpoint-port={}", peer.endpoints.front().host, peer.endpoints.front().port);
    if (peer.keepalive != 0) text += fmt::format(" persistent-keepalive={}s", peer.keepalive);
    text += fmt::format(" comment=\"{}\"\n", peer.node);
  }
  for (const auto* direction : {"in", "out"})
    text += fmt::format("/ip firewall mangle add chain=forward protocol=tcp tcp-flags=syn {}-interface={} action=change-mss "
                        "new-mss={} passthrough=yes tcp-mss={}-65535 comment=\"radial\"\n",
                        direction, wire.interface, wire.mtu - 40, wire.mtu - 39);
  return text;
}

// RouterOS's manual wants static neighbours for nbma, and for ptmp too: there all hellos are unicast.
bool lists_neighbors(OspfMode mode) {
  return network_type(mode) == "nbma" || network_type(mode) == "ptmp";
}

std::string ospf_text(const NodeConfig& config, const Wire& wire) {
  std::string text = fmt::format("/routing ospf interface-template add area=radial interfaces={} type={} cost={} hello-interval={}s "
                                 "dead-interval={}s",
                                 wire.interface, network_type(wire.ospf), wire.cost, config.hello, config.dead);
  if (wire.ospf == OspfMode::nbma_hub) text += " priority=255";
  if (wire.ospf == OspfMode::nbma_site) text += " priority=0";
  text += "\n";
  if (!lists_neighbors(wire.ospf)) return text;
  for (const auto& peer : wire.peers)
    if (!peer.addresses.empty())
      text += fmt::format("/routing ospf static-neighbor add area=radial address={}%{} poll-interval=1s\n", peer.addresses.front(),
                          wire.interface);
  return text;
}

// Only advice: without that firewall the list LAN, and a rule to stand before, do not exist.
std::string firewall_text(const NodeConfig& config) {
  std::string text = "\n# RouterOS's default firewall drops what comes in by interfaces outside its list LAN, OSPF too. Where it is on, also:\n";
  for (const auto& wire : config.wires) {
    text += fmt::format("#   /interface list member add list=LAN interface={}\n", wire.interface);
    if (wire.listen_port != 0)
      text += fmt::format("#   /ip firewall filter add chain=input protocol=udp dst-port={} action=accept place-before=0 comment=\"radial\"\n", wire.listen_port);
  }
  return text;
}

}  // namespace

Result<std::string> export_mikrotik(const NodeConfig& config, const ExportOptions& options) {
  RADIAL_TRY(needs_ospf_alone(config, "RouterOS"));
  RADIAL_TRY(needs_no_unicast_p2mp(config, "RouterOS"));
  std::string text = fmt::format(
      "# {}\n# For RouterOS 7; /import this file. Never run on a RouterOS: try it before you rely on it.\n"
      "# lan0, lan1 … stand for the interfaces that hold the LANs, unless --lan-interface named them. RouterOS has no\n"
      "# 'mtu-ignore': all ends of a wire need one MTU. Routes come within seconds, not at once: it paces LSAs itself.\n",
      title_of(config));
  for (const auto& wire : config.wires) text += wire_text(config, wire, options);
  text += firewall_text(config);
  text += fmt::format("\n# Routing\n/routing ospf instance add name=radial version=2 router-id={}\n"
                      "/routing ospf area add name=radial instance=radial area-id={}\n",
                      config.router_id, config.area);
  for (const auto& wire : config.wires)
    if (wire.ospf != OspfMode::none) text += ospf_text(config, wire);
  text += "\n# LANs: announced, and unless 'active' nothing is sent on them\n";
  const auto lans = held_lans(config, options);
  for (std::size_t i = 0; i < lans.size(); ++i) {
    if (config.lans[i].prefix.family() == Family::v6)
      text += fmt::format("# Not here: IPv6 LAN {}; announce it by OSPFv3 by hand.\n", config.lans[i].prefix.to_string());
    else
      text += fmt::format("/routing ospf interface-template add area=radial interfaces={} networks={} cost={}{}\n", lans[i].interface,
                          config.lans[i].prefix.to_string(), config.lan_cost, config.lans[i].active ? "" : " passive");
  }
  return text;
}

}  // namespace radial::exchange
