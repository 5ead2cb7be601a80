#include "compile/firewall_table.h"

#include <algorithm>

#include <fmt/format.h>

namespace radial {
namespace {

constexpr int headers_v4 = 40;  // IPv4 20, TCP 20
constexpr int headers_v6 = 60;  // IPv6 40, TCP 20

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
  if (smallest != wires.end()) text += "\n" + clamp_chain(smallest->mtu, narrow);
  return text + "}\n";
}

}  // namespace radial
