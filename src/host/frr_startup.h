// FRR's start-up configuration files. Private to the room.
#pragma once

#include <string>
#include <vector>

#include "host/frr.h"

namespace radial::host::frr {

// frr.conf, or DAEMON.conf in a machine set up without an integrated
// configuration, in `config_dir`. Files that are right already are not written.
[[nodiscard]] Status save_startup(const std::string& config_dir, const std::vector<FrrLines>& desired,
                                  const std::vector<FrrLines>& owned);

}  // namespace radial::host::frr
