#include "compile/sysctls.h"

#include <fmt/format.h>

namespace radial {

std::vector<Sysctl> compile_sysctls(const std::vector<Wire>& wires, bool ipv6) {
  std::vector<Sysctl> result;
  // First: the kernel resets the redirect settings of every interface when it changes.
  result.push_back({"net.ipv4.ip_forward", "1"});
  if (ipv6) result.push_back({"net.ipv6.conf.all.forwarding", "1"});
  // A packet from site to site leaves by the wire it came by, which the kernel
  // answers with an ICMP redirect that would point sites at each other's
  // addresses. It sends them when `all` or the interface says so: both must be
  // off. Other interfaces keep their own setting (1 unless changed).
  result.push_back({"net.ipv4.conf.all.send_redirects", "0"});
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
