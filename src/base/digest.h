// BLAKE2b-128 (RFC 7693) of a text, in lower-case hex: tells texts apart and finds damage. Not
// for secrets.
#pragma once

#include <string>
#include <string_view>

namespace radial {

[[nodiscard]] std::string hex_digest(std::string_view text);

}  // namespace radial
