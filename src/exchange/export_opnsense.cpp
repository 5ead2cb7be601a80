// OPNsense: its forms, field by field (core's WireGuard models Server.xml and
// Client.xml; plugin os-frr's OSPF.xml, with neighbours from 1.45 on and P2MP
// options from 1.46 on). OPNsense takes no text file for these.
#include <fmt/ranges.h>

#include "exchange/export_targets.h"

namespace radial::exchange {
namespace {

constexpr int largest_mtu = 9300;

class Form {
 public:
  void form(std::string_view path) { text_ += fmt::format("\n== {}\n", path); }
  template <class Value>
  void field(std::string_view name, const Value& value) {
    text_ += fmt::format("   {:<22} {}\n", name, value);
  }
  void note(std::string_view text) { text_ += fmt::format("# {}\n", text); }
  [[nodiscard]] std::string take() { return std::move(text_); }

 private:
  std::string text_;
};

void peers(Form& out, const Wire& wire, const ExportOptions& options) {
  for (const auto& peer : wire.peers) {
    out.form("VPN > WireGuard > Peers > +");
    out.field("Name", peer.node);
    out.field("Public key", *peer.public_key);
    if (const auto key = preshared_text(peer, options)) out.field("Pre-shared key", *key);
    out.field("Allowed IPs", comma_list(peer.allowed_ips));
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
}

// An instance takes part in routing and filtering only as an assigned, enabled interface.
void interface(Form& out, const Wire& wire) {
  out.form("Interfaces > Assignments > +");
  out.field("Device", "of the instance " + wire.interface);
  out.field("Description", wire.interface);
  out.form("Interfaces > [" + wire.interface + "]");
  out.field("Enable Interface", "yes");
  out.form("Firewall > Settings > Normalization > +");
  out.field("Interface", wire.interface);
  out.field("Max mss", wire.mtu - 40);
  if (wire.listen_port != 0) {
    out.form("Firewall > Rules > +");
    out.field("Action", "Pass");
    out.field("Interface", "WAN");
    out.field("Protocol", "UDP");
    out.field("Destination port", wire.listen_port);
  }
  out.form("Firewall > Rules > +");
  out.field("Action", "Pass");
  out.field("Interface", wire.interface);
  out.field("Protocol", "OSPF");
  out.note("And rules there for what may pass between LANs.");
}

std::string_view network_type(OspfMode mode) {
  switch (mode) {
    case OspfMode::nbma_hub:
    case OspfMode::nbma_site: return "NBMA network";
    case OspfMode::point_to_point:
    case OspfMode::none: return "Point-to-point network";
    case OspfMode::p2mp:
    case OspfMode::p2mp_non_broadcast:
    case OspfMode::p2mp_multicast:
    case OspfMode::p2mp_multicast_site: break;
  }
  return "Point-to-multipoint network";
}

void neighbors(Form& out, const Wire& wire) {
  const bool nbma = wire.ospf == OspfMode::nbma_hub || wire.ospf == OspfMode::nbma_site;
  if (!nbma && wire.ospf != OspfMode::p2mp_non_broadcast) return;
  for (const auto& peer : wire.peers) {
    const auto address = ipv4_of(peer);
    if (!address) continue;
    out.form("Routing > OSPF > Neighbors > +");
    out.field("Peer-IP", *address);
    if (nbma) out.field("Poll-Interval", 1);
  }
}

void ospf(Form& out, const NodeConfig& config, const ExportOptions& options) {
  out.form("Routing > General");
  out.field("Enable", "yes");
  out.form("Routing > OSPF > General   (advanced mode)");
  out.field("Enable", "yes");
  out.field("Router ID", config.router_id);
  std::vector<std::string> passive;
  const auto lans = held_lans(config, options);
  for (std::size_t i = 0; i < lans.size(); ++i)
    if (!config.lans[i].active && config.lans[i].prefix.family() == Family::v4) passive.push_back(lans[i].interface);
  if (!passive.empty()) out.field("Passive Interfaces", fmt::format("{}", fmt::join(passive, ", ")));
  for (const auto& wire : config.wires) {
    neighbors(out, wire);
    out.form("Routing > OSPF > Interfaces > +");
    out.field("Interface", wire.interface);
    out.field("Area", config.area);
    out.field("Cost", wire.cost);
    out.field("Hello Interval", config.hello);
    out.field("Dead Interval", config.dead);
    if (wire.ospf == OspfMode::nbma_hub) out.field("Priority", 255);
    if (wire.ospf == OspfMode::nbma_site) out.field("Priority", 0);
    out.field("Network Type", network_type(wire.ospf));
    if (wire.ospf == OspfMode::p2mp_non_broadcast) out.field("P2MP options", "Non-broadcast");
  }
  for (std::size_t i = 0; i < lans.size(); ++i) {
    if (config.lans[i].prefix.family() == Family::v6) continue;
    out.form("Routing > OSPF > Interfaces > +");
    out.field("Interface", lans[i].interface + ", which holds " + config.lans[i].prefix.to_string());
    out.field("Area", config.area);
    out.field("Cost", config.lan_cost);
  }
}

// Its FRR greets by unicast as ours does; multicast to several sites takes radial-wire.
Status can_run(const NodeConfig& config) {
  for (const auto& wire : config.wires)
    if (wire.ospf == OspfMode::p2mp_multicast)
      return fail(Errc::unsupported,
                  "hub {} is compiled for radial-wire, which copies OSPF's multicast to every site; OPNsense has FRR 10 and greets "
                  "them by unicast: export it and them with --hub-frr 10.3", config.node);
  return {};
}

}  // namespace

Result<std::string> export_opnsense(const NodeConfig& config, const ExportOptions& options) {
  RADIAL_TRY(needs_ospf_alone(config, "OPNsense"));
  RADIAL_TRY(can_run(config));
  RADIAL_TRY(needs_mtu(config, "OPNsense", largest_mtu));
  Form out;
  for (const auto& wire : config.wires) {
    peers(out, wire, options);
    instance(out, config, wire, options);
  }
  out.form("VPN > WireGuard > Instances");
  out.field("Enable WireGuard", "yes");
  for (const auto& wire : config.wires) interface(out, wire);
  ospf(out, config, options);
  std::string left_out;
  for (const auto& lan : config.lans)
    if (lan.prefix.family() == Family::v6) left_out += fmt::format("# Not here: IPv6 LAN {}.\n", lan.prefix.to_string());
  return fmt::format("# {}\n# For OPNsense 25.7 or later with the plugin os-frr 1.46 or later: what to enter, form by form; then Apply in\n"
                     "# each. Written by its data models; not run on an OPNsense. It has no 'mtu-ignore': all ends of a wire need\n"
                     "# one MTU. lan0, lan1 … stand for the interfaces that hold the LANs, unless --lan-interface named them.\n{}",
                     title_of(config), left_out) +
         out.take();
}

}  // namespace radial::exchange
