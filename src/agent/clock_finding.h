// A clock that went back: a machine without a battery for it, before it has heard of the time. WireGuard's peers
// take its handshakes for replays then, as their timestamps are not greater than the last (paper, 5.1), which looks like
// a path that is cut. Files that radiald wrote here tell what time it was.
#pragma once

#include <chrono>
#include <optional>

#include "agent/paths.h"
#include "observe/snapshot.h"

namespace radial::agent {

// Nothing while every peer of the snapshot's wires answers: then the clock keeps nobody away.
[[nodiscard]] std::optional<observe::Finding> clock_finding(const Paths& paths, const observe::Snapshot& snapshot,
                                                            std::chrono::system_clock::time_point now);

}  // namespace radial::agent
