#include <map>
#include <set>

#include <fmt/format.h>

#include "fabric/file/rules.h"
#include "fabric/nearest.h"

namespace radial::file {
namespace {

void check_hub_names(const Draft& draft, const DraftSite& site, const std::set<std::string_view>& known,
                     MistakeList& mistakes) {
  std::set<std::string_view> seen;
  for (const auto& name : *site.hubs) {
    if (!seen.insert(name.value).second) {
      complain(mistakes, name.spot, name.value, "is named twice", "keep one");
      continue;
    }
    if (known.contains(name.value)) continue;
    std::vector<std::string> names;
    for (const auto& hub : draft.hubs) names.push_back(hub.name);
    const auto nearest = mistakes.full() ? std::nullopt : nearest_name(name.value, names);
    complain(mistakes, name.spot, name.value, "is not a hub of this fabric",
             nearest ? fmt::format("did you mean '{}'?", *nearest) : std::string("name one that stands under hubs"));
  }
}

}  // namespace

std::vector<const DraftHub*> hubs_of(const Draft& draft, const DraftSite& site) {
  std::vector<const DraftHub*> dialled;
  if (!site.hubs) {
    for (const auto& hub : draft.hubs) dialled.push_back(&hub);
    return dialled;
  }
  std::set<std::string_view> seen;
  for (const auto& name : *site.hubs) {
    if (!seen.insert(name.value).second) continue;
    for (const auto& hub : draft.hubs)
      if (hub.name == name.value) dialled.push_back(&hub);
  }
  return dialled;
}

void check_names(const Draft& draft, MistakeList& mistakes) {
  std::map<std::string_view, int> hub_lines;
  std::set<std::string_view> hub_names;
  for (const auto& hub : draft.hubs) {
    hub_lines.emplace(hub.name, hub.spot.line);
    hub_names.insert(hub.name);
  }
  for (const auto& site : draft.sites) {
    if (const auto hub = hub_lines.find(site.name); hub != hub_lines.end())
      complain(mistakes, site.spot, site.name, fmt::format("is also the name of a hub (line {})", hub->second),
               "give one of them another name");
    if (site.hubs) check_hub_names(draft, site, hub_names, mistakes);
  }
}

}  // namespace radial::file
