// Tells when some link of this network namespace changed (rtnetlink(7),
// RTMGRP_LINK), and when local addresses or routes did, without saying how:
// the reader looks at what concerns it again.
//
// Opened before privileges are dropped; needs none afterwards.
// Threading: one thread.
#pragma once

#include "base/fd.h"
#include "base/result.h"

namespace radial::engine {

class LinkMonitor {
 public:
  [[nodiscard]] static Result<LinkMonitor> open();

  [[nodiscard]] int fd() const { return fd_.get(); }

  struct Changes {
    bool links = false;
    bool addresses = false;  // a local address went away
  };
  // Takes all messages that wait. Messages lost count as every change.
  [[nodiscard]] Changes drain();

 private:
  explicit LinkMonitor(Fd fd) : fd_(std::move(fd)) {}
  Fd fd_;
};

}  // namespace radial::engine
