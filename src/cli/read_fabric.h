// The fabric file of a command, with its mistakes told on stderr.
#pragma once

#include <optional>
#include <string>

#include "fabric/fabric.h"

namespace radial::cli {

// Nothing after its mistakes went to stderr.
[[nodiscard]] std::optional<Fabric> read_fabric(const std::string& file);

}  // namespace radial::cli
