// Running another program: no shell, arguments as a vector, output captured
// with a bound, a deadline that kills it. For the few things that have no
// socket to speak to (starting a userspace WireGuard, debootstrap, iperf).
// Blocking; call it off the event loop.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "base/result.h"

namespace radial {

struct ProcessResult {
  int exit_code = 0;     // 128 + signal number when it was killed by one
  std::string out;       // standard output, at most 16 MiB
  std::string err;       // standard error, likewise
  [[nodiscard]] bool ok() const { return exit_code == 0; }
};

// Runs argv[0] (looked up in PATH) to its end. An exit code other than 0 is a
// result, not an error; an error means that it could not be started or that it
// did not end before the deadline (it is then killed).
[[nodiscard]] Result<ProcessResult> run_process(const std::vector<std::string>& argv,
                                                std::chrono::milliseconds deadline = std::chrono::seconds(60),
                                                std::string_view input = {});

}  // namespace radial
