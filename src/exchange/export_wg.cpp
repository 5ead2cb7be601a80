// wg-quick(8) files, one a wire, parted by a line "# ==== NAME.conf ====" where
// there are several.
#include <algorithm>

#include <fmt/ranges.h>

#include "exchange/export_targets.h"

namespace radial::exchange {
namespace {

constexpr int tcp_ip_headers = 40;  // IPv4 20, TCP 20

std::string hooks(const NodeConfig& config, const Wire& wire) {
  std::string text;
  for (const auto& address : wire.addresses)
    if (address.address.is_link_local() && address.address.is_v6())
      text += fmt::format("# Only the link-local address given: a userspace WireGuard gets one by chance, which no peer allows.\n"
                          "PostUp = ip -6 address flush dev %i scope link && ip address add {} dev %i\n", address);
  for (const auto& sysctl : config.sysctls) {
    const bool others = std::any_of(config.wires.begin(), config.wires.end(), [&](const Wire& other) {
      return other.interface != wire.interface && sysctl.key.find("." + other.interface + ".") != std::string::npos;
    });
    if (!others) text += fmt::format("PostUp = sysctl -q -w {}={}\n", sysctl.key, sysctl.value);
  }
  text += config.role == NodeRole::site ? "# TCP segments that fit the wire, both ways; nothing is passed on from wire to wire.\n"
                                        : "# TCP segments that fit the wire, both ways.\n";
  std::string drop;
  if (config.role == NodeRole::site)
    for (const auto& other : config.wires) drop += fmt::format("iifname \"%i\" oifname \"{}\" drop; ", other.interface);
  text += fmt::format("PostUp = nft 'table inet radial_%i {{ chain forward {{ type filter hook forward priority mangle; policy "
                      "accept; {}iifname \"%i\" tcp flags syn tcp option maxseg size set {}; oifname \"%i\" tcp flags syn tcp "
                      "option maxseg size set rt mtu; }}; }}'\n",
                      drop, wire.mtu - tcp_ip_headers);
  return text + "PostDown = nft delete table inet radial_%i\n";
}

std::string peer_text(const WirePeer& peer, const ExportOptions& options) {
  std::string text = fmt::format("\n[Peer]\n# Name = {}\nPublicKey = {}\n", peer.node, *peer.public_key);
  if (const auto key = preshared_text(peer, options)) text += fmt::format("PresharedKey = {}\n", *key);
  text += fmt::format("AllowedIPs = {}\n", comma_list(peer.allowed_ips));
  for (std::size_t i = 0; i < peer.endpoints.size(); ++i)
    text += fmt::format("{}Endpoint = {}\n", i == 0 ? "" : "# or: ", peer.endpoints[i]);
  if (peer.keepalive != 0) text += fmt::format("PersistentKeepalive = {}\n", peer.keepalive);
  return text;
}

std::string wire_text(const NodeConfig& config, const Wire& wire, const ExportOptions& options) {
  std::string text = fmt::format("# {}\n# /etc/wireguard/{}.conf, mode 0600: the wire {} {}. Routes come from FRR: see\n"
                                 "# 'radial export {} --as frr'.\n[Interface]\nPrivateKey = {}\n",
                                 title_of(config), wire.interface, wire.shape == WireShape::multipoint ? "of" : "to", far_end(wire),
                                 config.node, key_text(config, options));
  if (wire.listen_port != 0) text += fmt::format("ListenPort = {}\n", wire.listen_port);
  text += fmt::format("Address = {}\nMTU = {}\n# AllowedIPs make no routes.\nTable = off\n", fmt::join(wire.addresses, ", "), wire.mtu);
  text += hooks(config, wire);
  for (const auto& peer : wire.peers) text += peer_text(peer, options);
  return text;
}

}  // namespace

std::string export_wg(const NodeConfig& config, const ExportOptions& options) {
  std::string text;
  for (const auto& wire : config.wires) {
    if (config.wires.size() > 1) text += fmt::format("{}# ==== {}.conf ====\n", text.empty() ? "" : "\n", wire.interface);
    text += wire_text(config, wire, options);
  }
  return text;
}

}  // namespace radial::exchange
