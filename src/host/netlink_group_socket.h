// A netlink socket that listens to multicast groups of the kernel (netlink(7)):
// what happens, as it happens. Only the kernel is believed.
// Threading: one object, one thread; never blocks.
#pragma once

#include <functional>
#include <vector>

#include <linux/netlink.h>

#include "base/fd.h"
#include "base/result.h"

namespace radial::host {

class NetlinkGroupSocket {
 public:
  // rtnetlink groups (RTNLGRP_...). `receive_buffer` in bytes; memory is charged
  // only when it is used.
  [[nodiscard]] static Result<NetlinkGroupSocket> open(const std::vector<int>& groups, int receive_buffer);
  [[nodiscard]] int fd() const { return fd_.get(); }  // non-blocking; borrowed

  // Everything that is queued, message by message (borrowed for the call).
  // `lost` is set when the socket overflowed (ENOBUFS) or a datagram was cut.
  Status drain(const std::function<void(const nlmsghdr&)>& reader, bool& lost);

 private:
  explicit NetlinkGroupSocket(Fd fd) : fd_(std::move(fd)) {}
  Fd fd_;
};

}  // namespace radial::host
