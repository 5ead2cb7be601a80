#include "compile/render.h"

#include <algorithm>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace radial {
namespace {

template <class Values>
std::string comma_list(const Values& values) {
  return fmt::format("{}", fmt::join(values, ", "));
}

std::string_view shape_of(const Wire& wire) {
  return wire.shape == WireShape::multipoint ? "multipoint" : "point-to-point";
}

std::string render_peer(const WirePeer& peer) {
  // A peer without a key is printed all the same, so that it is not missed.
  const std::string_view mark = peer.public_key ? "" : "# ";
  std::string text = fmt::format("\n{}[Peer]\n# {}: {}; may announce: {}\n", mark, peer.node,
                                 comma_list(peer.addresses), to_string(peer.grant));
  if (peer.public_key) {
    text += fmt::format("PublicKey = {}\n", *peer.public_key);
  } else {
    text += fmt::format("# {} has no public key yet: left out of the wire until it has one\n", peer.node);
  }
  text += fmt::format("{}AllowedIPs = {}\n", mark, comma_list(peer.allowed_ips));
  for (std::size_t i = 0; i < peer.endpoints.size(); ++i)
    text += fmt::format("{}Endpoint = {}\n", i == 0 ? mark : "# or ", peer.endpoints[i]);
  if (peer.keepalive != 0) text += fmt::format("{}PersistentKeepalive = {}\n", mark, peer.keepalive);
  return text;
}

// "router bgp 65000 / address-family ipv4 unicast": one command after the other.
std::vector<std::string_view> commands_into(std::string_view context) {
  constexpr std::string_view separator = " / ";
  std::vector<std::string_view> commands;
  while (!context.empty()) {
    const auto end = context.find(separator);
    commands.push_back(context.substr(0, end));
    context.remove_prefix(end == context.npos ? context.size() : end + separator.size());
  }
  return commands;
}

bool speaks_ospf(const NodeConfig& config) {
  return std::any_of(config.wires.begin(), config.wires.end(),
                     [](const Wire& wire) { return wire.ospf != OspfMode::none; });
}

std::string heading(std::string_view title) { return fmt::format("\n# ---- {} ----\n\n", title); }

std::string render_links(const NodeConfig& config) {
  std::string text;
  for (const auto& wire : config.wires) {
    text += fmt::format("ip link add {} type wireguard\n", wire.interface);
    text += fmt::format("ip link set {} mtu {} addrgenmode none\n", wire.interface, wire.mtu);
    for (const auto& address : wire.addresses)
      text += fmt::format("ip address add {} dev {}\n", address, wire.interface);
    text += fmt::format("ip link set {} up\n", wire.interface);
  }
  return text;
}

}  // namespace

std::string render_wg(const Wire& wire) {
  std::string text = fmt::format("# {}: {} wire {} {}, MTU {}, {}\n[Interface]\n", wire.interface, shape_of(wire),
                                 wire.shape == WireShape::multipoint ? "of" : "to", far_end(wire), wire.mtu,
                                 comma_list(wire.addresses));
  text += "# PrivateKey = (never printed)\n";
  if (wire.listen_port != 0) text += fmt::format("ListenPort = {}\n", wire.listen_port);
  if (wire.fwmark != 0) text += fmt::format("FwMark = {:#x}\n", wire.fwmark);
  for (const auto& peer : wire.peers) text += render_peer(peer);
  return text;
}

std::string render_frr(const std::vector<FrrStanza>& stanzas) {
  std::string text;
  for (const auto& stanza : stanzas) {
    text += fmt::format("! {}\n", stanza.daemon);
    const auto way = commands_into(stanza.context);
    std::string indent;
    for (const auto& command : way) {
      text += fmt::format("{}{}\n", indent, command);
      indent += ' ';
    }
    for (const auto& line : stanza.lines) text += fmt::format("{}{}\n", indent, line);
    for (auto command = way.rbegin(); command != way.rend(); ++command) {
      indent.pop_back();
      text += fmt::format("{}exit{}\n", indent, command->starts_with("address-family ") ? "-address-family" : "");
    }
    text += "!\n";
  }
  return text;
}

std::string render_frr(const NodeConfig& config) {
  auto text = render_frr(config.frr);
  for (const auto& lan : config.lans) {
    const bool v4 = lan.prefix.family() == Family::v4;
    if (v4 ? config.bgp.ipv4 : config.bgp.ipv6) {
      text += fmt::format("! LAN {}: a network of router bgp {}, when an interface holds it\n", lan.prefix,
                          config.bgp.settings.asn);
      continue;
    }
    if (!speaks_ospf(config)) {
      text += fmt::format("! LAN {}: announced by its hubs\n", lan.prefix);
      continue;
    }
    text += fmt::format("! LAN {}: area {}, cost {}, {}, on the interface that holds it\n", lan.prefix, config.area,
                        config.lan_cost, lan.active ? "active" : "passive");
  }
  return text;
}

std::string render_node(const NodeConfig& config) {
  std::string text = fmt::format("# {} {} of fabric {}, router-id {}\n",
                                 config.role == NodeRole::hub ? "hub" : "site", config.node, config.fabric,
                                 config.router_id);
  text += heading("links: ip(8)") + render_links(config);
  text += heading("settings: sysctl(8)");
  for (const auto& sysctl : config.sysctls) text += fmt::format("{} = {}\n", sysctl.key, sysctl.value);
  for (const auto& wire : config.wires)
    text += heading(fmt::format("{}: wg setconf {}", wire.interface, wire.interface)) + render_wg(wire);
  text += heading("routing: frr.conf") + render_frr(config);
  text += heading("firewall: nft -f") + config.nft;
  return text;
}

}  // namespace radial
