#include <algorithm>

#include <fmt/format.h>

#include "fabric/file/rules.h"

namespace radial::file {
namespace {

constexpr int least_mtu_v6 = 1280;   // RFC 8200, section 5
constexpr int least_mtu_v4 = 576;    // RFC 791: what every host must accept
constexpr int largest_mtu = 65456;   // the largest MTU of a link, 65536, less WireGuard's 80 bytes over IPv6
constexpr std::size_t longest_interface = 15;

bool has_v6(const Draft& draft) {
  return std::any_of(draft.hubs.begin(), draft.hubs.end(), [](const DraftHub& hub) { return !hub.no_v6; });
}

bool check_mtu(const Written<int>& mtu, bool v6, MistakeList& mistakes) {
  const auto text = std::to_string(mtu.value);
  if (mtu.value > largest_mtu) {
    complain(
        mistakes, mtu.spot, text, "is larger than any link can carry",
        fmt::format("write at most {}: a link's 65536 less 80 for WireGuard; 1420 suits the internet", largest_mtu));
    return false;
  }
  const int least = v6 ? least_mtu_v6 : least_mtu_v4;
  if (mtu.value >= least) return true;
  complain(mistakes, mtu.spot, text, "is too small",
           v6 ? fmt::format("write at least {}: IPv6 needs it (RFC 8200); without IPv6 (tunnel6: none) {} will do",
                            least_mtu_v6, least_mtu_v4)
              : fmt::format("write at least {}, which every IPv4 host accepts", least_mtu_v4));
  return false;
}

void check_mtus(const Draft& draft, MistakeList& mistakes) {
  const bool v6 = has_v6(draft);
  const bool sound = check_mtu(draft.mtu, v6, mistakes);
  for (const auto& site : draft.sites) {
    if (!site.mtu || !check_mtu(*site.mtu, v6, mistakes)) continue;
    if (sound && site.mtu->value > draft.mtu.value)
      complain(
          mistakes, site.mtu->spot, std::to_string(site.mtu->value),
          fmt::format("is larger than the fabric's {}", draft.mtu.value),
          fmt::format("leave it out, or write less than {} for a site whose uplink carries less", draft.mtu.value));
  }
}

// A site's wires are wg0, wg1, ...: the last one's name must fit too.
void check_interface(const Draft& draft, MistakeList& mistakes) {
  const auto& name = draft.interface.value;
  const auto digits = name.size() - (name.find_last_not_of("0123456789") + 1);
  const auto stem = name.size() - digits;
  const auto first = digits > 0 && digits < 10 ? std::stoul(name.substr(stem)) : 0;
  const auto last = std::to_string(first + std::max<std::size_t>(draft.hubs.size(), 1) - 1);
  if (digits < 10 && stem + last.size() <= longest_interface) return;
  complain(
      mistakes, draft.interface.spot, name,
      fmt::format("leaves no room for the number of a site's last wire, one to each of {} hubs", draft.hubs.size()),
      fmt::format("write a shorter name, like wg0 (at most {} characters with its number)", longest_interface));
}

void check_v6_lans(const DraftNode& node, const std::vector<const DraftHub*>& hubs, MistakeList& mistakes) {
  const auto without = std::find_if(hubs.begin(), hubs.end(), [](const DraftHub* hub) { return hub->no_v6; });
  if (without == hubs.end()) return;
  for (const auto& lan : node.lans)
    if (lan.value.prefix.family() == Family::v6)
      complain(mistakes, lan.spot, lan.value.prefix.to_string(),
               fmt::format("is IPv6, and hub {} has no IPv6 tunnel (tunnel6: none)", (*without)->name),
               fmt::format("remove `tunnel6: none`, or the LAN"));
}

void check_active(const Draft& draft, MistakeList& mistakes) {
  if (draft.routing != RoutingEngine::bgp) return;
  for (const auto* node : draft.nodes())
    for (const auto& lan : node->lans)
      if (lan.value.active)
        complain(mistakes, lan.spot, lan.value.prefix.to_string(),
                 "is active, which is OSPF on the LAN, and the engine is bgp", "remove active");
}

void check_trust(const DraftSite& site, MistakeList& mistakes) {
  if (site.trust.value != Trust::fixed) return;
  for (const auto& lan : site.lans)
    if (lan.value.active)
      complain(mistakes, lan.spot, lan.value.prefix.to_string(),
               "is active, but a site with `trust: static` takes no part in routing", "remove active, or the trust");
  if (site.grant.any)
    complain(mistakes, site.grant.spot, "any",
             "lets the site announce prefixes, but one with `trust: static` announces none: the hub does, its LANs",
             "list the prefixes that it may send from, or remove the trust");
}

}  // namespace

void check_settings(const Draft& draft, MistakeList& mistakes) {
  check_mtus(draft, mistakes);
  check_interface(draft, mistakes);
  check_active(draft, mistakes);
  for (const auto& hub : draft.hubs) check_v6_lans(hub, {&hub}, mistakes);
  for (const auto& site : draft.sites) {
    check_v6_lans(site, hubs_of(draft, site), mistakes);
    check_trust(site, mistakes);
  }
}

}  // namespace radial::file
