// One logger for a program: to stderr, with a level from RADIAL_LOG
// (trace, debug, info, warn, error) unless the program sets another.
// Thread-safe. Never pass a secret: Secret cannot be formatted on purpose.
#pragma once

#include <string_view>

#include <spdlog/spdlog.h>

namespace radial {

// `program` names the source of each line. `default_level` counts when
// RADIAL_LOG is not set.
void start_log(std::string_view program, spdlog::level::level_enum default_level = spdlog::level::info);

}  // namespace radial
