#include "exchange/note.h"

#include <fmt/format.h>

namespace radial::exchange {

std::string to_string(const Note& note) {
  const std::string_view weight = note.weight == Weight::error     ? "error: "
                                  : note.weight == Weight::warning ? "warning: "
                                                                   : "";
  if (note.line == 0) return fmt::format("{}: {}{}", note.file, weight, note.text);
  return fmt::format("{}:{}: {}{}", note.file, note.line, weight, note.text);
}

}  // namespace radial::exchange
