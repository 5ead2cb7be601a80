#include <algorithm>
#include <map>

#include "exchange/import_draft.h"

namespace radial::exchange {
namespace {

void keep_last_owner(Draft& draft, const ImportOptions& options, std::vector<Note>& notes) {
  std::map<Prefix, std::size_t> owner;
  for (std::size_t i = 0; i < draft.sites.size(); ++i)
    for (const auto& lan : draft.sites[i].lans) owner[lan.prefix] = i;
  for (std::size_t i = 0; i < draft.sites.size(); ++i) {
    std::erase_if(draft.sites[i].lans, [&](const DraftLan& lan) {
      const auto last = owner.at(lan.prefix);
      if (last == i) return false;
      notes.push_back({Weight::warning, options.wg_file, lan.line,
                       fmt::format("{} stands at {} and again at {}: WireGuard gives it to the last, so {} has it here. If "
                                   "both serve it, write it under 'lans' and 'grant' of both",
                                   lan.prefix.to_string(), draft.sites[i].name, draft.sites[last].name,
                                   draft.sites[last].name)});
      return true;
    });
  }
}

void keep_widest_of(std::vector<DraftLan>& lans) {
  std::stable_sort(lans.begin(), lans.end(), [](const auto& a, const auto& b) { return a.prefix < b.prefix; });
  std::vector<DraftLan> widest;
  for (auto& lan : lans)
    if (widest.empty() || !widest.back().prefix.contains(lan.prefix)) widest.push_back(lan);
  lans = std::move(widest);
}

// Sorted, a prefix stands before those within it: one sweep with the stack of
// those that hold the present one.
void mark_shared(Draft& draft, const ImportOptions& options, std::vector<Note>& notes) {
  struct Held {
    DraftLan* lan;
    const std::string* node;
    bool of_hub;
  };
  std::vector<Held> all;
  for (auto& lan : draft.lans) all.push_back({&lan, &draft.hub, true});
  for (auto& site : draft.sites)
    for (auto& lan : site.lans) all.push_back({&lan, &site.name, false});
  std::stable_sort(all.begin(), all.end(), [](const Held& a, const Held& b) { return a.lan->prefix < b.lan->prefix; });
  std::vector<Held> outer;
  for (const auto& held : all) {
    while (!outer.empty() && !outer.back().lan->prefix.contains(held.lan->prefix)) outer.pop_back();
    if (!outer.empty() && outer.back().node != held.node) {
      held.lan->shared = true;
      for (auto& around : outer) around.lan->shared = true;
      notes.push_back({Weight::warning, held.of_hub ? options.frr_file : options.wg_file, held.lan->line,
                       fmt::format("{} of {} lies within {} of {}: both now stand in their 'grant', and the routing table "
                                   "decides by longest match. If that is a mistake, take one out",
                                   held.lan->prefix.to_string(), *held.node, outer.back().lan->prefix.to_string(),
                                   *outer.back().node)});
    }
    outer.push_back(held);
  }
}

}  // namespace

void settle_lans(Draft& draft, const ImportOptions& options, std::vector<Note>& notes) {
  keep_last_owner(draft, options, notes);
  keep_widest_of(draft.lans);
  for (auto& site : draft.sites) keep_widest_of(site.lans);
  mark_shared(draft, options, notes);
}

}  // namespace radial::exchange
