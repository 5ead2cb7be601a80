// A small process that keeps the right to rename and remove one socket file,
// so that the program which serves it can give that right up.
//
// The folder of UAPI sockets is root's; the engine runs as nobody. The janitor
// stays root without any capability, may make a handful of system calls (seccomp),
// and speaks one verb: rename the socket within its folder. When its other end
// closes, however the engine ended, it removes the socket and exits; a socket
// that a successor has put in its place stays.
//
// Threading: start before any thread; rename_to() from one thread.
#pragma once

#include <filesystem>
#include <string>

#include "base/fd.h"
#include "base/result.h"

namespace radial::engine {

class Janitor {
 public:
  // Forks. From here on the socket file, which must exist, is the janitor's.
  [[nodiscard]] static Result<Janitor> start(const std::filesystem::path& socket);

  // Waits until it is done.
  [[nodiscard]] Status rename_to(const std::filesystem::path& path);

  // The descriptor that must stay open.
  [[nodiscard]] int fd() const { return channel_.get(); }

 private:
  explicit Janitor(Fd channel) : channel_(std::move(channel)) {}
  Fd channel_;
};

}  // namespace radial::engine
