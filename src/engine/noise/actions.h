// What the protocol core asks of the program around it. The core appends; the
// caller sends the datagrams in order, hands the events on, and clears.
#pragma once

#include <cstdint>
#include <vector>

#include "base/key.h"
#include "engine/noise/time.h"
#include "engine/noise/udp_path.h"

namespace radial::engine {

// DSCP AF41 for handshakes, as the kernel marks them.
inline constexpr std::uint8_t handshake_ds = 0x88;

// A complete UDP payload to send.
struct Datagram {
  UdpPath to;
  std::uint8_t ds = 0;  // IPv4 TOS / IPv6 traffic class of the outer header
  PublicKey peer;       // zero for a cookie reply, which belongs to nobody yet
  std::vector<std::uint8_t> bytes;
};

struct Event {
  enum class Kind : std::uint8_t {
    handshake_completed,  // a session is confirmed
    endpoint_changed,     // the peer roamed; `path` is the new one
    handshake_gave_up,    // no answer for rekey_attempt_time
    session_cleared,      // the keys are gone after 3 * reject_after_time
  };
  Kind kind{};
  PublicKey peer;
  WallTime when{};
  UdpPath path;
};

struct Actions {
  std::vector<Datagram> datagrams;
  std::vector<Event> events;

  [[nodiscard]] bool empty() const { return datagrams.empty() && events.empty(); }
  void clear() {
    datagrams.clear();
    events.clear();
  }
};

}  // namespace radial::engine
