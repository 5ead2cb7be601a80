// Clearing away what is left of a lab, whole or half-built. Private to the room.
#pragma once

#include <string>

#include "base/result.h"

namespace radial::lab {

// Kills the inits of this lab (and so all that runs in its nodes), removes its
// names and its state folder. The caller holds the lock. True when there was
// anything.
[[nodiscard]] Result<bool> remove_remains(const std::string& lab);

}  // namespace radial::lab
