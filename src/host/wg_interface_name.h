// Interface names before they become part of a path, an argument or a message.
#pragma once

#include <string_view>

#include "base/result.h"

namespace radial::host {

// 1 to 15 letters, digits or any of "_=+.-", not starting with '-' or '.':
// what wg-quick(8) takes, and no program reads as an option.
[[nodiscard]] Status check_interface_name(std::string_view name);

}  // namespace radial::host
