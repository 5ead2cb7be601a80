// The only place where the engine reads the machine's clocks.
#pragma once

#include "engine/noise/time.h"

namespace radial::engine {

[[nodiscard]] Now read_clocks();

}  // namespace radial::engine
