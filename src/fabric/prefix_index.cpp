#include "fabric/prefix_index.h"

#include <algorithm>

namespace radial {

// Sorted by address and then length, a wider prefix comes right before all
// that lie inside it; the last one kept is therefore the only candidate.
PrefixIndex::PrefixIndex(std::vector<Item> items) {
  std::stable_sort(items.begin(), items.end(), [](const Item& a, const Item& b) { return a.prefix < b.prefix; });
  for (auto& item : items)
    if (widest_.empty() || !widest_.back().prefix.contains(item.prefix)) widest_.push_back(std::move(item));
}

std::optional<PrefixIndex::Item> PrefixIndex::overlapping(const Prefix& prefix) const {
  const auto after = std::upper_bound(widest_.begin(), widest_.end(), prefix,
                                      [](const Prefix& p, const Item& item) { return p < item.prefix; });
  if (after != widest_.begin() && std::prev(after)->prefix.contains(prefix)) return *std::prev(after);
  if (after != widest_.end() && prefix.contains(after->prefix)) return *after;
  return std::nullopt;
}

void keep_widest(std::vector<Prefix>& prefixes) {
  std::sort(prefixes.begin(), prefixes.end());
  std::vector<Prefix> kept;
  for (const auto& prefix : prefixes)
    if (kept.empty() || !kept.back().contains(prefix)) kept.push_back(prefix);
  prefixes = std::move(kept);
}

}  // namespace radial
