#include "host/wg_daemon.h"

#include <algorithm>
#include <array>
#include <csignal>
#include <cstdlib>
#include <thread>
#include <vector>

#include <fcntl.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "base/fd.h"
#include "base/process.h"

namespace radial::host {
namespace {

constexpr auto poll_interval = std::chrono::milliseconds(2);

// Descriptors, signal dispositions, working folder and session of the new
// process owe nothing to ours.
class Attributes {
 public:
  Attributes() {
    posix_spawnattr_init(&attributes);
    posix_spawn_file_actions_init(&actions);
    sigset_t signals;
    sigemptyset(&signals);
    posix_spawnattr_setsigmask(&attributes, &signals);
    sigfillset(&signals);
    posix_spawnattr_setsigdefault(&attributes, &signals);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  }
  Attributes(const Attributes&) = delete;
  Attributes& operator=(const Attributes&) = delete;
  ~Attributes() {
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
  }
  posix_spawnattr_t attributes{};
  posix_spawn_file_actions_t actions{};
};

// The last line that it printed, without control characters.
std::string last_words(const Fd& output) {
  std::array<char, 4096> text{};
  const auto size = ::lseek(output.get(), 0, SEEK_END);
  const auto start = std::max<off_t>(0, size - static_cast<off_t>(text.size()));
  const auto got = ::pread(output.get(), text.data(), text.size(), start);
  std::string words(text.data(), got > 0 ? static_cast<std::size_t>(got) : 0);
  while (!words.empty() && words.back() == '\n') words.pop_back();
  const auto line = words.rfind('\n');
  if (line != std::string::npos) words.erase(0, line + 1);
  std::erase_if(words, [](unsigned char c) { return c < ' '; });
  return words.empty() ? "without a word" : words;
}

}  // namespace

Status start_wireguard_daemon(const std::string& program, const std::string& interface,
                              std::chrono::milliseconds deadline) {
  // A file, not a pipe: it can be closed here without a SIGPIPE there.
  const Fd output(::memfd_create("wireguard-daemon", MFD_CLOEXEC));
  if (!output) return fail_errno(errno, "cannot make a file in memory");

  Attributes attributes;
  auto* actions = &attributes.actions;
  posix_spawn_file_actions_addopen(actions, 0, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_adddup2(actions, output.get(), 1);
  posix_spawn_file_actions_adddup2(actions, output.get(), 2);
  posix_spawn_file_actions_addclosefrom_np(actions, 3);
  posix_spawn_file_actions_addchdir_np(actions, "/");

  const char* path = std::getenv("PATH");
  std::string path_entry = fmt::format("PATH={}", path != nullptr ? path : "/usr/sbin:/usr/bin:/sbin:/bin");
  std::array<char*, 2> environment{path_entry.data(), nullptr};
  std::string name = program;
  std::string argument = interface;
  std::array<char*, 3> arguments{name.data(), argument.data(), nullptr};

  pid_t pid = -1;
  const int error =
      ::posix_spawnp(&pid, program.c_str(), actions, &attributes.attributes, arguments.data(), environment.data());
  if (error != 0) return fail_errno(error, fmt::format("cannot run {}", program));

  const auto end = std::chrono::steady_clock::now() + deadline;
  int wait_status = 0;
  for (;;) {
    const auto waited = ::waitpid(pid, &wait_status, WNOHANG);
    if (waited == pid) break;
    if (waited < 0 && errno == ECHILD) return {};  // SIGCHLD is ignored here: it has ended, how is not known
    if (std::chrono::steady_clock::now() > end) {
      ::kill(pid, SIGKILL);
      ::waitpid(pid, &wait_status, 0);
      return fail(Errc::timeout, "{} did not go into the background within {} ms ({})", program, deadline.count(),
                  last_words(output));
    }
    std::this_thread::sleep_for(poll_interval);
  }
  if (WIFEXITED(wait_status) && WEXITSTATUS(wait_status) == 0) return {};
  return fail(Errc::unavailable, "{} ended with {} {}: {}", program, WIFSIGNALED(wait_status) ? "signal" : "status",
              WIFSIGNALED(wait_status) ? WTERMSIG(wait_status) : WEXITSTATUS(wait_status), last_words(output));
}

std::string wireguard_unit(const std::string& interface) {
  const char* const unit = std::getenv("RADIAL_WIRE_UNIT");
  return unit == nullptr || *unit == '\0' ? std::string() : fmt::format("{}@{}.service", unit, interface);
}

Status start_wireguard_unit(const std::string& unit, std::chrono::milliseconds deadline) {
  RADIAL_ASSIGN(const auto result, run_process({"systemctl", "--no-ask-password", "start", unit}, deadline));
  if (result.ok()) return {};
  return fail(Errc::unavailable, "systemd does not start {}: {}{}(see: journalctl -u {})", unit, result.out, result.err, unit);
}

}  // namespace radial::host
