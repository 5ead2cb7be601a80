#include "compile/firewall_table.h"

#include <algorithm>

#include <fmt/format.h>

namespace radial {
namespace {

constexpr int headers_v4 = 40;  // IPv4 20, TCP 20
constexpr int headers_v6 = 60;  // IPv6 40, TCP 20
constexpr int ospf = 89;        // its name needs /etc/protocols, which a bare machine lacks

class Chain {
 public:
  explicit Chain(std::string_view name) : text_(fmt::format("\tchain {} {{\n", name)) {}

  template <class... Args>
  void rule(fmt::format_string<Args...> format, Args&&... args) {
    text_ += "\t\t" + fmt::format(format, std::forward<Args>(args)...) + "\n";
  }
  [[nodiscard]] std::string close() const { return text_ + "\t}\n"; }

 private:
  std::string text_;
};

std::string target_of(const Prefix& prefix) {
  return prefix.is_host() ? prefix.address().to_string() : prefix.to_string();
}

std::string forward_chain(const NodeConfig& config) {
  const auto& wires = config.wires;
  Chain chain("forward");
  chain.rule("type filter hook forward priority mangle; policy accept;");
  if (config.role == NodeRole::site)
    for (const auto& wire : wires) chain.rule("iifname \"{}\" jump from_wire", wire.interface);
  // SYN and SYN-ACK (nft 1.0.6 and 1.1.3 print any narrower match differently):
  // each end's announcement limits what it will be sent.
  // OSPF is spoken between neighbours only: what is to be forwarded is forged.
  for (const auto& wire : wires)
    if (serves_sites(wire, config.node)) chain.rule("iifname \"{}\" meta l4proto {} drop", wire.interface, ospf);
  for (const auto& wire : wires) {
    chain.rule("iifname \"{}\" tcp flags syn jump clamp", wire.interface);
    chain.rule("oifname \"{}\" tcp flags syn jump clamp", wire.interface);
  }
  return chain.close();
}

std::string from_wire_chain(const std::vector<Wire>& wires) {
  Chain chain("from_wire");
  for (const auto& wire : wires) chain.rule("oifname \"{}\" drop", wire.interface);
  return chain.close();
}

// A site without routing is not to be heard: its tunnel addresses, and all that
// it may send from.
std::string input_chain(const NodeConfig& config) {
  Chain chain("input");
  chain.rule("type filter hook input priority filter; policy accept;");
  for (const auto& wire : config.wires) {
    if (!serves_sites(wire, config.node)) continue;
    for (const auto& peer : wire.peers) {
      if (peer.trust != Trust::fixed) continue;
      auto sources = peer.grant.prefixes;
      for (const auto& address : peer.addresses) sources.push_back(Prefix::host(address));
      std::sort(sources.begin(), sources.end());
      for (const auto& source : sources) {
        if (source.is_default()) continue;  // it would silence everybody
        chain.rule("iifname \"{}\" {} jump not_routing comment \"{}\"", wire.interface, from_source(source), peer.node);
      }
    }
  }
  return chain.close();
}

std::string not_routing_chain() {
  Chain chain("not_routing");
  chain.rule("meta l4proto {} drop", ospf);
  chain.rule("tcp dport 179 drop");
  chain.rule("udp dport 3784 drop");
  return chain.close();
}

bool has_static_site(const NodeConfig& config) {
  return std::any_of(config.wires.begin(), config.wires.end(), [&](const Wire& wire) {
    return serves_sites(wire, config.node) &&
           std::any_of(wire.peers.begin(), wire.peers.end(),
                       [](const WirePeer& peer) { return peer.trust == Trust::fixed; });
  });
}

// The kernel only ever lowers the option (nft_exthdr.c). `rt mtu` is the lower
// of the route's MTU there and back, which holds what path MTU discovery has
// learned; the sizes after it hold where paths are asymmetric.
std::string clamp_chain(int mtu, const std::vector<NarrowSite>& narrow) {
  Chain chain("clamp");
  chain.rule("tcp option maxseg size set rt mtu");
  chain.rule("meta nfproto ipv4 tcp option maxseg size set {}", mtu - headers_v4);
  chain.rule("meta nfproto ipv6 tcp option maxseg size set {}", mtu - headers_v6);
  for (const auto& site : narrow) {
    for (const auto& prefix : site.prefixes) {
      if (prefix.is_default()) continue;  // it would narrow everyone; the site clamps its own
      const bool v4 = prefix.family() == Family::v4;
      const auto target = target_of(prefix);
      for (const auto* end : {"saddr", "daddr"})
        chain.rule("{} {} {} tcp option maxseg size set {} comment \"{}: MTU {}\"", v4 ? "ip" : "ip6", end, target,
                   site.mtu - (v4 ? headers_v4 : headers_v6), site.name, site.mtu);
    }
  }
  return chain.close();
}

// Before routing, so that neither the hub itself nor anything behind it is
// reached by a forged source.
std::string source_chain(const std::vector<const Wire*>& dedicated) {
  Chain chain("source");
  chain.rule("type filter hook prerouting priority raw; policy accept;");
  for (const auto* wire : dedicated) chain.rule("iifname \"{0}\" jump source_{0}", wire->interface);
  return chain.close();
}

std::string source_of_chain(const Wire& wire, const std::vector<Prefix>& tunnels) {
  const auto& peer = wire.peers.front();
  Chain chain(fmt::format("source_{}", wire.interface));
  const auto from = [&](const Prefix& prefix, std::string_view verdict) { chain.rule("{} {}", from_source(prefix), verdict); };
  for (const auto& address : peer.addresses) from(Prefix::host(address), "accept");
  // No grant holds another's tunnel address, the widest neither.
  for (const auto& tunnel : tunnels)
    if (peer.grant.any || peer.grant.covers(tunnel)) from(tunnel, "counter drop");
  for (const auto& prefix : peer.grant.prefixes) from(prefix, "accept");
  chain.rule("{}", peer.grant.any ? "accept" : "counter drop");
  return chain.close();
}

std::vector<const Wire*> dedicated_wires(const NodeConfig& config) {
  std::vector<const Wire*> result;
  for (const auto& wire : config.wires)
    if (is_dedicated(wire, config.node)) result.push_back(&wire);
  return result;
}

}  // namespace

std::string from_source(const Prefix& prefix) {
  const bool v4 = prefix.family() == Family::v4;
  if (prefix.is_default()) return v4 ? "meta nfproto ipv4" : "meta nfproto ipv6";
  return fmt::format("{} saddr {}", v4 ? "ip" : "ip6", target_of(prefix));
}

void add_chains(std::string& table, std::string_view chains) {
  if (const auto end = table.rfind('}'); end != std::string::npos) table.insert(end, chains);
}

std::string compile_firewall(const NodeConfig& config, const std::vector<NarrowSite>& narrow) {
  const auto& wires = config.wires;
  const auto by_mtu = std::minmax_element(wires.begin(), wires.end(),
                                          [](const Wire& a, const Wire& b) { return a.mtu < b.mtu; });
  // A hub's dedicated wire may be narrow; what fits the others is not its affair.
  const auto fits = config.role == NodeRole::hub ? by_mtu.second : by_mtu.first;
  const auto dedicated = dedicated_wires(config);
  std::string text = "table inet radial {\n";
  if (!dedicated.empty()) text += source_chain(dedicated) + "\n";
  for (const auto* wire : dedicated) text += source_of_chain(*wire, config.tunnels) + "\n";
  text += forward_chain(config);
  if (config.role == NodeRole::site) text += "\n" + from_wire_chain(wires);
  if (has_static_site(config)) text += "\n" + input_chain(config) + "\n" + not_routing_chain();
  if (!wires.empty()) text += "\n" + clamp_chain(fits->mtu, narrow);
  return text + "}\n";
}

}  // namespace radial
