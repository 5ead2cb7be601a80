// Starting a userspace WireGuard the way it wants to be started: by its name
// and the interface's, in a session of its own, with nothing of ours but PATH.
#pragma once

#include <chrono>
#include <string>

#include "base/result.h"

namespace radial::host {

// Returns when the program has put itself into the background (wireguard-go
// does so before its UAPI socket serves: that is the caller's to wait for).
// What it prints until then is in the error.
[[nodiscard]] Status start_wireguard_daemon(const std::string& program, const std::string& interface,
                                            std::chrono::milliseconds deadline);

}  // namespace radial::host
