// NodeConfig as JSON, for the disk and the controller's API. from_json checks
// types and ranges of everything (nlohmann's get<uint16_t> would wrap 70000). Nodes
// of several versions share a fabric while it is upgraded, so a key that is not known is passed
// over; a word or a format that is not known is an error.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "compile/node_config.h"

namespace radial {

[[nodiscard]] std::string to_json(const NodeConfig& config);  // indented, stable
[[nodiscard]] Result<NodeConfig> node_config_from_json(std::string_view text);

}  // namespace radial
