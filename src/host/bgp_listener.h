// What each neighbour says in its BGP session with us, with the sender as
// WireGuard proved it (as OspfListener): bgpd forgets what its filters refuse, and
// counts it without names at most. Passive: a raw socket with a filter (TCP from or to port 179,
// with more in it than a KEEPALIVE), nothing is sent, bgpd knows nothing of it.
// What nftables drops on input does not come here.
// Threading: one object, one thread.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/fd.h"
#include "base/ip.h"
#include "base/result.h"
#include "host/bgp_stream.h"

namespace radial::host {

struct HeardBgp {
  std::string interface;
  IpAddress sender;
  std::uint16_t their_port = 0;
  std::uint16_t our_port = 0;
  TcpSegment segment;
};

class BgpListener {
 public:
  [[nodiscard]] static Result<BgpListener> open();
  [[nodiscard]] int fd() const { return fd_.get(); }  // non-blocking; borrowed
  // What is queued, at most `most` segments: a flood must not hold up the loop
  // (the descriptor stays readable while there is more).
  std::vector<HeardBgp> drain(std::size_t most = 64);

 private:
  explicit BgpListener(Fd fd) : fd_(std::move(fd)), buffer_(65536) {}
  Fd fd_;
  std::vector<std::uint8_t> buffer_;
};

// `packet` begins with the IPv4 header. Nothing for what is no TCP.
[[nodiscard]] std::optional<HeardBgp> read_tcp_packet(std::span<const std::uint8_t> packet);

}  // namespace radial::host
