#include "compile/bgp_stanzas.h"

#include <algorithm>

#include <fmt/format.h>

namespace radial {
namespace {

constexpr std::string_view sites_group = "radial-sites";
constexpr std::string_view hubs_group = "radial-hubs";
constexpr std::string_view bfd_profile = "radial";

constexpr std::uint32_t direct_preference = 65536;  // more than by way of any hub
constexpr std::uint32_t listed_limit = 256;         // prefixes: a branch with that many subnets has a grant of `any`
constexpr std::uint32_t any_limit = 4096;

struct Neighbor {
  const Wire* wire;
  const WirePeer* peer;
  IpAddress address;
};

std::vector<Neighbor> neighbors_on(const NodeConfig& config, bool sites) {
  std::vector<Neighbor> result;
  for (const auto& wire : config.wires) {
    if (serves_sites(wire, config.node) != sites) continue;
    for (const auto& peer : wire.peers) {
      if (!peer.public_key || peer.trust != Trust::routed) continue;
      const auto address = std::find_if(peer.addresses.begin(), peer.addresses.end(),
                                        [](const IpAddress& candidate) { return candidate.is_v4(); });
      if (address != peer.addresses.end()) result.push_back({&wire, &peer, *address});
    }
  }
  return result;
}

std::vector<Family> families_of(const BgpPart& bgp) {
  std::vector<Family> families;
  if (bgp.ipv4) families.push_back(Family::v4);
  if (bgp.ipv6) families.push_back(Family::v6);
  return families;
}

std::string_view ip_word(Family family) { return family == Family::v4 ? "ip" : "ipv6"; }

// Everything in a prefix, or every prefix but the default route.
std::string matching(const Prefix& prefix) {
  return prefix.is_host() ? prefix.to_string() : fmt::format("{} le {}", prefix, bits_of(prefix.family()));
}
std::string all_but_default(Family family) { return fmt::format("{} ge 1", Prefix::any(family)); }

class ListLines {
 public:
  ListLines(std::string name, Family family) : name_(std::move(name)), family_(family) {}
  void add(std::string_view action, std::string_view match) {
    lines_.push_back(fmt::format("{} prefix-list {} seq {} {} {}", ip_word(family_), name_, 5 * (lines_.size() + 1),
                                 action, match));
  }
  [[nodiscard]] bool empty() const { return lines_.empty(); }
  [[nodiscard]] std::vector<std::string> take() { return std::move(lines_); }

 private:
  std::string name_;
  Family family_;
  std::vector<std::string> lines_;
};

// A list that does not exist would let nothing in and say nothing; an empty
// one lets everything in: so there is always a line.
std::vector<std::string> announced_list(const WirePeer& peer, Family family, const std::vector<Prefix>& never) {
  ListLines list(announced_list_name(peer.node), family);
  const auto& listed = peer.grant.prefixes;
  const bool wide =
      peer.grant.any || std::any_of(listed.begin(), listed.end(), [](const Prefix& prefix) { return prefix.is_default(); });
  // What is listed overlaps none of these; `any` and a default route hold them.
  if (wide)
    for (const auto& prefix : never)
      if (prefix.family() == family) list.add("deny", matching(prefix));
  for (const auto& prefix : listed)
    if (prefix.family() == family) list.add("permit", matching(prefix));
  if (peer.grant.any && !peer.grant.covers(Prefix::any(family))) list.add("permit", all_but_default(family));
  if (list.empty()) list.add("deny", "any");
  return list.take();
}

FrrStanza route_map(std::string name, std::vector<std::string> lines) {
  return {"bgpd", fmt::format("route-map {} permit 10", name), std::move(lines)};
}

// Route-maps of the two families have names of their own: "set ipv6 next-hop"
// on an IPv4 route makes bgpd forget "next-hop-self" when it passes that on.
std::string family_name(Family family, std::string_view rest) {
  return fmt::format("radial{}-{}", family == Family::v4 ? "" : "6", rest);
}
std::string from_sites(Family family) { return family_name(family, "sites"); }
std::string from_hub(Family family, std::string_view hub) { return family_name(family, fmt::format("from-{}", hub)); }
std::string to_hub(std::string_view hub) { return family_name(Family::v6, fmt::format("to-{}", hub)); }
std::string from_itself() { return family_name(Family::v6, "self"); }

// Next hops are named, both ways: bgpd reads its own address once, when a
// session comes up, and takes fe80::k, or none at all where the kernel has just
// flushed the wire's addresses.
std::optional<FrrStanza> own_next_hop(std::string name, const Wire& wire) {
  for (const auto& held : wire.addresses)
    if (held.address.is_v6() && !held.address.is_link_local())
      return route_map(std::move(name), {fmt::format("set ipv6 next-hop global {}", held.address)});
  return std::nullopt;
}

void add_maps(std::vector<FrrStanza>& stanzas, const NodeConfig& config, Family family,
              const std::vector<Neighbor>& sites, const std::vector<Neighbor>& hubs, const BgpSurroundings& around) {
  const auto heard = [&](std::string name, std::uint32_t preference) {
    std::vector<std::string> lines;
    if (family == Family::v6) lines.emplace_back("set ipv6 next-hop prefer-global");
    lines.push_back(fmt::format("set local-preference {}", preference));
    stanzas.push_back(route_map(std::move(name), std::move(lines)));
  };
  const bool hub_here = config.role == NodeRole::hub;
  if (!sites.empty()) heard(from_sites(family), direct_preference);
  if (family == Family::v6 && std::any_of(sites.begin(), sites.end(), [&](const Neighbor& site) { return is_dedicated(*site.wire, config.node); }))
    stanzas.back().lines.push_back(fmt::format("set tag {}", bgp_site_tag));
  for (const auto& hub : hubs) {
    const auto cost = around.hub_cost.find(hub.peer->node);
    heard(from_hub(family, hub.peer->node), direct_preference - (cost == around.hub_cost.end() ? 1 : cost->second));
    // Between hubs of one cost the one that the prefix is behind comes first.
    if (hub_here) stanzas.back().lines.emplace_back("set metric +1");
    if (family == Family::v6 && !hub_here)
      if (auto map = own_next_hop(to_hub(hub.peer->node), *hub.wire)) stanzas.push_back(std::move(*map));
  }
  if (family == Family::v6 && hub_here && !config.wires.empty())
    if (auto map = own_next_hop(from_itself(), config.wires.front())) stanzas.push_back(std::move(*map));
}

void add_group(std::vector<std::string>& lines, const BgpPart& bgp, std::string_view group,
               const std::vector<Neighbor>& members) {
  if (members.empty()) return;
  const auto& settings = bgp.settings;
  lines.push_back(fmt::format("neighbor {} peer-group", group));
  lines.push_back(fmt::format("neighbor {} remote-as {}", group, settings.asn));
  if (settings.bfd) {
    lines.push_back(fmt::format("neighbor {} bfd", group));
    lines.push_back(fmt::format("neighbor {} bfd profile {}", group, bfd_profile));
  }
  lines.push_back(fmt::format("neighbor {} timers {} {}", group, settings.keepalive, settings.hold));
  lines.push_back(fmt::format("neighbor {} timers connect 1", group));
  for (const auto& member : members) lines.push_back(fmt::format("neighbor {} peer-group {}", member.address, group));
}

FrrStanza router_stanza(const NodeConfig& config, const std::vector<Neighbor>& sites,
                        const std::vector<Neighbor>& hubs) {
  FrrStanza stanza{"bgpd", fmt::format("router bgp {}", config.bgp.settings.asn), {}};
  stanza.lines = {
      fmt::format("bgp router-id {}", config.router_id),
      "no bgp default ipv4-unicast",
      // How long announcements are gathered: a second by default, at every hop.
      "coalesce-time 20",
      // A bgpd that died and is restarted (RFC 4724): its neighbours and its own
      // zebra keep the routes for so long. Not after a NOTIFICATION, which
      // RFC 8538 would add: that is how a dead path is told, and routes over it
      // must go at once.
      "bgp graceful-restart",
      "bgp graceful-restart restart-time 30",
      "bgp graceful-restart preserve-fw-state",
      "no bgp graceful-restart notification",
  };
  // For "set ipv6 next-hop" on what is reflected.
  if (config.role == NodeRole::hub && config.bgp.ipv6)
    stanza.lines.emplace_back("bgp route-reflector allow-outbound-policy");
  add_group(stanza.lines, config.bgp, sites_group, sites);
  add_group(stanza.lines, config.bgp, hubs_group, hubs);
  return stanza;
}

FrrStanza family_stanza(const NodeConfig& config, Family family, const std::vector<Neighbor>& sites,
                        const std::vector<Neighbor>& hubs, const std::vector<Prefix>& on_behalf) {
  FrrStanza stanza{"bgpd", bgp_family_context(config.bgp, family), {}};
  auto& lines = stanza.lines;
  for (const auto& prefix : on_behalf)
    if (prefix.family() == family) lines.push_back(fmt::format("network {}", prefix));
  const bool hub_here = config.role == NodeRole::hub;
  const bool v6 = family == Family::v6;
  if (!sites.empty()) {
    lines.push_back(fmt::format("neighbor {} route-reflector-client", sites_group));
    lines.push_back(fmt::format("neighbor {} next-hop-self force", sites_group));
    lines.push_back(fmt::format("neighbor {} route-map {} in", sites_group, from_sites(family)));
    if (v6) lines.push_back(fmt::format("neighbor {} route-map {} out", sites_group, from_itself()));
  }
  if (!hubs.empty() && hub_here) {
    lines.push_back(fmt::format("neighbor {} next-hop-self force", hubs_group));
    if (v6) lines.push_back(fmt::format("neighbor {} route-map {} out", hubs_group, from_itself()));
  }
  for (const auto& hub : hubs) {
    lines.push_back(fmt::format("neighbor {} route-map {} in", hub.address, from_hub(family, hub.peer->node)));
    if (v6 && !hub_here) lines.push_back(fmt::format("neighbor {} route-map {} out", hub.address, to_hub(hub.peer->node)));
  }
  for (const auto& site : sites)
    lines.push_back(
        fmt::format("neighbor {} maximum-prefix {} restart 1", site.address, prefix_limit(site.peer->grant)));
  for (const auto* all : {&sites, &hubs}) {
    for (const auto& neighbor : *all) {
      lines.push_back(
          fmt::format("neighbor {} prefix-list {} in", neighbor.address, announced_list_name(neighbor.peer->node)));
      lines.push_back(fmt::format("neighbor {} activate", neighbor.address));
    }
  }
  return stanza;
}

}  // namespace

std::string bgp_family_context(const BgpPart& bgp, Family family) {
  return fmt::format("router bgp {} / address-family {} unicast", bgp.settings.asn,
                     family == Family::v4 ? "ipv4" : "ipv6");
}

std::uint32_t prefix_limit(const Grant& grant) {
  const bool wide = grant.any || std::any_of(grant.prefixes.begin(), grant.prefixes.end(),
                                             [](const Prefix& prefix) { return prefix.is_default(); });
  return (wide ? any_limit : listed_limit) + static_cast<std::uint32_t>(grant.prefixes.size());
}

std::string announced_list_name(std::string_view node) { return fmt::format("radial-in-{}", node); }

std::vector<FrrStanza> bgp_stanzas(const NodeConfig& config, const BgpSurroundings& around) {
  std::vector<FrrStanza> stanzas;
  if (!config.bgp.runs()) return stanzas;
  const auto sites = neighbors_on(config, true);
  const auto hubs = neighbors_on(config, false);
  const auto families = families_of(config.bgp);

  if (config.bgp.settings.bfd)
    stanzas.push_back({"bfdd", fmt::format("bfd / profile {}", bfd_profile),
                       {"transmit-interval 200", "receive-interval 200"}});
  FrrStanza lists{"bgpd", "", {}};
  for (const auto* all : {&sites, &hubs})
    for (const auto& neighbor : *all)
      for (const auto family : families)
        for (auto& line : announced_list(*neighbor.peer, family, around.never)) lists.lines.push_back(std::move(line));
  if (!lists.lines.empty()) stanzas.push_back(std::move(lists));
  for (const auto family : families) add_maps(stanzas, config, family, sites, hubs, around);
  stanzas.push_back(router_stanza(config, sites, hubs));
  for (const auto family : families)
    stanzas.push_back(family_stanza(config, family, sites, hubs, around.on_behalf));
  return stanzas;
}

}  // namespace radial
