#include "fabric/fabric.h"

#include <algorithm>

#include <fmt/format.h>

namespace radial {
namespace {

template <class Node>
const Node* find_by_name(const std::vector<Node>& nodes, std::string_view name) {
  const auto found = std::find_if(nodes.begin(), nodes.end(), [&](const Node& node) { return node.name == name; });
  return found == nodes.end() ? nullptr : &*found;
}

}  // namespace

bool Grant::covers(const Prefix& prefix) const {
  if (any && !prefix.is_default()) return true;
  // Sorted and apart: only the last one that is not after `prefix` can hold it.
  const auto after = std::upper_bound(prefixes.begin(), prefixes.end(), prefix);
  return after != prefixes.begin() && std::prev(after)->contains(prefix);
}

std::string to_string(const Grant& grant) {
  std::string text = grant.any ? "any" : "";
  for (const auto& prefix : grant.prefixes) text += fmt::format("{}{}", text.empty() ? "" : ", ", prefix);
  return text.empty() ? "nothing" : text;
}

const Hub* Fabric::find_hub(std::string_view wanted) const { return find_by_name(hubs, wanted); }
const Site* Fabric::find_site(std::string_view wanted) const { return find_by_name(sites, wanted); }

}  // namespace radial
