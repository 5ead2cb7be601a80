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

std::string forward_chain(NodeRole role, const std::vector<Wire>& wires) {
  Chain chain("forward");
  chain.rule("type filter hook forward priority mangle; policy accept;");
  if (role == NodeRole::site)
    for (const auto& wire : wires) chain.rule("iifname \"{}\" jump from_wire", wire.interface);
  // SYN and SYN-ACK (nft 1.0.6 and 1.1.3 print any narrower match differently):
  // each end's announcement limits what it will be sent.
  // OSPF is spoken between neighbours only: what is to be forwarded is forged.
  for (const auto& wire : wires)
    if (wire.shape == WireShape::multipoint) chain.rule("iifname \"{}\" meta l4proto {} drop", wire.interface, ospf);
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
std::string input_chain(const std::vector<Wire>& wires) {
  Chain chain("input");
  chain.rule("type filter hook input priority filter; policy accept;");
  for (const auto& wire : wires) {
    if (wire.shape != WireShape::multipoint) continue;
    for (const auto& peer : wire.peers) {
      if (peer.trust != Trust::fixed) continue;
      auto sources = peer.grant.prefixes;
      for (const auto& address : peer.addresses) sources.push_back(Prefix::host(address));
      std::sort(sources.begin(), sources.end());
      for (const auto& source : sources) {
        if (source.is_default()) continue;  // it would silence everybody
        const auto text = source.is_host() ? source.address().to_string() : source.to_string();
        chain.rule("iifname \"{}\" {} saddr {} jump not_routing comment \"{}\"", wire.interface,
                   source.family() == Family::v4 ? "ip" : "ip6", text, peer.node);
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

bool has_static_site(const std::vector<Wire>& wires) {
  return std::any_of(wires.begin(), wires.end(), [](const Wire& wire) {
    return wire.shape == WireShape::multipoint &&
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
      const auto target = prefix.is_host() ? prefix.address().to_string() : prefix.to_string();
      for (const auto* end : {"saddr", "daddr"})
        chain.rule("{} {} {} tcp option maxseg size set {} comment \"{}: MTU {}\"", v4 ? "ip" : "ip6", end, target,
                   site.mtu - (v4 ? headers_v4 : headers_v6), site.name, site.mtu);
    }
  }
  return chain.close();
}

}  // namespace

std::string compile_firewall(NodeRole role, const std::vector<Wire>& wires, const std::vector<NarrowSite>& narrow) {
  const auto smallest = std::min_element(wires.begin(), wires.end(),
                                         [](const Wire& a, const Wire& b) { return a.mtu < b.mtu; });
  std::string text = "table inet radial {\n" + forward_chain(role, wires);
  if (role == NodeRole::site) text += "\n" + from_wire_chain(wires);
  if (has_static_site(wires)) text += "\n" + input_chain(wires) + "\n" + not_routing_chain();
  if (smallest != wires.end()) text += "\n" + clamp_chain(smallest->mtu, narrow);
  return text + "}\n";
}

}  // namespace radial
