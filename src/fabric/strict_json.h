// JSON (RFC 8259) without the traps of a lenient reader: duplicate keys, bad
// UTF-8, deep nesting and trailing text are errors, and numbers are taken only
// when they are in range. Pure; no exception leaves it.
#pragma once

#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <utility>

#include <nlohmann/json.hpp>

#include "base/result.h"

namespace radial {

struct JsonLimits {
  std::size_t max_bytes = std::size_t{16} << 20U;
  int max_depth = 16;
};

[[nodiscard]] Result<nlohmann::json> parse_strict_json(std::string_view text, const JsonLimits& limits = {});

// A whole number from `least` to `most`. `what` names it in the error.
template <class Integer>
[[nodiscard]] Result<Integer> json_integer(const nlohmann::json& value, std::string_view what,
                                           Integer least = std::numeric_limits<Integer>::min(),
                                           Integer most = std::numeric_limits<Integer>::max()) {
  const auto in_range = [&](auto number) {
    return std::cmp_greater_equal(number, least) && std::cmp_less_equal(number, most);
  };
  if (value.is_number_unsigned() && in_range(value.get<std::uint64_t>()))
    return static_cast<Integer>(value.get<std::uint64_t>());
  if (value.is_number_integer() && !value.is_number_unsigned() && in_range(value.get<std::int64_t>()))
    return static_cast<Integer>(value.get<std::int64_t>());
  return fail(Errc::invalid_argument, "{} is not a whole number from {} to {}", what, +least, +most);
}

}  // namespace radial
