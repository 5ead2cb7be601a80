// The time of day as text that programs and people read alike.
#pragma once

#include <string>

namespace radial {

[[nodiscard]] std::string utc_now();  // RFC 3339, in seconds: "2026-11-25T12:00:00Z"

}  // namespace radial
