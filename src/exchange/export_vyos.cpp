// VyOS 1.4 `set` commands (interfaces wireguard, protocols ospf).
#include <set>

#include "exchange/export_targets.h"

namespace radial::exchange {
namespace {

constexpr int largest_mtu = 16000;

class Commands {
 public:
  template <class... Args>
  void set(fmt::format_string<Args...> format, Args&&... args) {
    text_ += "set " + fmt::format(format, std::forward<Args>(args)...) + "\n";
  }
  void comment(std::string_view text) { text_ += fmt::format("\n# {}\n", text); }
  [[nodiscard]] std::string take() { return std::move(text_); }

 private:
  std::string text_;
};

void wire(Commands& out, const NodeConfig& config, const Wire& wire, const ExportOptions& options) {
  const auto at = "interfaces wireguard " + wire.interface;
  out.comment(fmt::format("The wire {} {}", wire.shape == WireShape::multipoint ? "of" : "to", far_end(wire)));
  for (const auto& address : wire.addresses)
    if (!address.address.is_link_local()) out.set("{} address '{}'", at, address);
  out.set("{} mtu '{}'", at, wire.mtu);
  if (wire.listen_port != 0) out.set("{} port '{}'", at, wire.listen_port);
  out.set("{} private-key '{}'", at, key_text(config, options));
  out.set("{} ip adjust-mss 'clamp-mss-to-pmtu'", at);
  out.set("{} ip source-validation 'loose'", at);
  for (const auto& peer : wire.peers) {
    out.set("{} peer {} public-key '{}'", at, peer.node, *peer.public_key);
    if (const auto key = preshared_text(peer, options)) out.set("{} peer {} preshared-key '{}'", at, peer.node, *key);
    for (const auto& prefix : peer.allowed_ips) out.set("{} peer {} allowed-ips '{}'", at, peer.node, prefix.to_string());
    if (!peer.endpoints.empty()) {
      const auto& endpoint = peer.endpoints.front();
      out.set("{} peer {} {} '{}'", at, peer.node, endpoint.address() ? "address" : "host-name", endpoint.host);
      out.set("{} peer {} port '{}'", at, peer.node, endpoint.port);
    }
    if (peer.keepalive != 0) out.set("{} peer {} persistent-keepalive '{}'", at, peer.node, peer.keepalive);
  }
}

bool is_vyos_name(std::string_view name) {
  return name.starts_with("wg") && name.size() > 2 && name.find_first_not_of("0123456789", 2) == std::string_view::npos;
}

// VyOS names WireGuard interfaces wg and a number. Names that are not ("wgh1", the wire between hubs) become the first free
// ones; nobody else in the fabric knows them. Returns what to say of it.
std::string rename_wires(NodeConfig& config) {
  std::set<std::string> taken;
  for (const auto& wire : config.wires)
    if (is_vyos_name(wire.interface)) taken.insert(wire.interface);
  std::string told;
  for (auto& wire : config.wires) {
    if (is_vyos_name(wire.interface)) continue;
    std::string name;
    for (int i = 0; name.empty() || !taken.insert(name).second; ++i) name = fmt::format("wg{}", i);
    told += fmt::format("# {} is {} here: VyOS names such interfaces wg and a number.\n", wire.interface, name);
    wire.interface = name;
  }
  return told;
}

std::string_view network_type(OspfMode mode) {
  switch (mode) {
    case OspfMode::nbma_hub:
    case OspfMode::nbma_site: return "non-broadcast";
    case OspfMode::point_to_point:
    case OspfMode::none: return "point-to-point";
    case OspfMode::p2mp:
    case OspfMode::p2mp_non_broadcast:
    case OspfMode::p2mp_multicast:
    case OspfMode::p2mp_multicast_site: break;
  }
  return "point-to-multipoint";
}

void ospf_wire(Commands& out, const NodeConfig& config, const Wire& wire) {
  const auto at = "protocols ospf interface " + wire.interface;
  out.set("{} network '{}'", at, network_type(wire.ospf));
  out.set("{} hello-interval '{}'", at, config.hello);
  out.set("{} dead-interval '{}'", at, config.dead);
  out.set("{} cost '{}'", at, wire.cost);
  if (wire.ospf == OspfMode::nbma_hub) out.set("{} priority '255'", at);
  if (wire.ospf == OspfMode::nbma_site) out.set("{} priority '0'", at);
  if (wire.mtu_ignore && wire.shape == WireShape::point_to_point) out.set("{} mtu-ignore", at);
  out.set("{} area '{}'", at, config.area);
  if (wire.ospf != OspfMode::nbma_hub && wire.ospf != OspfMode::nbma_site) return;
  for (const auto& peer : wire.peers) {
    if (peer.addresses.empty()) continue;
    out.set("protocols ospf neighbor {} poll-interval '1'", peer.addresses.front());
  }
}

}  // namespace

Result<std::string> export_vyos(const NodeConfig& given, const ExportOptions& options) {
  RADIAL_TRY(needs_ospf_alone(given, "VyOS"));
  RADIAL_TRY(needs_no_unicast_p2mp(given, "VyOS"));
  RADIAL_TRY(needs_mtu(given, "VyOS", largest_mtu));
  auto config = given;
  std::string told = rename_wires(config);
  Commands out;
  for (const auto& one : config.wires) wire(out, config, one, options);
  out.comment("Routing");
  out.set("protocols ospf parameters router-id '{}'", config.router_id);
  out.set("protocols ospf timers throttle spf delay '10'");
  out.set("protocols ospf timers throttle spf initial-holdtime '50'");
  out.set("protocols ospf timers throttle spf max-holdtime '1000'");
  for (const auto& one : config.wires)
    if (one.ospf != OspfMode::none) ospf_wire(out, config, one);
  out.comment("LANs: announced, and unless 'active' nothing is sent on them");
  const auto lans = held_lans(config, options);
  for (std::size_t i = 0; i < lans.size(); ++i) {
    if (config.lans[i].prefix.family() == Family::v6) {
      told += fmt::format("# Not here: IPv6 LAN {}; announce it by OSPFv3 or BGP by hand.\n", config.lans[i].prefix.to_string());
      continue;
    }
    const auto at = "protocols ospf interface " + lans[i].interface;
    out.set("{} area '{}'", at, config.area);
    out.set("{} cost '{}'", at, config.lan_cost);
    if (!config.lans[i].active) out.set("{} passive", at);
  }
  return fmt::format("# {}\n"
                     "# For VyOS 1.4, in configuration mode; then 'commit' and 'save'. Never run on a VyOS: try it before you rely\n"
                     "# on it. 'host-name' of a peer needs 1.5: 1.4 has no such command, and takes an 'address' instead.\n"
                     "# lan0, lan1 … stand for the interfaces that hold the LANs, unless --lan-interface named them.\n{}",
                     title_of(config), told) +
         out.take();
}

}  // namespace radial::exchange
