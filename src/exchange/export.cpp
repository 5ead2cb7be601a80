#include "exchange/export.h"

#include <algorithm>

#include <fmt/ranges.h>

#include "exchange/export_targets.h"

namespace radial::exchange {

std::string key_text(const NodeConfig& config, const ExportOptions& options) {
  return options.private_key != nullptr ? options.private_key->reveal_base64() : "<PRIVATE_KEY_OF_" + config.node + ">";
}

std::optional<std::string> preshared_text(const WirePeer& peer, const ExportOptions& options) {
  const auto known = options.preshared.find(peer.node);
  if (known == options.preshared.end()) return std::nullopt;
  return known->second != nullptr ? known->second->reveal_base64() : "<PRESHARED_KEY_WITH_" + peer.node + ">";
}

std::vector<LocalAddress> held_lans(const NodeConfig& config, const ExportOptions& options) {
  std::vector<LocalAddress> held;
  for (std::size_t i = 0; i < config.lans.size(); ++i) {
    const auto& prefix = config.lans[i].prefix;
    const auto given = options.lan_interfaces.find(prefix);
    const auto first = prefix.address().plus(prefix.is_host() ? 0 : 1).value_or(prefix.address());
    held.push_back({given != options.lan_interfaces.end() ? given->second : fmt::format("lan{}", i), {first, prefix.length()}});
  }
  return held;
}

std::string title_of(const NodeConfig& config) {
  return fmt::format("{} {} of fabric {}, exported by radial", config.role == NodeRole::hub ? "Hub" : "Site", config.node,
                     config.fabric);
}

Status needs_no_unicast_p2mp(const NodeConfig& config, std::string_view router) {
  for (const auto& wire : config.wires)
    if (wire.ospf == OspfMode::p2mp_non_broadcast || wire.ospf == OspfMode::p2mp_multicast)
      return fail(Errc::unsupported,
                  "{} cannot greet all sites by OSPF point-to-multipoint on one wire, for which hub {} is "
                  "compiled; as a hub it can run NBMA with all its sites: export it and them with --hub-frr 8.4",
                  router, config.node);
  return {};
}

Status needs_ospf_alone(const NodeConfig& config, std::string_view router) {
  if (config.routing != RoutingEngine::ospf)
    return fail(Errc::unsupported,
                "for {} the export writes OSPF, and fabric {} runs BGP: `--as wg` has its WireGuard, and `--as frr` shows the sessions and "
                "filters to enter there by hand", router, config.fabric);
  for (const auto& wire : config.wires)
    for (const auto& peer : wire.peers)
      if (peer.trust == Trust::fixed)
        return fail(Errc::unsupported,
                    "for {} the export writes OSPF, and between {} and {} there is none (`trust: static`): `--as wg` has its WireGuard, and `--as "
                    "frr` shows the static routes to enter there by hand", router, config.node, peer.node);
  return {};
}

Status needs_mtu(const NodeConfig& config, std::string_view router, int largest) {
  for (const auto& wire : config.wires)
    if (wire.mtu > largest)
      return fail(Errc::unsupported, "{} takes an MTU of at most {} on a WireGuard interface, and {} has {} on {}", router, largest,
                  config.node, wire.mtu, wire.interface);
  return {};
}

std::string comma_list(const std::vector<Prefix>& prefixes) {
  std::string text;
  for (const auto& prefix : prefixes) text += (text.empty() ? "" : ", ") + prefix.to_string();
  return text;
}

Result<Target> parse_target(std::string_view word) {
  constexpr std::pair<std::string_view, Target> names[] = {{"wg", Target::wg},
                                                           {"frr", Target::frr},
                                                           {"vyos", Target::vyos},
                                                           {"mikrotik", Target::mikrotik},
                                                           {"opnsense", Target::opnsense}};
  for (const auto& [name, target] : names)
    if (name == word) return target;
  return fail(Errc::invalid_argument, "'{}' is not one of wg, frr, vyos, mikrotik, opnsense", word);
}

Result<std::string> export_node(const NodeConfig& config, Target target, const ExportOptions& options) {
  std::vector<std::string> keyless;
  for (const auto& wire : config.wires)
    for (const auto& peer : wire.peers)
      if (!peer.public_key) keyless.push_back(peer.node);
  if (!keyless.empty())
    return fail(Errc::invalid_argument, "the public key of {} is not known; --facts names the file that has it",
                fmt::join(keyless, ", "));
  for (const auto& [prefix, interface] : options.lan_interfaces)
    if (std::none_of(config.lans.begin(), config.lans.end(), [&](const Lan& lan) { return lan.prefix == prefix; }))
      return fail(Errc::invalid_argument, "{} ({}) is no LAN of {}", prefix.to_string(), interface, config.node);
  for (const auto& wire : config.wires)
    if (is_dedicated(wire, config.node))
      return fail(Errc::unsupported,
                  "hub {} has `wire: dedicated`, where Radial's nftables table is what keeps a site to its grant, and no export "
                  "carries it: run Radial there, or give the hub its one multipoint wire", config.node);
  switch (target) {
    case Target::wg: return export_wg(config, options);
    case Target::frr: return export_frr(config, options);
    case Target::vyos: return export_vyos(config, options);
    case Target::mikrotik: return export_mikrotik(config, options);
    case Target::opnsense: return export_opnsense(config, options);
  }
  return fail(Errc::internal, "no such target");
}

}  // namespace radial::exchange
