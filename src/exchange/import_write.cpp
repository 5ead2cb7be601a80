#include <algorithm>

#include "exchange/import_draft.h"

namespace radial::exchange {
namespace {

// A word that YAML would read as something else than text is quoted.
std::string key_text(const std::string& name) {
  static constexpr std::string_view words[] = {"true", "false", "null", "yes", "no", "on", "off", "y", "n"};
  const bool letter = !name.empty() && name.front() >= 'a' && name.front() <= 'z';
  return letter && std::find(std::begin(words), std::end(words), name) == std::end(words) ? name : '"' + name + '"';
}

std::string prefix_text(const Prefix& prefix) {
  return prefix.family() == Family::v4 ? prefix.to_string() : '"' + prefix.to_string() + '"';
}

std::string list_of(const std::vector<DraftLan>& lans, bool only_shared) {
  std::string text;
  for (const auto& lan : lans)
    if (lan.shared || !only_shared) text += (text.empty() ? "" : ", ") + prefix_text(lan.prefix);
  return text;
}

std::string lans_text(const std::vector<DraftLan>& lans) {
  std::string text;
  if (!lans.empty()) text += fmt::format("    lans: [{}]\n", list_of(lans, false));
  if (const auto shared = list_of(lans, true); !shared.empty()) text += fmt::format("    grant: [{}]\n", shared);
  return text;
}

std::string hub_text(const Draft& draft) {
  std::string text = fmt::format("hubs:\n  {}:\n", key_text(draft.hub));
  if (draft.endpoint) text += fmt::format("    endpoint: \"{}\"\n", *draft.endpoint);
  else text += fmt::format("    # endpoint: vpn.example.com:{}   # write here where sites dial this hub\n", draft.listen_port);
  if (draft.listen_port != 51820) text += fmt::format("    listen_port: {}\n", draft.listen_port);
  if (draft.tunnel) text += fmt::format("    tunnel: {}\n", draft.tunnel->to_string());
  text += draft.tunnel6 ? fmt::format("    tunnel6: {}\n", prefix_text(*draft.tunnel6)) : "    tunnel6: none\n";
  if (draft.address) text += fmt::format("    address: {}\n", *draft.address);
  return text + lans_text(draft.lans);
}

std::string site_text(const DraftSite& site) {
  std::string text;
  if (site.address) text += fmt::format("    address: {}\n", *site.address);
  else text += "    # address: write here the tunnel address that it has today\n";
  text += lans_text(site.lans);
  if (site.keepalive) text += fmt::format("    keepalive: {}\n", *site.keepalive);
  return fmt::format("  {}:\n{}", key_text(site.name), text);
}

}  // namespace

std::string write_fabric(const Draft& draft, const ImportOptions& options) {
  std::string text = fmt::format("# Imported from {}. Addresses, port, MTU and OSPF's area and timers are those that the\n"
                                 "# sites have today, so that none of them need change on this day.\n",
                                 draft.area.empty() ? options.wg_file : options.wg_file + " and " + options.frr_file);
  text += fmt::format("fabric: {}\n", key_text(draft.fabric));
  if (draft.interface != "wg0") text += fmt::format("interface: {}\n", draft.interface);
  if (draft.mtu && *draft.mtu != 1420) text += fmt::format("mtu: {}\n", *draft.mtu);
  if (!draft.area.empty())
    text += fmt::format("# 1 and 4 seconds are quicker; they must change at hub and sites together.\n"
                        "routing: {{ area: {}, hello: {}, dead: {} }}\n",
                        draft.area, draft.hello, draft.dead);
  text += hub_text(draft);
  if (!draft.sites.empty()) text += "sites:\n";
  for (const auto& site : draft.sites) text += site_text(site);
  return text;
}

}  // namespace radial::exchange
