// An eventfd that one thread waits for and others signal.
#pragma once

#include <cstdint>

#include <sys/eventfd.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/result.h"

namespace radial::engine {

class Wake {
 public:
  [[nodiscard]] static Result<Wake> make() {
    Fd fd(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    if (!fd) return fail_errno(errno, "cannot make an eventfd");
    return Wake(std::move(fd));
  }

  [[nodiscard]] int fd() const { return fd_.get(); }
  void signal() const {
    const std::uint64_t one = 1;
    // It can only fail when it is signalled already.
    [[maybe_unused]] const auto written = ::write(fd_.get(), &one, sizeof one);
  }
  void clear() const {
    std::uint64_t count = 0;
    [[maybe_unused]] const auto got = ::read(fd_.get(), &count, sizeof count);
  }

 private:
  explicit Wake(Fd fd) : fd_(std::move(fd)) {}
  Fd fd_;
};

}  // namespace radial::engine
