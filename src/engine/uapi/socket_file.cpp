#include "engine/uapi/socket_file.h"

#include <array>

#include <sys/inotify.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

namespace radial::engine::uapi {
namespace {

std::uint64_t inode_of(const std::filesystem::path& path) {
  struct stat status {};
  return ::lstat(path.c_str(), &status) == 0 ? status.st_ino : 0;
}

Result<sockaddr_un> name_of(const std::filesystem::path& path) {
  sockaddr_un name{};
  name.sun_family = AF_UNIX;
  if (path.native().size() >= sizeof name.sun_path)
    return fail(Errc::invalid_argument, "socket path {} is too long", path.native());
  path.native().copy(name.sun_path, sizeof name.sun_path - 1);
  return name;
}

}  // namespace

std::filesystem::path socket_path(std::string_view interface_name) {
  return std::filesystem::path(socket_folder) / fmt::format("{}.sock", interface_name);
}

Status require_unserved(const std::filesystem::path& path) {
  RADIAL_ASSIGN(const auto name, name_of(path));
  const Fd probe(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!probe) return fail_errno(errno, "cannot open a UNIX socket");
  if (::connect(probe.get(), reinterpret_cast<const sockaddr*>(&name), sizeof name) == 0)
    return fail_errno(EADDRINUSE, fmt::format("{} is served by a running process", path.native()));
  return {};
}

Result<Fd> listen_on(const std::filesystem::path& path) {
  RADIAL_ASSIGN(const auto name, name_of(path));
  if (::mkdir(path.parent_path().c_str(), 0755) != 0 && errno != EEXIST)
    return fail_errno(errno, fmt::format("cannot make the folder {}", path.parent_path().native()));
  RADIAL_TRY(require_unserved(path));
  ::unlink(path.c_str());  // of one that is gone

  Fd listener(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!listener) return fail_errno(errno, "cannot open a UNIX socket");
  const mode_t before = ::umask(0077);
  const int bound = ::bind(listener.get(), reinterpret_cast<const sockaddr*>(&name), sizeof name);
  const int error = errno;
  ::umask(before);
  if (bound != 0) return fail_errno(error, fmt::format("cannot bind {}", path.native()));
  if (::listen(listener.get(), 64) != 0) return fail_errno(errno, fmt::format("cannot listen on {}", path.native()));
  return listener;
}

Result<SocketWatch> SocketWatch::start(const std::filesystem::path& path) {
  Fd fd(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
  if (!fd) return fail_errno(errno, "cannot start inotify");
  if (::inotify_add_watch(fd.get(), path.parent_path().c_str(), IN_DELETE | IN_MOVE | IN_DELETE_SELF | IN_MOVE_SELF) < 0)
    return fail_errno(errno, fmt::format("cannot watch {}", path.parent_path().native()));
  const auto inode = inode_of(path);
  if (inode == 0) return fail(Errc::not_found, "{} is gone already", path.native());
  return SocketWatch(std::move(fd), path, inode);
}

bool SocketWatch::still_there() {
  bool removed = false;
  bool touched = false;
  alignas(inotify_event) std::array<char, 4096> events;
  for (;;) {
    const auto got = ::read(fd_.get(), events.data(), events.size());
    if (got <= 0) break;
    for (std::size_t at = 0; at < static_cast<std::size_t>(got);) {
      const auto* const event = reinterpret_cast<const inotify_event*>(events.data() + at);
      at += sizeof(inotify_event) + event->len;
      const bool of_folder = event->len == 0;
      if (!of_folder && path_.filename() != event->name) continue;  // another interface's
      removed |= (event->mask & (IN_DELETE | IN_MOVED_FROM)) != 0;
      touched = true;
    }
  }
  if (!touched) return true;
  const auto inode = inode_of(path_);
  // nobody, whom we may have become, cannot look into a folder that is root's alone.
  if (inode == 0 && errno == EACCES) return !removed;
  return inode == inode_;
}

}  // namespace radial::engine::uapi
