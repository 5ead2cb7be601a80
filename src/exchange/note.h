// What a reader of somebody else's configuration has to say about it: where,
// what, and what to do. Never holds the text of a line, since any line of such
// a file may hold a secret.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace radial::exchange {

enum class Weight : std::uint8_t {
  info,     // recognised, and taken care of
  warning,  // kept, left out or changed: look at it
  error,    // the result cannot be used before somebody decides
};

struct Note {
  Weight weight = Weight::info;
  std::string file;  // as the caller calls it
  int line = 0;      // 1-based; 0: the whole file
  std::string text;  // what is there, and what to do about it
  bool operator==(const Note&) const = default;
};

// "wg0.conf:12: warning: …"
[[nodiscard]] std::string to_string(const Note& note);

}  // namespace radial::exchange
