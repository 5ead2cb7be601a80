#include "compile/silent_peers.h"

#include <algorithm>

#include <fmt/format.h>

namespace radial {
namespace {

// Whether a "ip route ..." line leads over this interface.
bool leads_over(const std::string& line, const std::string& interface) {
  if (!line.starts_with("ip route ") && !line.starts_with("ipv6 route ")) return false;
  return line.ends_with(" " + interface) || line.find(" " + interface + " ") != std::string::npos;
}

void drop_routes_by(NodeConfig& config, const std::string& interface) {
  for (auto& stanza : config.frr)
    if (stanza.daemon == "staticd")
      std::erase_if(stanza.lines, [&](const std::string& line) { return leads_over(line, interface); });
}

// Distance 1 is not written: a line that ends with the interface is a static
// site's, one of distance 250 stands behind a routed site's.
void drop_routes_to(NodeConfig& config, const std::string& interface, const Prefix& lan) {
  const auto route = fmt::format("{} route {} ", lan.family() == Family::v4 ? "ip" : "ipv6", lan);
  const auto network = fmt::format("network {}", lan);
  const bool own = std::any_of(config.lans.begin(), config.lans.end(), [&](const Lan& one) { return one.prefix == lan; });
  for (auto& stanza : config.frr)
    std::erase_if(stanza.lines, [&](const std::string& line) {
      if (stanza.daemon == "staticd") return line.starts_with(route) && line.ends_with(" " + interface);
      return stanza.daemon == "bgpd" && !own && line == network;
    });
}

}  // namespace

std::set<WireEnd> watched_ends(const NodeConfig& config) {
  std::set<WireEnd> ends;
  const bool another_way = config.role == NodeRole::hub ? has_wire_to_a_hub(config) : config.wires.size() > 1;
  if (!another_way) return ends;
  for (const auto& wire : config.wires)
    for (const auto& peer : wire.peers)
      if (peer.public_key && peer.trust == Trust::fixed) ends.insert({wire.interface, peer.node});
  return ends;
}

NodeConfig without_silent(NodeConfig config, const std::set<WireEnd>& silent) {
  const auto watched = watched_ends(config);
  const auto is_silent = [&](const WireEnd& end) { return silent.contains(end); };
  if (config.role == NodeRole::site) {
    if (std::all_of(watched.begin(), watched.end(), is_silent)) return config;
    for (const auto& end : watched)
      if (is_silent(end)) drop_routes_by(config, end.interface);
    return config;
  }
  std::set<Prefix> served;
  std::set<std::pair<std::string, Prefix>> gone;  // by which wire
  for (const auto& wire : config.wires)
    for (const auto& peer : wire.peers)
      if (const WireEnd end{wire.interface, peer.node}; watched.contains(end)) {
        if (!is_silent(end)) served.insert(peer.lans.begin(), peer.lans.end());
        else
          for (const auto& lan : peer.lans) gone.emplace(wire.interface, lan);
      }
  for (const auto& [interface, lan] : gone)
    if (!served.contains(lan)) drop_routes_to(config, interface, lan);
  return config;
}

}  // namespace radial
