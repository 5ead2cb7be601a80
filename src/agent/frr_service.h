// The machine's FRR as a service: which of its daemons start, and starting
// them. `init` and `join` need this once; packages never do it.
#pragma once

#include <filesystem>
#include <set>
#include <string>
#include <vector>

#include "base/result.h"

namespace radial::agent {

// /etc/frr/daemons with `wanted` set to yes. Pure; `enabled` names those that
// were not.
[[nodiscard]] std::string with_daemons(const std::string& file, const std::set<std::string>& wanted,
                                       std::set<std::string>& enabled);

// Enables what is missing, keeps the file as it was beside it, and restarts
// FRR when something was enabled or does not run. What it did, a line each.
[[nodiscard]] Result<std::vector<std::string>> enable_frr_daemons(const std::set<std::string>& wanted);

// Whether this machine's services are systemd's.
[[nodiscard]] bool has_systemd();

}  // namespace radial::agent
