#include "engine/process/daemon.h"

#include <array>
#include <cstdio>
#include <cstdlib>

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

namespace radial::engine {
namespace {

constexpr char ready_byte = 'r';

[[noreturn]] void wait_for_report(Fd pipe) {
  std::string report;
  std::array<char, 512> chunk;
  for (;;) {
    const auto got = ::read(pipe.get(), chunk.data(), chunk.size());
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) break;
    report.append(chunk.data(), static_cast<std::size_t>(got));
    if (report.front() == ready_byte) ::_exit(EXIT_SUCCESS);
  }
  if (report.empty()) report = "ended before it was ready";
  std::fprintf(stderr, "radial-wire: %s\n", report.c_str() + (report.front() == ' ' ? 1 : 0));
  ::_exit(EXIT_FAILURE);
}

}  // namespace

Result<Readiness> daemonize(bool keep_output) {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return fail_errno(errno, "cannot make a pipe");
  Fd read_end(ends[0]);
  Fd write_end(ends[1]);
  const pid_t child = ::fork();
  if (child < 0) return fail_errno(errno, "cannot fork into the background");
  if (child > 0) {
    write_end.reset();
    wait_for_report(std::move(read_end));
  }
  ::setsid();
  const Fd null(::open("/dev/null", O_RDWR | O_CLOEXEC));
  if (!null) return fail_errno(errno, "cannot open /dev/null");
  ::dup2(null.get(), STDIN_FILENO);
  if (!keep_output) {
    ::dup2(null.get(), STDOUT_FILENO);
    ::dup2(null.get(), STDERR_FILENO);
  }
  return Readiness(std::move(write_end));
}

void Readiness::report_ready() {
  if (pipe_) [[maybe_unused]] const auto written = ::write(pipe_.get(), &ready_byte, 1);
  pipe_.reset();
}

void Readiness::report_failure(const std::string& message) {
  // A space in front, since a report that begins with 'r' means "ready".
  const auto text = " " + message;
  if (pipe_) [[maybe_unused]] const auto written = ::write(pipe_.get(), text.data(), text.size());
  pipe_.reset();
}

}  // namespace radial::engine
