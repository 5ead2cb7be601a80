// Reading a fabric file (YAML 1.2, one document, at most 4 MiB and 32 levels).
// All mistakes of a file are reported at once; each names where, what and the
// cure. Pure: text in, value or mistakes out.
#pragma once

#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "fabric/fabric.h"

namespace radial {

struct Mistake {
  int line = 0;         // 1-based; 0 when the whole file is meant
  std::string field;    // "sites.berlin.lans[0]"
  std::string value;    // as written, shortened; empty when something is missing
  std::string problem;  // what is wrong with it
  std::string fix;      // what to write instead
  bool operator==(const Mistake&) const = default;
};

// "fabric.yaml:7: sites.berlin.lans[0]: '10.0.0.1/8' has host bits set; write 10.0.0.0/8"
[[nodiscard]] std::string to_string(const Mistake& mistake, std::string_view file_name);

// A valid fabric, or every mistake, in the file's order (never empty).
[[nodiscard]] std::variant<Fabric, std::vector<Mistake>> parse_fabric(std::string_view yaml);

}  // namespace radial
