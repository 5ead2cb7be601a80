#include "compile/frr_lines.h"

#include <algorithm>
#include <map>

#include <fmt/format.h>

namespace radial {
namespace {

bool is_wire(const NodeConfig& config, const std::string& interface) {
  return std::any_of(config.wires.begin(), config.wires.end(),
                     [&](const Wire& wire) { return wire.interface == interface; });
}

// OSPF announces the network of an address, so the LAN must hold all of it: an
// address in a wider network would announce more than was declared.
const Lan* lan_of(const NodeConfig& config, const InterfaceAddress& address) {
  const auto found = std::find_if(config.lans.begin(), config.lans.end(),
                                  [&](const Lan& lan) { return lan.prefix.contains(address.network()); });
  return found == config.lans.end() ? nullptr : &*found;
}

struct BoundAddress {
  IpAddress address;
  const Lan* lan;
};

// What one interface holds of IPv4: its addresses in LANs, and whether all of
// them are, and of one kind, so that one set of lines does for the interface.
struct Binding {
  std::vector<BoundAddress> addresses;
  bool foreign = false;

  [[nodiscard]] bool whole() const {
    return !foreign && std::all_of(addresses.begin(), addresses.end(), [&](const BoundAddress& other) {
             return other.lan->active == addresses.front().lan->active;
           });
  }
};

// Cost and passive before the area, which brings the interface up: nothing is
// ever sent on a passive LAN.
void add_lines(std::vector<std::string>& lines, const NodeConfig& config, const Lan& lan, const std::string& suffix) {
  lines.push_back(fmt::format("ip ospf cost {}{}", config.lan_cost, suffix));
  if (!lan.active) lines.push_back("ip ospf passive" + suffix);
  lines.push_back(fmt::format("ip ospf area {}{}", config.area, suffix));
}

FrrStanza stanza_of(const NodeConfig& config, const std::string& interface, const Binding& binding) {
  FrrStanza stanza{"ospfd", "interface " + interface, {}};
  if (binding.whole()) {
    add_lines(stanza.lines, config, *binding.addresses.front().lan, "");
  } else {
    for (const auto& bound : binding.addresses)
      add_lines(stanza.lines, config, *bound.lan, " " + bound.address.to_string());
  }
  return stanza;
}

}  // namespace

BoundLans bind_lans(const NodeConfig& config, const std::vector<LocalAddress>& local) {
  std::vector<bool> bound(config.lans.size(), false);
  std::map<std::string, Binding> interfaces;
  for (const auto& [interface, address] : local) {
    if (is_wire(config, interface)) continue;
    const auto* lan = lan_of(config, address);
    if (lan != nullptr) bound[static_cast<std::size_t>(lan - config.lans.data())] = true;
    if (!address.address.is_v4()) continue;
    auto& binding = interfaces[interface];
    if (lan != nullptr) binding.addresses.push_back({address.address, lan});
    binding.foreign |= lan == nullptr;
  }

  BoundLans result;
  for (auto& [interface, binding] : interfaces) {
    if (binding.addresses.empty()) continue;
    std::sort(binding.addresses.begin(), binding.addresses.end(),
              [](const BoundAddress& a, const BoundAddress& b) { return a.address < b.address; });
    result.stanzas.push_back(stanza_of(config, interface, binding));
  }
  for (std::size_t i = 0; i < config.lans.size(); ++i)
    if (!bound[i]) result.unbound.push_back(config.lans[i]);
  return result;
}

}  // namespace radial
