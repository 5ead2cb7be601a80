// What is checked before any YAML reader sees the text: its size, and that it
// is plain UTF-8 text without control characters.
#pragma once

#include <string_view>

#include "fabric/file/mistake_list.h"

namespace radial::file {

inline constexpr std::size_t largest_file = std::size_t{4} << 20U;  // bytes

// Whether to go on. Adds at most one mistake.
[[nodiscard]] bool check_text(std::string_view text, MistakeList& mistakes);

}  // namespace radial::file
