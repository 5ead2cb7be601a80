// Tells when some link of this network namespace changed (rtnetlink(7),
// RTMGRP_LINK), and when a local address went, without saying how: the reader
// looks at what concerns it again. Only a moment that it might miss by looking
// is told: that a link was down, if only for a moment.
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
    bool was_down = false;   // the link of this index
  };
  // Takes all messages that wait. Messages lost count as changes, but not as
  // "was down".
  [[nodiscard]] Changes drain(int index);

 private:
  explicit LinkMonitor(Fd fd) : fd_(std::move(fd)) {}
  Fd fd_;
};

}  // namespace radial::engine
