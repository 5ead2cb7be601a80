#include "compile/sysctls.h"

#include <fmt/format.h>

namespace radial {

namespace {

// Linux lets a socket join 20 multicast groups, and ospfd joins 224.0.0.5 once
// an interface. The limit is read at each join, so it is enough that settings
// are written before OSPF is told of the interfaces, as the agent does.
constexpr std::size_t default_memberships = 20;
constexpr std::size_t operators_share = 5;  // interfaces on which OSPF runs without us
constexpr std::string_view many_memberships = "4096";

}  // namespace

std::vector<Sysctl> compile_sysctls(const NodeConfig& config, bool ipv6) {
  const auto& wires = config.wires;
  std::vector<Sysctl> result;
  // First: the kernel resets the redirect settings of every interface when it changes.
  result.push_back({"net.ipv4.ip_forward", "1"});
  if (ipv6) result.push_back({"net.ipv6.conf.all.forwarding", "1"});
  // A packet from site to site leaves by the wire it came by, which the kernel
  // answers with an ICMP redirect that would point sites at each other's
  // addresses. It sends them when `all` or the interface says so: both must be
  // off. Other interfaces keep their own setting (1 unless changed).
  result.push_back({"net.ipv4.conf.all.send_redirects", "0"});
  if (wires.size() + config.lans.size() > default_memberships - operators_share)
    result.push_back({"net.ipv4.igmp_max_memberships", std::string(many_memberships)});
  for (const auto& wire : wires) {
    const auto set = [&](std::string_view family, std::string_view name, std::string_view value) {
      result.push_back({fmt::format("net.{}.conf.{}.{}", family, wire.interface, name), std::string(value)});
    };
    // Loose (RFC 3704, 2.4): with two hubs replies may come by the other wire.
    // The greater of `all` and the interface holds, so 2 overrides any `all`.
    // WireGuard's AllowedIPs are the strict source filter.
    set("ipv4", "rp_filter", "2");
    set("ipv4", "send_redirects", "0");
    set("ipv4", "accept_redirects", "0");
    set("ipv6", "accept_redirects", "0");
    set("ipv6", "accept_ra", "0");
  }
  return result;
}

}  // namespace radial
