// What radial-wire pushes of its peers (radial_watch=1, docs/radial-wire.md):
// handshakes and roaming are heard of when they happen, and nobody polls.
// Other implementations push nothing; their users look once a second.
//
// Threading: one thread, which waits for fd() to be readable and calls drain().
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/fd.h"
#include "base/ip.h"
#include "base/key.h"
#include "base/result.h"

namespace radial::host {

struct WireEvent {
  enum class Kind {
    handshake,  // a session was made
    endpoint,   // the peer is elsewhere now
    gave_up,    // it did not answer for a minute and a half
    cleared,    // its keys were forgotten
    counters,   // something of it was dropped since the last time, at most once in five seconds
  };
  Kind kind = Kind::handshake;
  PublicKey peer;
  std::optional<Endpoint> endpoint;  // numeric
  std::uint64_t bad_source = 0;      // counters: packets so far that were dropped as their source was not the peer's
};

// Takes the whole blocks at the front of `text` and removes them from it.
// Events of a kind that is not known are passed over; a block that is no event is a protocol error.
[[nodiscard]] Result<std::vector<WireEvent>> take_wire_events(std::string& text);

class WireEvents {
 public:
  // unsupported: what serves the interface does not push. not_found: nobody serves it.
  [[nodiscard]] static Result<WireEvents> open(std::string_view interface);

  [[nodiscard]] int fd() const { return fd_.get(); }
  // What has come since. unavailable: the process ended, or we were too slow for it.
  [[nodiscard]] Result<std::vector<WireEvent>> drain();

 private:
  explicit WireEvents(Fd fd) : fd_(std::move(fd)) {}
  Fd fd_;
  std::string unread_;
};

}  // namespace radial::host
