// ICMP echo (RFC 792) to neighbours on our wires, without waiting: requests go
// out of a given interface, answers are collected when the descriptor is
// readable. Only answers to this object's own requests come back.
// Threading: one object, one thread.
#pragma once

#include <cstdint>
#include <vector>

#include "base/fd.h"
#include "base/ip.h"
#include "base/result.h"

namespace radial::host {

struct EchoReply {
  int interface = 0;  // index
  IpAddress from;
};

class EchoProbe {
 public:
  [[nodiscard]] static Result<EchoProbe> open();
  [[nodiscard]] int fd() const { return fd_.get(); }  // non-blocking; borrowed
  // To an IPv4 address, out of this interface.
  Status send(int interface, const IpAddress& to);
  std::vector<EchoReply> drain();

 private:
  EchoProbe(Fd fd, std::uint16_t identifier) : fd_(std::move(fd)), identifier_(identifier) {}
  Fd fd_;
  std::uint16_t identifier_;
  std::uint16_t sequence_ = 0;
};

}  // namespace radial::host
