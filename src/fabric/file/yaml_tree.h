// YAML text -> a tree of our own, with a line number on every value.
//
// yaml-cpp's event interface is used rather than its node tree, so that the
// bounds hold while it reads: depth is refused before it can recurse deeper,
// aliases are never expanded, and duplicate keys are still there to be seen.
// Scalars stay text; what "010" or "yes" means is decided by the field.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "fabric/file/mistake_list.h"

namespace radial::file {

inline constexpr int deepest_nesting = 32;
inline constexpr std::size_t most_values = 500'000;

struct YamlNode {
  enum class Kind : std::uint8_t {
    null,      // nothing, ~ or null
    scalar,
    sequence,
    map,
    refused,   // a mistake about it has been reported: say no more of it
  };
  Kind kind = Kind::null;
  int line = 0;                  // 1-based
  std::string text;              // of a scalar
  std::vector<YamlNode> items;   // of a sequence; of a map: key, value, key, value
};

// The one document of `text`, or nothing when it cannot be read at all. May
// return a tree and have added mistakes (aliases, tags).
[[nodiscard]] std::optional<YamlNode> read_yaml(std::string_view text, MistakeList& mistakes);

}  // namespace radial::file
