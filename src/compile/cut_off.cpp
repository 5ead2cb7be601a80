#include "compile/cut_off.h"

#include <algorithm>

#include <fmt/format.h>

#include "compile/firewall_table.h"

namespace radial {
namespace {

bool names_neighbor(const std::string& line, const IpAddress& address) {
  for (const auto* words : {"neighbor ", "ipv6 ospf6 neighbor "}) {
    const auto start = words + address.to_string();
    if (line == start || line.starts_with(start + " ")) return true;
  }
  return false;
}

void drop_neighbor(NodeConfig& config, const WirePeer& peer) {
  for (auto& stanza : config.frr) {
    if (stanza.daemon != "ospfd" && stanza.daemon != "ospf6d") continue;
    std::erase_if(stanza.lines, [&](const std::string& line) {
      return std::any_of(peer.addresses.begin(), peer.addresses.end(),
                         [&](const IpAddress& address) { return names_neighbor(line, address); });
    });
  }
}

std::string rule(const Wire& wire, const WirePeer& peer, const IpAddress& address, bool in) {
  return fmt::format("\t\t{}ifname \"{}\" {} {}addr {} meta l4proto 89 drop comment \"{} is cut off\"\n", in ? 'i' : 'o',
                     wire.interface, address.is_v4() ? "ip" : "ip6", in ? 's' : 'd', address, peer.node);
}

// On a wire of the site's own all of the protocol is the site's, multicast too.
std::string rule(const Wire& wire, const WirePeer& peer, bool in) {
  return fmt::format("\t\t{}ifname \"{}\" meta l4proto 89 drop comment \"{} is cut off\"\n", in ? 'i' : 'o', wire.interface,
                     peer.node);
}

}  // namespace

NodeConfig without_routing(NodeConfig config, const std::set<std::string>& sites) {
  std::string in;
  std::string out;
  for (const auto& wire : config.wires) {
    const bool dedicated = is_dedicated(wire, config.node);
    if (wire.shape != WireShape::multipoint && !dedicated) continue;
    for (const auto& peer : wire.peers) {
      if (!sites.contains(peer.node)) continue;
      if (dedicated) {
        in += rule(wire, peer, true);
        out += rule(wire, peer, false);
        continue;
      }
      drop_neighbor(config, peer);
      for (const auto& address : peer.addresses) {
        in += rule(wire, peer, address, true);
        out += rule(wire, peer, address, false);
      }
    }
  }
  if (in.empty()) return config;
  add_chains(config.nft, fmt::format("\n\tchain cut_off_in {{\n\t\ttype filter hook input priority mangle; policy accept;\n{}\t}}\n"
                                     "\n\tchain cut_off_out {{\n\t\ttype filter hook output priority mangle; policy accept;\n{}\t}}\n",
                                     in, out));
  return config;
}

}  // namespace radial
