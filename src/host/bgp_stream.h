// One direction of a BGP session, put together from TCP segments as they pass
// by (RFC 9293): messages in their order, each once. Pure: the time comes in.
// It may begin anywhere in the connection, and finds where a message starts by its marker.
//
// It sees what a listener sees, not what the receiver's kernel accepted: a sender who wants to
// be misunderstood can manage that, and harms nobody else's. Segments that hold one KEEPALIVE
// and nothing else need not be shown to it.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <vector>

namespace radial::host {

struct TcpSegment {
  std::uint32_t sequence = 0;
  bool opens = false;   // SYN
  bool closes = false;  // FIN or RST
  std::vector<std::uint8_t> payload = {};
};

class BgpStream {
 public:
  using Time = std::chrono::steady_clock::time_point;

  // The messages that `segment` completes, each with its header.
  std::vector<std::vector<std::uint8_t>> take(Time now, const TcpSegment& segment);
  // Whether messages were missed since it was last asked: a segment that did not come, or
  // what is no BGP. It goes on with the next message that it finds.
  bool lost(Time now);

 private:
  void append(std::span<const std::uint8_t> bytes, std::vector<std::vector<std::uint8_t>>& messages);
  // True when the segment was used, or is not needed.
  bool use(std::uint32_t sequence, std::span<const std::uint8_t> bytes, std::vector<std::vector<std::uint8_t>>& messages);
  void give_up();

  std::optional<std::uint32_t> next_;                        // sequence number; nothing: it looks for a message
  std::vector<std::uint8_t> pending_;                        // a message that is not complete
  std::map<std::uint32_t, std::vector<std::uint8_t>> early_; // segments behind a gap
  std::size_t early_bytes_ = 0;
  std::optional<Time> gap_since_;
  bool lost_ = false;
};

}  // namespace radial::host
