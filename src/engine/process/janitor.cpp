#include "engine/process/janitor.h"

#include <array>
#include <csignal>
#include <cstring>

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/process/confine.h"

namespace radial::engine {
namespace {

// A file name and nothing else, so that it cannot lead out of the folder.
bool plain_name(std::string_view name) {
  return !name.empty() && name.size() < 100 && name.find('/') == std::string_view::npos && name != "." && name != "..";
}

// Which file a name stands for.
struct Identity {
  dev_t device = 0;
  ino_t inode = 0;

  static Identity of(const std::string& path) {
    struct stat status {};
    if (::lstat(path.c_str(), &status) != 0) return {};
    return {status.st_dev, status.st_ino};
  }
  friend bool operator==(const Identity&, const Identity&) = default;
};

[[noreturn]] void look_after(int channel, std::string path, const Identity& file) {
  const std::string folder = path.substr(0, path.rfind('/') + 1);
  std::array<char, 128> message;
  for (;;) {
    const auto got = ::read(channel, message.data(), message.size());
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) break;
    const std::string_view name(message.data(), static_cast<std::size_t>(got));
    char done = 0;
    if (plain_name(name)) {
      const auto to = folder + std::string(name);
      if (::rename(path.c_str(), to.c_str()) == 0) {
        path = to;
        done = 1;
      }
    }
    if (::write(channel, &done, 1) != 1) break;
  }
  // A successor may have put its own socket there already.
  if (Identity::of(path) == file) ::unlink(path.c_str());
  ::_exit(0);
}

}  // namespace

Result<Janitor> Janitor::start(const std::filesystem::path& socket) {
  // While it is open, no other file gets its inode number.
  Fd held(::open(socket.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC));
  if (!held) return fail_errno(errno, fmt::format("cannot open {}", socket.native()));
  const auto file = Identity::of(socket.native());
  std::array<int, 2> ends{};
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends.data()) != 0)
    return fail_errno(errno, "cannot make a socket pair");
  Fd ours(ends[0]);
  Fd theirs(ends[1]);
  const pid_t child = ::fork();
  if (child < 0) return fail_errno(errno, "cannot fork the janitor");
  if (child > 0) return Janitor(std::move(ours));

  // The engine decides when it is over, not a signal to the group.
  for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGQUIT}) ::signal(signal, SIG_IGN);
  ::prctl(PR_SET_NAME, "radial-wire-fs", 0, 0, 0);
  const int channel = ::dup2(theirs.release(), STDIN_FILENO);
  ::dup2(held.release(), STDOUT_FILENO);
  ::close_range(STDOUT_FILENO + 1, ~0U, 0);
  drop_all_capabilities();
  static_cast<void>(confine_janitor());
  look_after(channel, socket.native(), file);
}

Status Janitor::rename_to(const std::filesystem::path& path) {
  const auto name = path.filename().native();
  char done = 0;
  if (::send(channel_.get(), name.data(), name.size(), MSG_NOSIGNAL) < 0 || ::recv(channel_.get(), &done, 1, 0) != 1)
    return fail_errno(errno, "the process that keeps the UAPI socket's file is gone");
  if (done == 0) return fail(Errc::io, "cannot rename the UAPI socket to {}", path.native());
  return {};
}

}  // namespace radial::engine
