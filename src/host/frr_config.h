// Changing FRR's running configuration over one session: enter a context,
// enter lines, leave. Private to the room.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "host/frr_vty.h"

namespace radial::host::frr {

struct Refusal {
  std::size_t line = 0;  // index into the lines given
  VtyAnswer answer;
};

// Lines of one context, which is a key as in FrrRunning.
struct Group {
  std::string context;
  std::vector<std::string> lines;
};

// Enters `lines` one by one in `context` (a key as in FrrRunning) and leaves
// config mode, whatever happened: a line that is refused does not stop the
// next. When the context itself is refused no line is entered and all count as
// refused with its answer. `patience` bounds each command, and with it the wait for a lock of mgmtd.
// After an error the session must be closed, which also leaves config mode.
// `one_by_one`: for mgmtd (see frr_vty.h).
[[nodiscard]] Result<std::vector<Refusal>> enter_lines(VtySession& session, std::string_view context,
                                                       const std::vector<std::string>& lines,
                                                       std::chrono::milliseconds patience, bool one_by_one);

// Enters all lines of all groups as one transaction. FRR copies and validates the
// whole of a daemon's configuration for every line of a filter or route-map that
// is entered by itself: the 9,000 lines of 1,000 sites took zebra 8.4 more than a
// quarter of an hour. The bracket is the one that vtysh puts around a file (FRR
// lib/lib_vty.c, XFRR_start_configuration). Returns the lines that were not
// entered, counted through all groups; enter_lines() finds out why. That is all
// of them where a context or the transaction was refused.
[[nodiscard]] Result<std::vector<std::size_t>> enter_at_once(VtySession& session, const std::vector<Group>& groups,
                                                             std::chrono::milliseconds patience, bool one_by_one);

}  // namespace radial::host::frr
