// JSON held against a JSON Schema (2020-12), as much of it as docs/openapi.json
// uses: $ref, anyOf, type, const, enum, required, properties,
// additionalProperties, items, minimum, maximum. Pure.
#pragma once

#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

#include "base/result.h"

namespace radial::agent {

// What becomes of fields that a schema with properties does not name.
enum class Unknown {
  as_the_schema_says,
  refuse,  // for tests: what we write ourselves has no field that is not described
};

// invalid_argument: the first fault, with the name of the field
// ("'lans[1]' is no text"). `document` is what references lead into. A keyword
// that is not known here is a fault, too: nothing passes unread.
[[nodiscard]] Status check_schema(const nlohmann::json& document, const nlohmann::json& schema, const nlohmann::json& value,
                                  Unknown unknown = Unknown::as_the_schema_says);

}  // namespace radial::agent
