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

// Enters `lines` one by one in `context` (a key as in FrrRunning) and leaves
// config mode, whatever happened: a line that is refused does not stop the
// next. When the context itself is refused no line is entered and all count as
// refused with its answer. `patience` bounds each command, and with it the wait for a lock of mgmtd.
// After an error the session must be closed, which also leaves config mode.
// `one_by_one`: for mgmtd (see frr_vty.h).
[[nodiscard]] Result<std::vector<Refusal>> enter_lines(VtySession& session, std::string_view context,
                                                       const std::vector<std::string>& lines,
                                                       std::chrono::milliseconds patience, bool one_by_one);

}  // namespace radial::host::frr
