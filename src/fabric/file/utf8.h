// UTF-8 (RFC 3629), one character at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace radial::file {

struct Utf8Character {
  std::uint32_t code = 0;
  std::size_t length = 0;  // bytes; 0 when the text does not begin with a valid character
};

// The first character of `text`. Overlong forms, surrogates and codes beyond
// U+10FFFF are not valid.
[[nodiscard]] Utf8Character decode_utf8(std::string_view text);

}  // namespace radial::file
