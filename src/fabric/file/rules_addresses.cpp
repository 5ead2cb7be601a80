#include <map>

#include <fmt/format.h>

#include "fabric/file/rules.h"

namespace radial::file {
namespace {


// Addresses that are spoken for, of one hub's wire.
using Taken = std::map<IpAddress, std::string>;

void check_pin(const Written<IpAddress>& pin, const std::string& node, const DraftHub& hub, Taken& taken,
               MistakeList& mistakes) {
  const Prefix& tunnel = hub.tunnel_v4->value;
  const auto text = pin.value.to_string();
  const auto other = fmt::format("write another address of {}", tunnel.to_string());
  const auto offset = pin.value.to_v4() - tunnel.address().to_v4();
  const auto last = (std::uint64_t{1} << (32 - tunnel.length())) - 1;
  if (!tunnel.contains(pin.value)) {
    complain(mistakes, pin.spot, text,
             fmt::format("is not in {}, the tunnel prefix of {}", tunnel.to_string(), hub.name), other);
  } else if (offset == 0 || offset == last) {
    complain(mistakes, pin.spot, text,
             fmt::format("is the {} address of {}", offset == 0 ? "network" : "broadcast", tunnel.to_string()), other);
  } else {
    const auto [holder, is_new] = taken.emplace(pin.value, fmt::format("of {} (line {})", node, pin.spot.line));
    if (!is_new) complain(mistakes, pin.spot, text, fmt::format("is already the address {}", holder->second), other);
  }
}

void check_room(const DraftHub& hub, std::size_t nodes, MistakeList& mistakes) {
  const Prefix& tunnel = hub.tunnel_v4->value;
  const auto room = (std::size_t{1} << (32 - tunnel.length())) - 2;
  if (nodes <= room) return;
  int length = tunnel.length();
  while (length > 8 && (std::size_t{1} << (32 - length)) - 2 < nodes) --length;
  complain(mistakes, hub.tunnel_v4->spot, tunnel.to_string(),
           fmt::format("has room for {} nodes, and {} have an address there", room, nodes),
           fmt::format("write a tunnel prefix of /{} or wider", length));
}

}  // namespace

void check_addresses(const Draft& draft, MistakeList& mistakes) {
  std::map<const DraftHub*, Taken> taken;
  std::map<const DraftHub*, std::size_t> nodes;
  for (const auto& hub : draft.hubs) {
    nodes[&hub] = draft.hubs.size();  // itself, and each other hub
    if (!hub.tunnel_v4) continue;
    if (hub.address)
      check_pin(*hub.address, hub.name, hub, taken[&hub], mistakes);
    else
      taken[&hub].emplace(*hub.tunnel_v4->value.address().plus(1), fmt::format("of the hub {}", hub.name));
  }
  for (const auto& site : draft.sites) {
    const auto hubs = hubs_of(draft, site);
    for (const auto* hub : hubs) ++nodes[hub];
    if (!site.address || hubs.empty()) continue;
    if (hubs.size() > 1)
      complain(mistakes, site.address->spot, site.address->value.to_string(),
               fmt::format("pins one address, but {} has a wire to each of {} hubs", site.name, hubs.size()),
               fmt::format("remove it, or keep to one hub with hubs: [{}]", hubs.front()->name));
    else if (hubs.front()->tunnel_v4)
      check_pin(*site.address, site.name, *hubs.front(), taken[hubs.front()], mistakes);
  }
  for (const auto& hub : draft.hubs)
    if (hub.tunnel_v4) check_room(hub, nodes[&hub], mistakes);
}

}  // namespace radial::file
