#include <algorithm>
#include <map>

#include <fmt/format.h>

#include "fabric/file/rules.h"
#include "fabric/prefix_index.h"

namespace radial::file {
namespace {

void check_lans_of_node(const DraftNode& node, MistakeList& mistakes) {
  std::vector<const Written<Lan>*> lans;
  for (const auto& lan : node.lans) lans.push_back(&lan);
  std::stable_sort(lans.begin(), lans.end(),
                   [](const auto* a, const auto* b) { return a->value.prefix < b->value.prefix; });
  const Written<Lan>* outer = nullptr;
  for (const auto* lan : lans) {
    if (!outer || !outer->value.prefix.contains(lan->value.prefix)) {
      outer = lan;
      continue;
    }
    const auto* later = std::max(outer, lan);  // both lie in node.lans, in the file's order
    const auto* earlier = std::min(outer, lan);
    const bool same = outer->value.prefix == lan->value.prefix;
    complain(mistakes, later->spot, later->value.prefix.to_string(),
             same ? std::string("is listed twice")
                  : fmt::format("overlaps {}, another LAN of {}", earlier->value.prefix, node.name),
             same ? "keep one" : "write each network behind the node once");
  }
}

void check_strict_grant(const DraftNode& node, MistakeList& mistakes) {
  if (node.grant.form != GrantForm::only || !node.grant.sound) return;
  Grant grant;
  for (const auto& listed : node.grant.prefixes) grant.prefixes.push_back(listed.value);
  keep_widest(grant.prefixes);
  for (const auto& lan : node.lans)
    if (!grant.covers(lan.value.prefix))
      complain(mistakes, lan.spot, lan.value.prefix.to_string(),
               fmt::format("lies outside the grant of {} (line {})", node.name, node.grant.spot.line),
               fmt::format("add {} to the grant's only, or remove the LAN", lan.value.prefix));
}

struct Tunnel {
  const DraftHub* hub;
  const Written<Prefix>* prefix;
};

std::vector<Tunnel> tunnels_of(const Draft& draft) {
  std::vector<Tunnel> tunnels;
  for (const auto& hub : draft.hubs) {
    if (hub.tunnel_v4) tunnels.push_back({&hub, &*hub.tunnel_v4});
    if (hub.tunnel_v6) tunnels.push_back({&hub, &*hub.tunnel_v6});
  }
  return tunnels;
}

void check_tunnels_apart(const std::vector<Tunnel>& tunnels, MistakeList& mistakes) {
  for (std::size_t i = 0; i < tunnels.size(); ++i)
    for (std::size_t j = 0; j < i; ++j)
      if (tunnels[i].prefix->value.overlaps(tunnels[j].prefix->value)) {
        complain(mistakes, tunnels[i].prefix->spot, tunnels[i].prefix->value.to_string(),
                 fmt::format("overlaps {}, the tunnel prefix of {}", tunnels[j].prefix->value, tunnels[j].hub->name),
                 "write a prefix for each hub that no other uses");
        break;
      }
}

void check_clear_of_tunnels(const Draft& draft, const std::vector<Tunnel>& tunnels, MistakeList& mistakes) {
  std::vector<PrefixIndex::Item> items;
  for (std::size_t i = 0; i < tunnels.size(); ++i) items.push_back({tunnels[i].prefix->value, i});
  const PrefixIndex index(std::move(items));
  const auto check = [&](const Prefix& prefix, const Spot& spot, std::string_view cure) {
    const auto hit = index.overlapping(prefix);
    if (!hit) return;
    const auto& hub = *tunnels[hit->id].hub;
    complain(mistakes, spot, prefix.to_string(),
             fmt::format("overlaps {}, the tunnel prefix of {}", hit->prefix, hub.name),
             fmt::format("{}, or give {} another {}", cure, hub.name,
                         hit->prefix.family() == Family::v4 ? "tunnel" : "tunnel6"));
  };
  for (const auto* node : draft.nodes()) {
    for (const auto& lan : node->lans) check(lan.value.prefix, lan.spot, "renumber the LAN");
    for (const auto& listed : node->grant.prefixes)
      if (!listed.value.is_default()) check(listed.value, listed.spot, "narrow the grant");
  }
}

// A packet to a hub's endpoint must never be routed into the tunnel that it
// carries.
void check_endpoints(const Draft& draft, const std::vector<Tunnel>& tunnels, MistakeList& mistakes) {
  std::vector<PrefixIndex::Item> items;
  std::vector<std::string> owners;
  const auto add = [&](const Prefix& prefix, std::string owner) {
    items.push_back({prefix, owners.size()});
    owners.push_back(std::move(owner));
  };
  for (const auto& tunnel : tunnels) add(tunnel.prefix->value, "the tunnel prefix of " + tunnel.hub->name);
  for (const auto* node : draft.nodes()) {
    for (const auto& lan : node->lans) add(lan.value.prefix, "a LAN of " + node->name);
    for (const auto& listed : node->grant.prefixes)
      if (!listed.value.is_default()) add(listed.value, "granted to " + node->name);
  }
  const PrefixIndex index(std::move(items));
  std::map<Endpoint, const Written<Endpoint>*> seen;
  for (const auto& hub : draft.hubs)
    for (const auto& endpoint : hub.endpoints) {
      const auto [first, is_new] = seen.emplace(endpoint.value, &endpoint);
      if (!is_new)
        complain(mistakes, endpoint.spot, endpoint.value.to_string(),
                 fmt::format("is already an endpoint on line {}", first->second->spot.line),
                 "write each hub's own endpoint, once");
      const auto address = endpoint.value.address();
      if (!address) continue;
      if (const auto hit = index.overlapping(Prefix::host(*address)))
        complain(mistakes, endpoint.spot, endpoint.value.to_string(),
                 fmt::format("lies in {}, {}: the tunnel would carry its own packets", hit->prefix, owners[hit->id]),
                 "write an address that is reached outside the fabric, or narrow that prefix");
    }
}

}  // namespace

void check_prefixes(const Draft& draft, MistakeList& mistakes) {
  for (const auto* node : draft.nodes()) {
    check_lans_of_node(*node, mistakes);
    check_strict_grant(*node, mistakes);
  }
  const auto tunnels = tunnels_of(draft);
  check_tunnels_apart(tunnels, mistakes);
  check_clear_of_tunnels(draft, tunnels, mistakes);
  check_endpoints(draft, tunnels, mistakes);
}

}  // namespace radial::file
