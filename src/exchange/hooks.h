// What the usual PostUp and PostDown lines of wg-quick files are for. Pure.
#pragma once

#include <string>
#include <string_view>

namespace radial::exchange {

struct Hook {
  std::string meaning;   // never quotes the command
  bool covered = false;  // Radial does the same, or something that serves for it
};

[[nodiscard]] Hook classify_hook(std::string_view command);

}  // namespace radial::exchange
