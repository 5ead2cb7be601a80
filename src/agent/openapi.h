// The description of this program's API (docs/openapi.json), as it is served
// at /v1/openapi.json.
#pragma once

#include <string_view>

namespace radial::agent {

[[nodiscard]] std::string_view openapi();

}  // namespace radial::agent
