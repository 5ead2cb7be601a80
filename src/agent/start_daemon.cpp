#include "agent/start_daemon.h"

#include <chrono>
#include <thread>

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/frr_service.h"
#include "base/fd.h"
#include "base/process.h"

namespace radial::agent {
namespace {

using namespace std::chrono_literals;

constexpr auto patience = 20s;

bool answers(const std::filesystem::path& socket) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (socket.string().size() >= sizeof address.sun_path) return false;
  socket.string().copy(address.sun_path, sizeof address.sun_path - 1);
  const Fd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  return fd && ::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
}

std::string program_beside() {
  std::error_code ignored;
  const auto beside = std::filesystem::read_symlink("/proc/self/exe", ignored).parent_path() / "radiald";
  return std::filesystem::exists(beside) ? beside.string() : "radiald";
}

Status spawn(const DaemonOptions& options, const std::filesystem::path& log) {
  const auto program = program_beside();
  const auto& paths = options.paths;
  std::vector<std::string> words{program, "--config", paths.config, "--state", paths.state, "--run", paths.run};
  std::vector<char*> argv;
  for (auto& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  const Fd output(::open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600));
  if (!output) return fail_errno(errno, fmt::format("cannot open {}", log.string()));
  const Fd nothing(::open("/dev/null", O_RDWR | O_CLOEXEC));
  const auto child = ::fork();
  if (child < 0) return fail_errno(errno, "cannot start radiald");
  if (child == 0) {
    ::setsid();
    if (::fork() != 0) ::_exit(0);  // not ours to wait for
    ::dup2(nothing.get(), STDIN_FILENO);
    ::dup2(output.get(), STDOUT_FILENO);
    ::dup2(output.get(), STDERR_FILENO);
    if (::chdir("/") != 0) ::_exit(127);
    ::execvp(argv[0], argv.data());
    ::_exit(127);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  return {};
}

}  // namespace

Result<std::string> start_daemon(const DaemonOptions& options) {
  const auto& socket = options.paths.socket();
  if (answers(socket)) return std::string("radiald runs already");
  std::string told;
  if (has_systemd()) {
    RADIAL_ASSIGN(const auto result, run_process({"systemctl", "enable", "--now", "radiald"}));
    if (!result.ok()) return fail(Errc::unavailable, "systemd does not start radiald: {}{}", result.out, result.err);
    told = "started radiald (systemctl status radiald)";
  } else {
    const auto log = options.paths.state / "radiald.log";
    RADIAL_TRY(spawn(options, log));
    told = fmt::format("started radiald (no systemd here; it logs to {})", log.string());
  }
  const auto end = std::chrono::steady_clock::now() + patience;
  while (!answers(socket)) {
    if (std::chrono::steady_clock::now() > end)
      return fail(Errc::timeout, "radiald does not answer on {}: see its log", socket.string());
    std::this_thread::sleep_for(20ms);
  }
  return told;
}

}  // namespace radial::agent
