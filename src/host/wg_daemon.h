// Starting a userspace WireGuard the way it wants to be started: by its name
// and the interface's, in a session of its own, with nothing of ours but PATH;
// or, installed as a package, as a systemd unit of its own.
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

// The systemd unit that a wire's process is to run in, where RADIAL_WIRE_UNIT
// names a template (radiald.service does: radial-wire): "radial-wire@wg0.service".
// A wire so owes nothing to radiald's own unit. Empty: no such template.
[[nodiscard]] std::string wireguard_unit(const std::string& interface);

// Returns when systemd has run the unit's program; its socket is to be waited for.
[[nodiscard]] Status start_wireguard_unit(const std::string& unit, std::chrono::milliseconds deadline);

}  // namespace radial::host
