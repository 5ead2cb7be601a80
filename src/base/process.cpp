#include "base/process.h"

#include <array>
#include <csignal>

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>

#include "base/fd.h"

extern char** environ;

namespace radial {
namespace {

constexpr std::size_t output_limit = 16U << 20U;

struct Pipe {
  Fd read_end;
  Fd write_end;
};

Result<Pipe> make_pipe() {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return fail_errno(errno, "cannot make a pipe");
  return Pipe{Fd(ends[0]), Fd(ends[1])};
}

// Appends what can be read; closes the descriptor at the end of file.
void drain(Fd& fd, std::string& into) {
  std::array<char, 65536> chunk{};
  const auto got = ::read(fd.get(), chunk.data(), chunk.size());
  if (got > 0) {
    if (into.size() < output_limit) into.append(chunk.data(), static_cast<std::size_t>(got));
  } else if (got == 0 || errno != EINTR) {
    fd.reset();
  }
}

int exit_code_of(int wait_status) {
  return WIFEXITED(wait_status) ? WEXITSTATUS(wait_status) : 128 + WTERMSIG(wait_status);
}

}  // namespace

Result<ProcessResult> run_process(const std::vector<std::string>& argv, std::chrono::milliseconds deadline,
                                  std::string_view input) {
  RADIAL_ASSIGN(auto in, make_pipe());
  RADIAL_ASSIGN(auto out, make_pipe());
  RADIAL_ASSIGN(auto err, make_pipe());

  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, in.read_end.get(), 0);
  posix_spawn_file_actions_adddup2(&actions, out.write_end.get(), 1);
  posix_spawn_file_actions_adddup2(&actions, err.write_end.get(), 2);
  // A signal mask or an ignored SIGPIPE of ours must not leak into the child.
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  sigset_t none;
  sigemptyset(&none);
  sigset_t defaults;
  sigemptyset(&defaults);
  sigaddset(&defaults, SIGPIPE);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setsigdefault(&attributes, &defaults);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);

  std::vector<char*> arguments;
  arguments.reserve(argv.size() + 1);
  for (const auto& argument : argv) arguments.push_back(const_cast<char*>(argument.c_str()));
  arguments.push_back(nullptr);
  pid_t pid = -1;
  const int error = ::posix_spawnp(&pid, arguments[0], &actions, &attributes, arguments.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  posix_spawnattr_destroy(&attributes);
  if (error != 0) return fail_errno(error, fmt::format("cannot run {}", argv[0]));
  in.read_end.reset();
  out.write_end.reset();
  err.write_end.reset();
  ::fcntl(in.write_end.get(), F_SETFL, O_NONBLOCK);

  ProcessResult result;
  const auto end = std::chrono::steady_clock::now() + deadline;
  int wait_status = 0;
  bool reaped = false;
  while (!reaped || out.read_end || err.read_end) {
    // A daemon that the child left behind may keep the pipes open: once the
    // child itself is gone, take what is there and stop.
    if (input.empty()) in.write_end.reset();
    std::array<pollfd, 3> waits{pollfd{out.read_end.get(), POLLIN, 0}, pollfd{err.read_end.get(), POLLIN, 0},
                                pollfd{in.write_end.get(), POLLOUT, 0}};
    const int ready = ::poll(waits.data(), waits.size(), reaped ? 0 : 20);
    if (waits[0].revents != 0) drain(out.read_end, result.out);
    if (waits[1].revents != 0) drain(err.read_end, result.err);
    if (waits[2].revents != 0) {
      struct sigaction ignore {}, before {};
      ignore.sa_handler = SIG_IGN;
      ::sigaction(SIGPIPE, &ignore, &before);
      const auto written = ::write(in.write_end.get(), input.data(), input.size());
      ::sigaction(SIGPIPE, &before, nullptr);
      if (written > 0) input.remove_prefix(static_cast<std::size_t>(written));
      else if (errno != EAGAIN && errno != EINTR) input = {};
    }
    if (reaped && ready <= 0) break;
    if (!reaped) reaped = ::waitpid(pid, &wait_status, WNOHANG) == pid;
    if (!reaped && std::chrono::steady_clock::now() > end) {
      ::kill(pid, SIGKILL);
      ::waitpid(pid, &wait_status, 0);
      return fail(Errc::timeout, "{} did not end within {} ms", argv[0], deadline.count());
    }
  }
  result.exit_code = exit_code_of(wait_status);
  return result;
}

}  // namespace radial
