#include "compile/fib_filter.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <map>
#include <set>

#include <fmt/format.h>

#include "compile/bgp_stanzas.h"
#include "compile/frr_stanzas.h"
#include "fabric/stable_hash.h"

namespace radial {
namespace {

// Sequence numbers of a route-map: 1 to 65535.
constexpr std::uint32_t first_never = 10;      // and the wire's index
constexpr std::uint32_t first_home = 300;      // and the wire's index: a node has at most 256 wires
constexpr std::uint32_t first_wire = 600;      // and the wire's index
constexpr std::uint32_t first_site = 1000;     // and the site's slot
constexpr std::uint32_t site_range = 64'000;
constexpr std::uint32_t first_rest = 65'100;   // and the wire's index
constexpr std::uint32_t dedicated_range = 21'000;  // a dedicated wire has three numbers from its site's slot on
constexpr std::uint32_t everything_else = 65'535;

// How one family is written.
struct Words {
  Family family;
  const char* ip;        // "ip", "ipv6"
  const char* protocol;  // "ospf", "ospf6"
  const char* map;
  const char* never;
  const char* daemon;    // whose routes these are
};
constexpr std::array all_words = {
    Words{Family::v4, "ip", "ospf", "radial-ospf", "radial-never", "ospfd"},
    Words{Family::v6, "ipv6", "ospf6", "radial-ospf6", "radial-never6", "ospf6d"},
    Words{Family::v4, "ip", "bgp", "radial-bgp", "radial-never", "bgpd"},
    Words{Family::v6, "ipv6", "bgp", "radial-bgp6", "radial-never6", "bgpd"},
};

std::vector<Words> running_protocols(const NodeConfig& config) {
  std::vector<Words> result;
  for (const auto& words : all_words)
    if (runs(config, words.daemon)) result.push_back(words);
  return result;
}

// One entry of a prefix-list: the prefix, and which lengths within it.
struct Entry {
  Prefix prefix;
  int at_least = 0;  // 0: its own length
  int at_most = 0;
  auto operator<=>(const Entry&) const = default;
};

Entry exactly(const Prefix& prefix) { return {prefix, 0, prefix.length()}; }
Entry all_within(const Prefix& prefix) { return {prefix, 0, bits_of(prefix.family())}; }
// Nothing where the prefix is a host.
std::optional<Entry> strictly_within(const Prefix& prefix) {
  if (prefix.is_host()) return std::nullopt;
  return Entry{prefix, prefix.length() + 1, bits_of(prefix.family())};
}
Entry hosts_within(const Prefix& prefix) { return {prefix, bits_of(prefix.family()), bits_of(prefix.family())}; }

// A number that a prefix keeps in every list: its address, or a hash of it
// where that is longer than the number.
std::uint32_t number_of(const Prefix& prefix) {
  const auto number = prefix.family() == Family::v4 ? prefix.address().to_v4()
                                                    : static_cast<std::uint32_t>(stable_hash(prefix.to_string()));
  return std::clamp<std::uint32_t>(number, 1, 0xffff0000U);
}

std::string entry_text(const Entry& entry) {
  const int own = entry.prefix.length();
  const int bits = bits_of(entry.prefix.family());
  auto text = entry.prefix.to_string();
  if (entry.at_least > own) text += fmt::format(" ge {}", entry.at_least);
  // FRR leaves "le" out where "ge" alone says the same.
  if (entry.at_most > own && !(entry.at_least > own && entry.at_most == bits)) text += fmt::format(" le {}", entry.at_most);
  return text;
}

void add_list(std::vector<std::string>& lines, const Words& words, const std::string& name, std::set<Entry> entries) {
  std::set<std::uint32_t> taken;
  for (const auto& entry : entries) {
    auto number = number_of(entry.prefix);
    while (!taken.insert(number).second) ++number;
    lines.push_back(fmt::format("{} prefix-list {} seq {} permit {}", words.ip, name, number, entry_text(entry)));
  }
}

void add_grant(std::set<Entry>& entries, const Grant& grant, Family family) {
  // All but a default route.
  if (grant.any) entries.insert(*strictly_within(Prefix::any(family)));
  for (const auto& prefix : grant.prefixes)
    if (prefix.family() == family) entries.insert(all_within(prefix));
}

std::vector<IpAddress> own_addresses(const WirePeer& peer, Family family) {
  std::vector<IpAddress> result;
  std::copy_if(peer.addresses.begin(), peer.addresses.end(), std::back_inserter(result),
               [&](const IpAddress& address) { return address.family() == family; });
  return result;
}

// The filter of one protocol.
class Filter {
 public:
  Filter(const NodeConfig& config, const Words& words, const std::vector<Prefix>& only_here)
      : config_(config), words_(words) {
    home(only_here);
    std::uint32_t index = 0;
    for (const auto& one : config_.wires)
      if (!is_dedicated(one, config_.node)) wire(one, index++);
    for (const auto& one : config_.wires)
      if (is_dedicated(one, config_.node)) dedicated(one);
    if (!tagged_.empty()) tagged();
    entry("permit", everything_else, {});
  }

  // Route-maps first and the line that puts them to use last: nothing is ever
  // judged by half a filter, and it is the first to go.
  void into(std::vector<FrrStanza>& stanzas, std::vector<std::string>& lists, std::vector<std::string>& uses) && {
    for (auto& [sequence, stanza] : entries_) stanzas.push_back(std::move(stanza));
    lists.insert(lists.end(), lists_.begin(), lists_.end());
    uses.push_back(fmt::format("{} protocol {} route-map {}", words_.ip, words_.protocol, words_.map));
  }

 private:
  void wire(const Wire& wire, std::uint32_t index) {
    const auto on_wire = fmt::format("match interface {}", wire.interface);
    entry("deny", first_never + index, {on_wire, addresses_in(words_.never)});
    if (wire.shape == WireShape::multipoint) {
      sites(wire);
    } else {
      if (has_home_) entry("deny", first_home + index, {on_wire, addresses_in(home_list)});
      const auto list = fmt::format("radial-over-{}", wire.interface);
      entry("permit", first_wire + index, {on_wire, addresses_in(list)});
      std::set<Entry> entries;
      add_grant(entries, config_.elsewhere, words_.family);
      for (const auto& tunnel : config_.tunnels) {
        if (tunnel.family() != words_.family) continue;
        entries.insert(exactly(tunnel));
        entries.insert(hosts_within(tunnel));
      }
      add_list(lists_, words_, list, std::move(entries));
    }
    entry("deny", first_rest + index, {on_wire});
  }

  // What never comes from another hub.
  void home(const std::vector<Prefix>& only_here) {
    if (!has_wire_to_a_hub(config_)) return;
    std::set<Entry> entries;
    for (const auto& wire : config_.wires) {
      if (!serves_sites(wire, config_.node)) continue;
      for (const auto& held : wire.addresses)
        for (const auto& tunnel : config_.tunnels)
          if (tunnel.family() == words_.family && tunnel.contains(held.address)) entries.insert(all_within(tunnel));
      for (const auto& peer : wire.peers)
        for (const auto& lan : peer.lans)
          if (const auto within = strictly_within(lan); within && lan.family() == words_.family) entries.insert(*within);
    }
    for (const auto& prefix : only_here)
      if (prefix.family() == words_.family) entries.insert(all_within(prefix));
    has_home_ = !entries.empty();
    add_list(lists_, words_, home_list, std::move(entries));
  }

  // The wire itself says which site a route comes from. BGP's next hop is resolved
  // by another route, whose interface zebra does not look at: it goes by that hop,
  // and in IPv6, where it cannot, by the tag that bgpd gives what a site announces.
  void dedicated(const Wire& wire) {
    const auto& peer = wire.peers.front();
    const bool by_hop = words_.protocol == std::string_view("bgp");
    if (by_hop && words_.family == Family::v6) {
      for (const auto& address : own_addresses(peer, words_.family))
        if (!address.is_link_local()) tagged_.insert(exactly(Prefix::host(address)));
      return add_grant(tagged_, peer.grant, words_.family);
    }
    const auto hops = fmt::format("radial-at-{}", peer.node);
    const auto grant = fmt::format("radial-from-{}", peer.node);
    const auto from_it =
        by_hop ? fmt::format("match ip next-hop prefix-list {}", hops) : fmt::format("match interface {}", wire.interface);
    const auto matching = [&](std::string_view list) -> std::vector<std::string> {
      if (by_hop) return {addresses_in(list), from_it};
      return {from_it, addresses_in(list)};
    };
    auto sequence = first_site + 3 * (slot_in(wire) % dedicated_range);
    while (entries_.contains(sequence)) sequence += 3;
    entry("deny", sequence, matching(words_.never));
    entry("permit", sequence + 1, matching(grant));
    entry("deny", sequence + 2, {from_it});

    std::set<Entry> hop_entries;
    std::set<Entry> entries;
    for (const auto& address : own_addresses(peer, words_.family)) {
      if (address.is_link_local()) continue;
      hop_entries.insert(exactly(Prefix::host(address)));
      entries.insert(exactly(Prefix::host(address)));
    }
    add_grant(entries, peer.grant, words_.family);
    if (by_hop) add_list(lists_, words_, hops, std::move(hop_entries));
    add_list(lists_, words_, grant, std::move(entries));
  }

  // The tag is one for all sites, as the wire is where they share one: any site's grant.
  void tagged() {
    const auto of_a_site = fmt::format("match tag {}", bgp_site_tag);
    entry("deny", first_site, {addresses_in(words_.never), of_a_site});
    entry("permit", first_site + 1, {addresses_in(tagged_list), of_a_site});
    entry("deny", first_site + 2, {of_a_site});
    add_list(lists_, words_, tagged_list, tagged_);
  }

  // The number that ends the interface's name is the site's slot (wire_names.h).
  static std::uint32_t slot_in(const Wire& wire) {
    const auto& name = wire.interface;
    std::uint32_t slot = 0;
    const auto digits = name.find_last_not_of("0123456789") + 1;
    std::from_chars(name.data() + digits, name.data() + name.size(), slot);
    return slot;
  }

  void sites(const Wire& wire) {
    // By slot, so that a probe for the next free number is the same each time.
    std::map<IpAddress, const WirePeer*> by_address;
    for (const auto& peer : wire.peers)
      if (peer.public_key && !peer.addresses.empty()) by_address.emplace(peer.addresses.front(), &peer);
    for (const auto& [address, peer] : by_address) site(wire, *peer);
  }

  void site(const Wire& wire, const WirePeer& peer) {
    const auto addresses = own_addresses(peer, words_.family);
    if (addresses.empty()) return;
    const auto hops = fmt::format("radial-at-{}", peer.node);
    const auto grant = fmt::format("radial-from-{}", peer.node);
    auto sequence = first_site + slot_of(wire, peer) % site_range;
    while (entries_.contains(sequence)) ++sequence;
    // zebra has no match for IPv6 next hops (10.3 takes the line and ignores it), so any
    // site of the wire passes for another there. WireGuard then still goes by the destination.
    const bool by_hop = words_.family == Family::v4;
    entry("permit", sequence,
          {by_hop ? addresses_in(grant) : fmt::format("match interface {}", wire.interface),
           by_hop ? fmt::format("match ip next-hop prefix-list {}", hops) : addresses_in(grant)});

    std::set<Entry> hop_entries;
    std::set<Entry> grant_entries;
    for (const auto& address : addresses) {
      hop_entries.insert(exactly(Prefix::host(address)));
      if (!address.is_link_local()) grant_entries.insert(exactly(Prefix::host(address)));
    }
    add_grant(grant_entries, peer.grant, words_.family);
    if (by_hop) add_list(lists_, words_, hops, std::move(hop_entries));
    add_list(lists_, words_, grant, std::move(grant_entries));
  }

  static std::uint32_t slot_of(const Wire& wire, const WirePeer& peer) {
    if (wire.addresses.empty() || !peer.addresses.front().is_v4()) return 0;
    return peer.addresses.front().to_v4() - wire.addresses.front().network().address().to_v4();
  }

  [[nodiscard]] std::string addresses_in(std::string_view list) const {
    return fmt::format("match {} address prefix-list {}", words_.ip, list);
  }

  void entry(const char* verdict, std::uint32_t sequence, std::vector<std::string> matches) {
    entries_[sequence] = {"zebra", fmt::format("route-map {} {} {}", words_.map, verdict, sequence), std::move(matches)};
  }

  static constexpr const char* home_list = "radial-home";
  static constexpr const char* tagged_list = "radial-tagged";

  const NodeConfig& config_;
  Words words_;
  bool has_home_ = false;
  std::set<Entry> tagged_;  // what sites on dedicated wires may announce, where only a tag tells that one did
  std::map<std::uint32_t, FrrStanza> entries_;
  std::vector<std::string> lists_;
};

bool holds_lan(const NodeConfig& config, const std::string& interface, const Underlay& underlay) {
  return std::any_of(underlay.addresses.begin(), underlay.addresses.end(), [&](const LocalAddress& local) {
    return local.interface == interface &&
           std::any_of(config.lans.begin(), config.lans.end(),
                       [&](const Lan& lan) { return lan.prefix.contains(local.address.network()); });
  });
}

}  // namespace

std::vector<FrrStanza> fib_filter(const NodeConfig& config, const std::vector<Prefix>& only_here) {
  std::vector<FrrStanza> stanzas;
  const auto protocols = running_protocols(config);
  if (protocols.empty()) return stanzas;
  FrrStanza top{"zebra", "", {}};
  std::vector<std::string> uses;
  for (const auto& words : protocols) Filter(config, words, only_here).into(stanzas, top.lines, uses);
  // Two protocols of one family share their lists.
  std::set<std::string> seen;
  std::erase_if(top.lines, [&](const std::string& line) { return !seen.insert(line).second; });
  // By default a change of a filter acts after five seconds: at once from here
  // on, before the filter is put to use.
  top.lines.emplace_back("zebra route-map delay-timer 0");
  top.lines.insert(top.lines.end(), uses.begin(), uses.end());
  stanzas.push_back(std::move(top));
  return stanzas;
}

std::vector<FrrStanza> bind_fib_filter(const NodeConfig& config, const Underlay& underlay) {
  std::vector<FrrStanza> stanzas;
  for (const auto& words : running_protocols(config)) {
    std::set<Entry> entries;
    for (const auto& local : underlay.addresses) {
      const auto network = local.address.network();
      const bool wire = std::any_of(config.wires.begin(), config.wires.end(),
                                    [&](const Wire& one) { return one.interface == local.interface; });
      if (wire || network.family() != words.family || network.address().is_link_local() ||
          local.address.address.is_loopback())
        continue;
      if (!holds_lan(config, local.interface, underlay)) entries.insert(all_within(network));
      else if (const auto within = strictly_within(network)) entries.insert(*within);
      // The address itself is a host route to some.
      if (local.address.length == bits_of(words.family)) entries.insert(exactly(Prefix::host(local.address.address)));
    }
    for (const auto* addresses : {&underlay.gateways, &underlay.endpoints})
      for (const auto& address : *addresses)
        if (address.family() == words.family && !address.is_link_local()) entries.insert(exactly(Prefix::host(address)));
    FrrStanza stanza{"zebra", "", {}};
    add_list(stanza.lines, words, words.never, std::move(entries));
    if (!stanza.lines.empty() && std::find(stanzas.begin(), stanzas.end(), stanza) == stanzas.end())
      stanzas.push_back(std::move(stanza));
  }
  return stanzas;
}

}  // namespace radial
