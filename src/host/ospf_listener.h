// The link state updates that each neighbour sends us, with the sender as
// WireGuard proved it: on a multipoint wire a packet's source address belongs
// to one peer, and a dedicated wire has one peer. ospfd's database does not say who delivered an LSA; this does.
// Passive: a raw socket a version with a filter (Hello, Database Description and
// Link State Update), nothing is sent. What nftables drops on input does not come here.
// Threading: one object, one thread.
#pragma once

#include <string>
#include <vector>

#include "base/fd.h"
#include "base/result.h"
#include "host/ospf_packet.h"

namespace radial::host {

struct HeardOspf {
  std::string interface;
  IpAddress sender;
  OspfPacket packet;
};

class OspfListener {
 public:
  [[nodiscard]] static Result<OspfListener> open(OspfVersion version);  // v3 fails where the kernel has no IPv6
  [[nodiscard]] OspfVersion version() const { return version_; }
  [[nodiscard]] int fd() const { return fd_.get(); }  // non-blocking; borrowed
  // What is queued, at most `most` packets: a flood must not hold up the loop
  // (the descriptor stays readable while there is more).
  std::vector<HeardOspf> drain(std::size_t most = 256);

 private:
  OspfListener(OspfVersion version, Fd fd) : version_(version), fd_(std::move(fd)), buffer_(65536) {}
  OspfVersion version_;
  Fd fd_;
  std::vector<std::uint8_t> buffer_;
};

}  // namespace radial::host
