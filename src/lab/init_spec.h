// InitSpec on the wire between up() and `lab-init hold`: JSON on stdin.
// Private to the room.
#pragma once

#include <string>
#include <string_view>

#include "lab/init.h"

namespace radial::lab {

[[nodiscard]] std::string to_json(const InitSpec& spec);
[[nodiscard]] Result<InitSpec> init_spec_from_json(std::string_view text);

// The two helpers' main functions: arguments after the verb, exit codes.
[[nodiscard]] int hold_main(const std::vector<std::string>& arguments);
[[nodiscard]] int enter_main(const std::vector<std::string>& arguments);

}  // namespace radial::lab
