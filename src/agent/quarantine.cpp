#include "agent/quarantine.h"

#include "compile/firewall_table.h"

namespace radial::agent {

std::string with_quarantine(const std::string& table, const Quarantine& quarantine) {
  if (quarantine.interface.empty()) return table;
  std::string input = "\n\tchain controller {\n\t\ttype filter hook input priority filter; policy accept;\n";
  std::string forward = "\n\tchain quarantine {\n\t\ttype filter hook forward priority filter; policy accept;\n";
  for (const auto& guest : quarantine.guests) {
    input += fmt::format("\t\tiifname \"{}\" ip saddr {} ip daddr {} tcp dport {} accept\n", quarantine.interface, guest.address,
                         quarantine.controller, quarantine.port);
    input += fmt::format("\t\tip saddr {} drop\n", guest.address);
    forward += fmt::format("\t\tip saddr {} drop\n\t\tip daddr {} drop\n", guest.address, guest.address);
  }
  for (const auto& wire : quarantine.hub_wires)
    input += fmt::format("\t\tiifname \"{}\" ip daddr {} tcp dport {} accept\n", wire, quarantine.controller, quarantine.port);
  input += fmt::format("\t\tiifname != \"{}\" ip daddr {} tcp dport {} drop\n\t}}\n", quarantine.interface, quarantine.controller,
                       quarantine.port);
  forward += "\t}\n";
  auto with = table;
  add_chains(with, quarantine.guests.empty() ? input : input + forward);
  return with;
}

}  // namespace radial::agent
