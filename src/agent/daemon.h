// radiald: the event loop of one node. It applies the node's configuration,
// watches everything that it depends on (links, addresses, nftables, FRR's
// processes), and repairs what drifted; it serves the API on its UNIX socket.
// On SIGTERM it leaves the network running.
#pragma once

#include <string>
#include <vector>

#include "agent/paths.h"
#include "base/result.h"
#include "host/wireguard.h"

namespace radial::agent {

struct DaemonOptions {
  Paths paths;
  std::vector<std::string> userspace_wireguard = host::userspace_wireguards();  // by preference
};

// Returns when told to stop; an error means that it could not start.
[[nodiscard]] Status run_daemon(const DaemonOptions& options);

// Removes all that Radial made on this machine, without a daemon.
[[nodiscard]] Status tear_down_offline(const DaemonOptions& options, std::vector<std::string>& changes);

}  // namespace radial::agent
