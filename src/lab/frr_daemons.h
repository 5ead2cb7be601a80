// FRR in a node: which FRR, its files, and starting it the way the package
// does (frrinit.sh, watchfrr), so that a daemon that dies is restarted and reads
// its configuration as on a real machine. Private to the room.
#pragma once

#include <set>
#include <string>

#include "base/result.h"
#include "lab/init.h"

namespace radial::lab {

struct FrrChoice {
  std::string version;  // "8.4.4"
  std::string root;     // root folder, empty: the machine's own
};

// `wanted` is "major.minor", or empty for the machine's own. not_found says
// what to install or run.
[[nodiscard]] Result<FrrChoice> choose_frr(const std::string& wanted);

// zebra, staticd and mgmtd, which no line of /etc/frr/daemons starts or stops.
[[nodiscard]] bool is_always_there(std::string_view daemon);

// /etc/frr/daemons: `enabled` besides what FRR always starts.
[[nodiscard]] std::string daemons_file(const std::set<std::string>& enabled);
// The daemons that will run, watchfrr aside.
[[nodiscard]] std::set<std::string> running_daemons(const FrrChoice& frr, const std::set<std::string>& enabled);

// Adds FRR's folders and files to a node's spec, and two programs to its PATH:
// `vtysh` (the right one) and `lab-frr start|stop|restart|status`.
void add_frr(InitSpec& spec, const FrrChoice& frr, const std::set<std::string>& enabled);

}  // namespace radial::lab
