#include "agent/bgp_door.h"

#include <algorithm>
#include <set>

#include <fmt/format.h>

#include "compile/firewall_table.h"

namespace radial::agent {
namespace {

constexpr std::string_view listen_range = "bgp listen range ";
constexpr std::string_view neighbor = "neighbor ";

std::string_view word(std::string_view& rest) {
  const auto end = std::min(rest.find(' '), rest.size());
  const auto first = rest.substr(0, end);
  rest.remove_prefix(std::min(end + 1, rest.size()));
  return first;
}

}  // namespace

bool runs_bgp(const NodeConfig& config) {
  return std::any_of(config.frr.begin(), config.frr.end(), [](const auto& stanza) { return stanza.daemon == "bgpd"; });
}

BgpCallers bgp_callers(const host::FrrRunning& running, const NodeConfig& config) {
  std::set<Prefix> from;
  std::set<std::string> interfaces;
  const auto bgpd = running.daemons.find("bgpd");
  if (bgpd == running.daemons.end()) return {};
  for (const auto& [context, lines] : bgpd->second) {
    if (!context.starts_with("router bgp ")) continue;
    for (std::string_view line : lines) {
      if (line.starts_with(listen_range)) {
        line.remove_prefix(listen_range.size());
        if (const auto range = Prefix::parse(word(line))) from.insert(*range);
      } else if (line.starts_with(neighbor)) {
        line.remove_prefix(neighbor.size());
        const auto who = word(line);
        if (const auto address = IpAddress::parse(who)) from.insert(Prefix::host(*address));  // a peer-group's name is none
        else if (word(line) == "interface") interfaces.emplace(who);
      }
    }
  }
  for (const auto& wire : config.wires) interfaces.erase(wire.interface);
  std::erase_if(from, [&](const Prefix& one) { return in_tunnel(config, one) || one.address().is_link_local(); });
  return {{from.begin(), from.end()}, {interfaces.begin(), interfaces.end()}};
}

std::string with_bgp_door(const std::string& table, const NodeConfig& config, const BgpCallers& callers) {
  if (!runs_bgp(config)) return table;
  std::string chain = "\n\tchain bgp {\n\t\ttype filter hook input priority filter; policy accept;\n";
  const auto open = [&](std::string_view to) { chain += fmt::format("\t\t{} tcp dport 179 accept\n", to); };
  open("iifname \"lo\"");
  for (const auto& wire : config.wires) open(fmt::format("iifname \"{}\"", wire.interface));
  for (const auto& interface : callers.interfaces) open(fmt::format("iifname \"{}\"", interface));
  for (const auto& from : callers.from) open(from_source(from));
  auto with = table;
  add_chains(with, chain + "\t\ttcp dport 179 drop\n\t}\n");
  return with;
}

}  // namespace radial::agent
