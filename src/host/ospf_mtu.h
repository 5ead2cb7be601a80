// The MTU that each OSPF neighbour says it has: read from the Database
// Description packets that it sends us (RFC 2328 A.3.3, "Interface MTU"), so
// that an adjacency stuck in ExStart can be explained with both numbers. FRR
// shows only our own. Passive: a raw socket with a filter, nothing is sent.
// Threading: one object, one thread.
#pragma once

#include <map>
#include <string>
#include <utility>

#include "base/fd.h"
#include "base/ip.h"
#include "base/result.h"

namespace radial::host {

class OspfMtuListener {
 public:
  [[nodiscard]] static Result<OspfMtuListener> open();
  [[nodiscard]] int fd() const { return fd_.get(); }  // non-blocking; borrowed
  void drain();                                       // everything that is queued
  // The last value heard from this neighbour; nothing when none was.
  [[nodiscard]] std::optional<int> mtu_of(const std::string& interface, const IpAddress& neighbor) const;

 private:
  explicit OspfMtuListener(Fd fd) : fd_(std::move(fd)) {}
  Fd fd_;
  std::map<std::pair<std::string, IpAddress>, int> heard_;
};

}  // namespace radial::host
