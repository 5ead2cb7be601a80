// docs/openapi.json, the description of this program's API, which is built into
// it: served at /v1/openapi.json, and the judge of what comes in.
#pragma once

#include <string_view>

#include <nlohmann/json.hpp>

#include "agent/api_route.h"
#include "base/result.h"

namespace radial::agent {

[[nodiscard]] std::string_view openapi_text();
[[nodiscard]] const nlohmann::json& openapi();

// The operation that describes a route; nothing where the file lacks it.
[[nodiscard]] const nlohmann::json* operation_of(const Route& route);

// The body of a request, as the route's schema wants it; an empty object where
// it may be left out and is. invalid_argument names the field that is wrong.
[[nodiscard]] Result<nlohmann::json> request_body(const Route& route, std::string_view text);

}  // namespace radial::agent
