// How a table of routes reads on a terminal of 80 columns.
#pragma once

#include <string>

#include "observe/route_table.h"

namespace radial::cli {

[[nodiscard]] std::string routes_text(const observe::RouteTable& table);

}  // namespace radial::cli
