// Opens the host adapters of this machine, with one error for what is missing.
#pragma once

#include <string>
#include <vector>

#include "agent/reconciler.h"
#include "base/result.h"

namespace radial::agent {

[[nodiscard]] Result<Host> open_host(const std::vector<std::string>& userspace_wireguard);

}  // namespace radial::agent
