// The name under which a UAPI socket is found: /var/run/wireguard/NAME.sock,
// as wg(8) expects it. Only its owner can connect (mode 0700, as
// wireguard-go makes it).
//
// Threading: one thread.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "base/fd.h"
#include "base/result.h"

namespace radial::engine::uapi {

inline constexpr std::string_view socket_folder = "/var/run/wireguard";

[[nodiscard]] std::filesystem::path socket_path(std::string_view interface_name);

// Fails with EADDRINUSE when somebody serves the socket of that name.
[[nodiscard]] Status require_unserved(const std::filesystem::path& path);

// Listens there. A socket file that nobody serves is replaced; one that is
// served is refused with EADDRINUSE.
[[nodiscard]] Result<Fd> listen_on(const std::filesystem::path& path);

// Tells when the file at a path is no longer the one that was there, by
// inotify(7) on its folder: somebody removing it asks the program to end, as
// with wireguard-go.
class SocketWatch {
 public:
  [[nodiscard]] static Result<SocketWatch> start(const std::filesystem::path& path);

  [[nodiscard]] int fd() const { return fd_.get(); }
  // Takes what waits; whether the file is still there.
  [[nodiscard]] bool still_there();
  // It was renamed by ourselves.
  void follow(const std::filesystem::path& path) { path_ = path; }

 private:
  SocketWatch(Fd fd, std::filesystem::path path, std::uint64_t inode)
      : fd_(std::move(fd)), path_(std::move(path)), inode_(inode) {}

  Fd fd_;
  std::filesystem::path path_;
  std::uint64_t inode_;
};

}  // namespace radial::engine::uapi
