// Starting radiald on a machine that has just become a node.
#pragma once

#include <string>

#include "agent/daemon.h"
#include "base/result.h"

namespace radial::agent {

// By systemd where that runs; else as a daemon of its own, from the folder of
// the running program or PATH. Returns when it answers on its socket, with a
// line that says what was done.
[[nodiscard]] Result<std::string> start_daemon(const DaemonOptions& options);

}  // namespace radial::agent
