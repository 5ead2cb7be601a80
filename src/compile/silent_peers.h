// Static routes know nothing of a dead path. What a node's routing becomes while
// ends of `trust: static` do not answer. Pure.
#pragma once

#include <set>
#include <string>

#include "compile/node_config.h"

namespace radial {

struct WireEnd {
  std::string interface;
  std::string node;
  auto operator<=>(const WireEnd&) const = default;
};

// The ends between which static routes are all there is, where there is another
// way: a static site's hubs when it has several; a hub's static sites when
// there are several hubs.
[[nodiscard]] std::set<WireEnd> watched_ends(const NodeConfig& config);

// `silent`: of these. A static site: no route by a silent hub, so that the next
// one's count; all as they were when none answers. A hub: neither a route to
// what a silent site declares nor an announcement of it, so that its other hubs' count.
[[nodiscard]] NodeConfig without_silent(NodeConfig config, const std::set<WireEnd>& silent);

}  // namespace radial
