// A set of prefixes that answers "what overlaps this one?" by binary search.
// Prefixes either nest or are apart, so the set keeps only the widest ones;
// each carries the caller's number. Built once, then read-only.
#pragma once

#include <optional>
#include <utility>
#include <vector>

#include "base/ip.h"

namespace radial {

class PrefixIndex {
 public:
  struct Item {
    Prefix prefix;
    std::size_t id = 0;
  };

  PrefixIndex() = default;
  // Of equal prefixes the first is kept.
  explicit PrefixIndex(std::vector<Item> items);

  // An item that holds `prefix` or lies inside it.
  [[nodiscard]] std::optional<Item> overlapping(const Prefix& prefix) const;

 private:
  std::vector<Item> widest_;  // sorted, apart
};

// Sorts and removes every prefix that lies inside another.
void keep_widest(std::vector<Prefix>& prefixes);

}  // namespace radial
