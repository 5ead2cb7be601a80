#include "compile/frr_lines.h"

#include <algorithm>
#include <map>

#include <fmt/format.h>

#include "compile/bgp_stanzas.h"
#include "compile/frr_stanzas.h"

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
  InterfaceAddress address;
  const Lan* lan;
};

// What one interface holds of one family.
struct Binding {
  std::vector<BoundAddress> lans;  // its addresses in LANs, by value
  bool foreign = false;            // it holds others too

  [[nodiscard]] bool any_active() const {
    return std::any_of(lans.begin(), lans.end(), [](const BoundAddress& bound) { return bound.lan->active; });
  }
  [[nodiscard]] bool all_active() const {
    return std::all_of(lans.begin(), lans.end(), [](const BoundAddress& bound) { return bound.lan->active; });
  }
};

// By interface and family.
using Bindings = std::map<std::pair<std::string, Family>, Binding>;

// Cost and passive before the area, which brings the interface up: nothing is
// ever sent on a passive LAN.
void add_ospf_lines(std::vector<std::string>& lines, const NodeConfig& config, bool active, const std::string& suffix) {
  lines.push_back(fmt::format("ip ospf cost {}{}", config.lan_cost, suffix));
  if (!active) lines.push_back("ip ospf passive" + suffix);
  lines.push_back(fmt::format("ip ospf area {}{}", config.area, suffix));
}

// One set of lines does for an interface whose addresses are all in LANs of one kind.
FrrStanza ospf_stanza(const NodeConfig& config, const std::string& interface, const Binding& binding) {
  FrrStanza stanza{"ospfd", "interface " + interface, {}};
  if (!binding.foreign && binding.any_active() == binding.all_active()) {
    add_ospf_lines(stanza.lines, config, binding.all_active(), "");
  } else {
    for (const auto& bound : binding.lans)
      add_ospf_lines(stanza.lines, config, bound.lan->active, " " + bound.address.address.to_string());
  }
  return stanza;
}

void add_ospf6_stanzas(std::vector<FrrStanza>& stanzas, const NodeConfig& config, const std::string& interface,
                       const Binding& binding) {
  FrrStanza stanza{"ospf6d", "interface " + interface, {}};
  stanza.lines.push_back(fmt::format("ipv6 ospf6 cost {}", config.lan_cost));
  if (!binding.any_active()) stanza.lines.emplace_back("ipv6 ospf6 passive");
  if (binding.foreign) {
    FrrStanza list{"ospf6d", "", {}};
    for (const auto& bound : binding.lans)
      list.lines.push_back(fmt::format("ipv6 prefix-list radial-{} seq {} permit {}", interface,
                                       5 * (list.lines.size() + 1), bound.address.network()));
    stanzas.push_back(std::move(list));
    stanza.lines.push_back(fmt::format("ipv6 ospf6 advertise prefix-list radial-{}", interface));
  }
  stanza.lines.push_back(fmt::format("ipv6 ospf6 area {}", config.area));
  stanzas.push_back(std::move(stanza));
}

}  // namespace

BoundLans bind_lans(const NodeConfig& config, const std::vector<LocalAddress>& local) {
  std::vector<bool> bound(config.lans.size(), false);
  Bindings bindings;
  for (const auto& [interface, address] : local) {
    if (is_wire(config, interface)) continue;
    const auto* lan = lan_of(config, address);
    auto& binding = bindings[{interface, address.address.family()}];
    if (lan != nullptr) {
      bound[static_cast<std::size_t>(lan - config.lans.data())] = true;
      binding.lans.push_back({address, lan});
    } else if (address.address.is_v4() || !address.address.is_link_local()) {
      binding.foreign = true;  // OSPFv3 does not announce link-local addresses
    }
  }

  BoundLans result;
  std::map<Family, std::vector<std::string>> networks;
  for (auto& [key, binding] : bindings) {
    const auto& [interface, family] = key;
    if (binding.lans.empty()) continue;
    std::sort(binding.lans.begin(), binding.lans.end(),
              [](const BoundAddress& a, const BoundAddress& b) { return a.address < b.address; });
    if (family == Family::v4 ? config.bgp.ipv4 : config.bgp.ipv6) {
      for (const auto& lan : binding.lans) networks[family].push_back(fmt::format("network {}", lan.address.network()));
    } else if (family == Family::v4) {
      if (runs(config, "ospfd")) result.stanzas.push_back(ospf_stanza(config, interface, binding));
    } else if (runs(config, "ospf6d")) {
      add_ospf6_stanzas(result.stanzas, config, interface, binding);
    }
  }
  for (auto& [family, lines] : networks)
    result.stanzas.push_back({"bgpd", bgp_family_context(config.bgp, family), std::move(lines)});
  for (std::size_t i = 0; i < config.lans.size(); ++i)
    if (!bound[i]) result.unbound.push_back(config.lans[i]);
  return result;
}

}  // namespace radial
