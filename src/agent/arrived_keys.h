// At a hub, while a site's key is being replaced: both of its keys are peers of
// the wire, and AllowedIPs belong to one. They go to the new one as soon as it
// has shaken hands, which only its site can do.
#pragma once

#include <set>

#include "base/key.h"
#include "compile/node_config.h"

namespace radial::agent {

// The next keys that have not arrived. Pure.
[[nodiscard]] std::set<PublicKey> awaited_keys(const NodeConfig& config);
// With each next key that is among `arrived` in its peer's place, and the one
// before beside it. Pure.
[[nodiscard]] NodeConfig with_arrived_keys(NodeConfig config, const std::set<PublicKey>& arrived);

}  // namespace radial::agent
