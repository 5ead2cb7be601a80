// The version of Radial that this program was built from ("0.1.0"), the same for
// all programs of a build.
#pragma once

#include <string_view>

namespace radial {

[[nodiscard]] std::string_view version();

}  // namespace radial
