// OPNsense: its forms, field by field (core's WireGuard models Server.xml and
// Client.xml; plugin os-frr's OSPF.xml). OPNsense takes no text file for these.
#include <fmt/ranges.h>

#include "exchange/export_targets.h"

namespace radial::exchange {
namespace {

class Form {
 public:
  void form(std::string_view path) { text_ += fmt::format("\n== {}\n", path); }
  template <class Value>
  void field(std::string_view name, const Value& value) {
    text_ += fmt::format("   {:<22} {}\n", name, value);
  }
  [[nodiscard]] std::string take() { return std::move(text_); }

 private:
  std::string text_;
};

void peers(Form& out, const Wire& wire) {
  for (const auto& peer : wire.peers) {
    out.form("VPN > WireGuard > Peers > +");
    out.field("Name", peer.node);
    out.field("Public key", *peer.public_key);
    // OSPF's hellos go to a multicast address, which is the peer's as any other is (RFC 2328, A.1). There is one peer alone.
    out.field("Allowed IPs", comma_list(peer.allowed_ips) + (wire.shape == WireShape::multipoint ? ", 224.0.0.5/32" : ""));
    if (!peer.endpoints.empty()) {
      out.field("Endpoint address", peer.endpoints.front().host);
      out.field("Endpoint port", peer.endpoints.front().port);
    }
    if (peer.keepalive != 0) out.field("Keepalive interval", peer.keepalive);
  }
}

void instance(Form& out, const NodeConfig& config, const Wire& wire, const ExportOptions& options) {
  out.form("VPN > WireGuard > Instances > +   (advanced mode)");
  out.field("Name", wire.interface);
  out.field("Private key", key_text(config, options));
  if (wire.listen_port != 0) out.field("Listen port", wire.listen_port);
  out.field("MTU", wire.mtu);
  std::vector<std::string> addresses;
  for (const auto& address : wire.addresses)
    if (!address.address.is_link_local()) addresses.push_back(address.to_string());
  out.field("Tunnel address", fmt::format("{}", fmt::join(addresses, ", ")));
  std::vector<std::string> names;
  for (const auto& peer : wire.peers) names.push_back(peer.node);
  out.field("Peers", fmt::format("{}", fmt::join(names, ", ")));
  out.field("Disable routes", "yes (they come from OSPF)");
  out.form("Interfaces > Assignments, then Firewall > Settings > Normalization > +");
  out.field("Assign the instance as", wire.interface);
  out.field("Normalization: interface", wire.interface);
  out.field("Normalization: Max mss", wire.mtu - 40);
  out.form("Firewall > Rules > " + wire.interface);
  out.field("Pass", "OSPF (protocol 89), and what may pass between LANs");
}

void ospf(Form& out, const NodeConfig& config, const ExportOptions& options) {
  out.form("Routing > General");
  out.field("Enable", "yes");
  out.form("Routing > OSPF > General");
  out.field("Enable", "yes");
  out.field("Router ID", config.router_id);
  std::vector<std::string> passive;
  const auto lans = held_lans(config, options);
  for (std::size_t i = 0; i < lans.size(); ++i)
    if (!config.lans[i].active && config.lans[i].prefix.family() == Family::v4) passive.push_back(lans[i].interface);
  out.field("Passive interfaces", fmt::format("{}", fmt::join(passive, ", ")));
  for (const auto& wire : config.wires) {
    out.form("Routing > OSPF > Interfaces > +");
    out.field("Interface", wire.interface);
    out.field("Area", config.area);
    out.field("Cost", wire.cost);
    out.field("Hello interval", config.hello);
    out.field("Dead interval", config.dead);
    out.field("Network type", wire.ospf == OspfMode::point_to_point ? "Point-to-point network" : "Point-to-multipoint network");
  }
  for (std::size_t i = 0; i < lans.size(); ++i) {
    if (config.lans[i].prefix.family() == Family::v6) continue;
    out.form("Routing > OSPF > Interfaces > +");
    out.field("Interface", lans[i].interface + ", which holds " + config.lans[i].prefix.to_string());
    out.field("Area", config.area);
    out.field("Cost", config.lan_cost);
  }
}

// os-frr's OSPF has no list of neighbours, which NBMA needs at both ends and a
// hub with several sites always does.
Status can_run(const NodeConfig& config) {
  for (const auto& wire : config.wires)
    if (wire.ospf == OspfMode::nbma_site)
      return fail(Errc::unsupported,
                  "OPNsense's OSPF has no neighbours by address, which a site of a hub with FRR before 10.1 needs: run FRR 10.1 or "
                  "later at {} (--hub-frr 10.3)", wire.hub);
    else if (wire.shape == WireShape::multipoint && wire.peers.size() > 1)
      return fail(Errc::unsupported,
                  "OPNsense's OSPF has no neighbours by address, and WireGuard carries multicast to one peer at most: as a hub "
                  "it can serve one site, and {} has {}", config.node, wire.peers.size());
  return {};
}

}  // namespace

Result<std::string> export_opnsense(const NodeConfig& config, const ExportOptions& options) {
  RADIAL_TRY(needs_ospf_alone(config, "OPNsense"));
  RADIAL_TRY(can_run(config));
  Form out;
  for (const auto& wire : config.wires) {
    peers(out, wire);
    instance(out, config, wire, options);
  }
  ospf(out, config, options);
  std::string left_out;
  for (const auto& lan : config.lans)
    if (lan.prefix.family() == Family::v6) left_out += fmt::format("# Not here: IPv6 LAN {}.\n", lan.prefix.to_string());
  return fmt::format("# {}\n# For OPNsense with the plugin os-frr: what to enter, form by form; then Apply in each. Written by its\n"
                     "# data models; not run on an OPNsense. lan0, lan1 … stand for the interfaces that hold the LANs, unless\n"
                     "# --lan-interface named them.\n{}",
                     title_of(config), left_out) +
         out.take();
}

}  // namespace radial::exchange
