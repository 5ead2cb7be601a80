// Going into the background without lying about it: the process that the user
// started returns only when the daemon serves, with its error if it does not
// come to that.
//
// Threading: before any thread is started.
#pragma once

#include <string>

#include "base/fd.h"
#include "base/result.h"

namespace radial::engine {

// In the daemon after daemonize(); in the foreground it does nothing.
class Readiness {
 public:
  Readiness() = default;
  explicit Readiness(Fd pipe) : pipe_(std::move(pipe)) {}
  // Lets the parent return 0.
  void report_ready();
  // Makes the parent print this and return 1.
  void report_failure(const std::string& message);

 private:
  Fd pipe_;
};

// Forks: returns in the child, in a session of its own, with standard input
// (and, without `keep_output`, output) at /dev/null. The parent waits for the
// child's report and exits.
[[nodiscard]] Result<Readiness> daemonize(bool keep_output);

}  // namespace radial::engine
