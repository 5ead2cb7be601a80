// Reading FRR's JSON answers field by field, each mistake an error that names
// the field: FRR is not hostile, but what it prints came over the network.
// Private to the room.
#pragma once

#include <array>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

#include "base/ip.h"
#include "base/result.h"

namespace radial::host::frr {

using Json = nlohmann::json;

[[nodiscard]] Unexpected misunderstood(std::string_view what);

// An object; an empty one when OSPF is not configured (FRR 8.4 then answers
// with nothing, or with a sentence). Nesting is bounded before it is parsed.
[[nodiscard]] Result<Json> parse(std::string_view text);

[[nodiscard]] const Json* find(const Json& object, const char* name);  // borrows; nullptr: not there
[[nodiscard]] Result<std::string> text_of(const Json& object, const char* name);
[[nodiscard]] Result<bool> flag_of(const Json& object, const char* name);  // false when it is not there
[[nodiscard]] Result<IpAddress> address_of(const Json& object, const char* name);

// The first of `names` that is there: FRR renamed some fields.
template <class Number, std::size_t count>
Result<Number> number_of(const Json& object, const std::array<const char*, count>& names,
                         std::optional<Number> missing = std::nullopt) {
  for (const char* name : names) {
    const Json* value = find(object, name);
    if (value == nullptr) continue;
    // A signed view of what might not fit would turn large into negative.
    const bool fits_signed =
        !value->is_number_unsigned() || value->get<std::uint64_t>() <= std::numeric_limits<std::int64_t>::max();
    if (!value->is_number_integer() || !fits_signed)
      return misunderstood(fmt::format("'{}' is no number in range", name));
    const auto number = value->get<std::int64_t>();
    if (number < static_cast<std::int64_t>(std::numeric_limits<Number>::min()) ||
        number > static_cast<std::int64_t>(std::numeric_limits<Number>::max()))
      return misunderstood(fmt::format("'{}' is out of range: {}", name, number));
    return static_cast<Number>(number);
  }
  if (missing) return *missing;
  return misunderstood(fmt::format("no number '{}'", names.front()));
}

}  // namespace radial::host::frr
