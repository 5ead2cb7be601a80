#include "host/frr_json.h"

#include <algorithm>
#include <charconv>
#include <map>
#include <optional>

#include "host/frr_json_reader.h"

namespace radial::host::frr {
namespace {

constexpr int max_age = 3600;  // RFC 2328, appendix B: an LSA of this age is being withdrawn

// "Full/DROther" -> "Full", "DROther"; "2-Way/-".
void set_state(OspfNeighbor& neighbor, const std::string& state) {
  const auto slash = state.find('/');
  neighbor.state = state.substr(0, slash);
  if (slash != std::string::npos) neighbor.role = state.substr(slash + 1);
}

Result<OspfNeighbor> neighbor_of(const std::string& key, const Json& json) {
  if (!json.is_object()) return misunderstood("a neighbour is not an object");
  OspfNeighbor neighbor;
  // An NBMA neighbour that was never heard has a word instead of its router-id.
  if (auto id = IpAddress::parse(key)) neighbor.router_id = *id;
  RADIAL_ASSIGN(neighbor.address, address_of(json, "ifaceAddress"));
  RADIAL_ASSIGN(const auto interface, text_of(json, "ifaceName"));
  neighbor.interface = interface.substr(0, interface.rfind(':'));  // "wg0:10.255.0.1"
  RADIAL_ASSIGN(const auto state, text_of(json, "nbrState"));
  set_state(neighbor, state);
  RADIAL_ASSIGN(const auto up, (number_of<std::int64_t, 1>(json, {"upTimeInMsec"}, 0)));
  neighbor.up = std::chrono::milliseconds(up);
  RADIAL_ASSIGN(const auto dead,
                (number_of<std::int64_t, 2>(json, {"routerDeadIntervalTimerDueMsec", "deadTimeMsecs"}, 0)));
  neighbor.dead_in = std::chrono::milliseconds(std::max<std::int64_t>(0, dead));  // -1: no timer runs
  RADIAL_ASSIGN(neighbor.priority, (number_of<int, 2>(json, {"nbrPriority", "priority"}, 0)));
  return neighbor;
}

Result<OspfInterface> interface_of(const std::string& name, const Json& json) {
  if (!json.is_object()) return misunderstood("an interface is not an object");
  OspfInterface interface;
  interface.interface = name;
  RADIAL_ASSIGN(interface.up, flag_of(json, "ifUp"));
  RADIAL_ASSIGN(const bool enabled, flag_of(json, "ospfEnabled"));
  RADIAL_ASSIGN(interface.mtu, (number_of<int, 1>(json, {"mtuBytes"}, 0)));
  if (!enabled) return interface;  // nothing more is printed
  RADIAL_ASSIGN(interface.network_type, text_of(json, "networkType"));
  RADIAL_ASSIGN(interface.state, text_of(json, "state"));
  RADIAL_ASSIGN(interface.cost, (number_of<std::uint32_t, 1>(json, {"cost"})));
  RADIAL_ASSIGN(interface.hello_ms, (number_of<std::uint32_t, 1>(json, {"timerMsecs"})));
  RADIAL_ASSIGN(interface.dead_s, (number_of<std::uint32_t, 1>(json, {"timerDeadSecs"})));
  RADIAL_ASSIGN(interface.passive, flag_of(json, "timerPassiveIface"));
  return interface;
}

// "00:00:03", "1d02h03m", "2w3d04h", "1y02w3d".
std::optional<std::chrono::seconds> age_of(std::string_view text) {
  std::int64_t total = 0;
  std::int64_t clock = 0;
  bool has_clock = false;
  while (!text.empty()) {
    std::int64_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc{} || number < 0 || number > 1'000'000) return std::nullopt;
    text.remove_prefix(static_cast<std::size_t>(end - text.data()));
    const char unit = text.empty() ? ':' : text.front();
    if (!text.empty()) text.remove_prefix(1);
    switch (unit) {
      case ':':
        clock = clock * 60 + number;
        has_clock = true;
        break;
      case 's': total += number; break;
      case 'm': total += number * 60; break;
      case 'h': total += number * 3600; break;
      case 'd': total += number * 86400; break;
      case 'w': total += number * 7 * 86400; break;
      case 'y': total += number * 365 * 86400; break;
      default: return std::nullopt;
    }
  }
  return std::chrono::seconds(total + (has_clock ? clock : 0));
}

Status add_next_hops(LearnedRoute& route, const Json& json) {
  const auto* hops = find(json, "nexthops");
  if (hops == nullptr) return {};
  if (!hops->is_array()) return misunderstood("'nexthops' is not a list");
  for (const auto& hop : *hops) {
    if (!hop.is_object()) return misunderstood("a next hop is not an object");
    // A recursive next hop is listed again as what it resolves to.
    RADIAL_ASSIGN(const bool recursive, flag_of(hop, "recursive"));
    RADIAL_ASSIGN(const bool duplicate, flag_of(hop, "duplicate"));
    if (recursive || duplicate) continue;
    if (find(hop, "ip") != nullptr) {
      RADIAL_ASSIGN(const auto address, address_of(hop, "ip"));
      route.next_hops.push_back(address);
    }
    if (find(hop, "interfaceName") != nullptr) {
      RADIAL_ASSIGN(auto name, text_of(hop, "interfaceName"));
      route.interfaces.push_back(std::move(name));
    }
  }
  return {};
}

struct Candidate {
  LearnedRoute route;
  bool selected = false;
};

Result<Candidate> candidate_of(const std::string& key, const Json& json) {
  if (!json.is_object()) return misunderstood("a route is not an object");
  Candidate candidate;
  auto prefix = Prefix::parse(key);
  if (!prefix) return misunderstood(prefix.error().message);
  auto& route = candidate.route;
  route.prefix = *prefix;
  RADIAL_ASSIGN(route.protocol, text_of(json, "protocol"));
  RADIAL_ASSIGN(candidate.selected, flag_of(json, "selected"));
  RADIAL_ASSIGN(route.installed, flag_of(json, "installed"));
  RADIAL_ASSIGN(route.metric, (number_of<std::uint32_t, 1>(json, {"metric"}, 0U)));
  RADIAL_ASSIGN(const auto age, text_of(json, "uptime"));
  const auto seconds = age_of(age);
  if (!seconds) return misunderstood("'uptime' is no time");
  route.age = *seconds;
  RADIAL_TRY(add_next_hops(route, json));
  return candidate;
}

bool is_network_lsa(const Json& lsa, const std::string& id) {
  if (!lsa.is_object()) return false;
  const auto link_id = text_of(lsa, "linkStateId");
  const auto age = number_of<int, 1>(lsa, {"lsaAge"});
  return link_id && *link_id == id && age && *age < max_age;
}

}  // namespace

Result<std::string> parse_version(std::string_view text) {
  constexpr std::string_view name = "FRRouting ";
  if (!text.starts_with(name)) return misunderstood("no version");
  text.remove_prefix(name.size());
  auto version = std::string(text.substr(0, text.find_first_of(" \n")));
  if (version.empty() || version.front() < '0' || version.front() > '9') return misunderstood("no version");
  return version;
}

Result<std::vector<OspfNeighbor>> parse_ospf_neighbors(std::string_view text) {
  RADIAL_ASSIGN(const auto json, parse(text));
  std::vector<OspfNeighbor> neighbors;
  const auto* all = find(json, "neighbors");
  if (all == nullptr) {
    if (!json.empty()) return misunderstood("no 'neighbors'");
    return neighbors;
  }
  if (!all->is_object()) return misunderstood("'neighbors' is not an object");
  for (const auto& [key, list] : all->items()) {
    if (!list.is_array()) return misunderstood("the neighbours of one router are not a list");
    for (const auto& entry : list) {
      RADIAL_ASSIGN(auto neighbor, neighbor_of(key, entry));
      neighbors.push_back(std::move(neighbor));
    }
  }
  std::sort(neighbors.begin(), neighbors.end(), [](const auto& a, const auto& b) {
    return std::tie(a.interface, a.address) < std::tie(b.interface, b.address);
  });
  return neighbors;
}

Result<std::vector<Ospf6Neighbor>> parse_ospf6_neighbors(std::string_view text) {
  RADIAL_ASSIGN(const auto json, parse(text));
  std::vector<Ospf6Neighbor> neighbors;
  for (const auto& [key, entry] : json.items()) {
    if (!entry.is_object()) return misunderstood("a neighbour is not an object");
    Ospf6Neighbor neighbor;
    if (auto id = IpAddress::parse(key.substr(0, key.find('%')))) neighbor.router_id = *id;  // "10.255.0.11%wg0"
    RADIAL_ASSIGN(neighbor.address, address_of(entry, "linkLocalAddress"));
    RADIAL_ASSIGN(neighbor.interface, text_of(entry, "interface"));
    RADIAL_ASSIGN(neighbor.state, text_of(entry, "neighborState"));
    RADIAL_ASSIGN(const auto duration, text_of(entry, "neighborStateDuration"));
    neighbor.up = age_of(duration).value_or(std::chrono::seconds(0));
    neighbors.push_back(std::move(neighbor));
  }
  return neighbors;
}

Result<std::vector<BgpSession>> parse_bgp_sessions(std::string_view text) {
  RADIAL_ASSIGN(const auto json, parse(text));
  std::map<IpAddress, BgpSession> sessions;
  for (const auto& [family, summary] : json.items()) {
    if (!summary.is_object()) return misunderstood("the summary of a family is not an object");
    const auto* peers = find(summary, "peers");
    if (peers == nullptr) continue;
    if (!peers->is_object()) return misunderstood("'peers' is not an object");
    for (const auto& [key, entry] : peers->items()) {
      const auto address = IpAddress::parse(key);
      if (!address) continue;  // a session by interface: nobody of ours
      if (!entry.is_object()) return misunderstood("a session is not an object");
      auto& session = sessions[*address];
      session.address = *address;
      RADIAL_ASSIGN(session.state, text_of(entry, "state"));
      RADIAL_ASSIGN(const auto up, (number_of<std::int64_t, 1>(entry, {"peerUptimeMsec"}, 0)));
      session.up = std::chrono::milliseconds(std::max<std::int64_t>(0, up));
      RADIAL_ASSIGN(const auto received, (number_of<std::uint32_t, 1>(entry, {"pfxRcd"}, 0U)));
      session.prefixes += received;
    }
  }
  std::vector<BgpSession> result;
  for (auto& [address, session] : sessions) result.push_back(std::move(session));
  return result;
}

Result<std::vector<OspfInterface>> parse_ospf_interfaces(std::string_view text) {
  RADIAL_ASSIGN(const auto json, parse(text));
  std::vector<OspfInterface> interfaces;
  const auto* all = find(json, "interfaces");
  if (all == nullptr) {
    if (!json.empty()) return misunderstood("no 'interfaces'");
    return interfaces;
  }
  if (!all->is_object()) return misunderstood("'interfaces' is not an object");
  for (const auto& [name, entry] : all->items()) {
    RADIAL_ASSIGN(auto interface, interface_of(name, entry));
    interfaces.push_back(std::move(interface));
  }
  return interfaces;
}

Result<std::map<std::string, std::vector<InterfaceAddress>>> parse_zebra_addresses(std::string_view text) {
  RADIAL_ASSIGN(const auto json, parse(text));
  std::map<std::string, std::vector<InterfaceAddress>> interfaces;
  for (const auto& [name, entry] : json.items()) {
    if (!entry.is_object()) return misunderstood("an interface is not an object");
    auto& addresses = interfaces[name];
    const auto* all = find(entry, "ipAddresses");
    if (all == nullptr) continue;
    if (!all->is_array()) return misunderstood("'ipAddresses' is not a list");
    for (const auto& one : *all) {
      const auto* address = one.is_object() ? find(one, "address") : nullptr;
      if (address == nullptr || !address->is_string()) return misunderstood("an interface has an address that is no text");
      RADIAL_ASSIGN(const auto parsed, InterfaceAddress::parse(address->get_ref<const std::string&>()));
      addresses.push_back(parsed);
    }
  }
  return interfaces;
}

Result<std::vector<LearnedRoute>> parse_routes(std::string_view text) {
  RADIAL_ASSIGN(const auto json, parse(text));
  std::vector<LearnedRoute> routes;
  for (const auto& [key, list] : json.items()) {
    if (!list.is_array()) return misunderstood("the routes of one prefix are not a list");
    std::vector<Candidate> candidates;
    bool chosen = false;
    for (const auto& entry : list) {
      RADIAL_ASSIGN(auto candidate, candidate_of(key, entry));
      chosen |= candidate.selected;
      candidates.push_back(std::move(candidate));
    }
    for (auto& candidate : candidates)
      if (candidate.selected == chosen) routes.push_back(std::move(candidate.route));
  }
  std::stable_sort(routes.begin(), routes.end(), [](const auto& a, const auto& b) { return a.prefix < b.prefix; });
  return routes;
}

Result<bool> parse_network_lsa(std::string_view text, const IpAddress& address) {
  RADIAL_ASSIGN(const auto json, parse(text));
  const auto id = address.to_string();
  // 8.4: {"Net Link States": {AREA: {ID: LSA}}}; 10.x: {"networkLinkStates": {"areas": {AREA: [LSA]}}}
  const auto* areas = find(json, "Net Link States");
  if (areas == nullptr) {
    const auto* states = find(json, "networkLinkStates");
    if (states == nullptr) {
      if (!json.empty()) return misunderstood("no network-LSAs");
      return false;
    }
    if (!states->is_object()) return misunderstood("'networkLinkStates' is not an object");
    areas = find(*states, "areas");
  }
  if (areas == nullptr || !areas->is_object()) return misunderstood("the areas are not an object");
  for (const auto& [area, lsas] : areas->items()) {
    if (!lsas.is_structured()) return misunderstood("the LSAs of an area are no list");
    for (const auto& lsa : lsas)
      if (is_network_lsa(lsa, id)) return true;
  }
  return false;
}

}  // namespace radial::host::frr
