// The timers that data packets arm and stop (paper, section 6; the kernel's
// timers.c): stores to a peer's atomics, plus a word to the slow path when a
// deadline comes before the one it had promised to look at.
//
// Threading: any thread that may use the peer.
#pragma once

#include <atomic>
#include <mutex>
#include <vector>

#include "engine/noise/limits.h"
#include "engine/noise/peer.h"
#include "engine/noise/time.h"

namespace radial::engine {

class PeerTimers {
 public:
  PeerTimers(const ProtocolLimits& limits, const std::atomic<bool>& up) : limits_(limits), up_(up) {}

  // A data packet that is not a keepalive was sent.
  void data_sent(Peer& peer, Instant now);
  // A data packet that is not a keepalive was received.
  void data_received(Peer& peer, Instant now);
  // Any authenticated message, keepalives and handshakes included.
  void any_sent(Peer& peer) { clear(peer.keepalive_at_); }
  void any_received(Peer& peer) { clear(peer.new_handshake_at_); }
  // Either direction.
  void any_traversal(Peer& peer, Instant now);

  // Random enough to keep two peers apart: up to limits.rekey_jitter.
  [[nodiscard]] Duration jitter(const Peer& peer, Instant now) const;

  // For the slow path: makes sure that the peer is looked at by `deadline`.
  // True when it has to be told (the promise was later than that).
  [[nodiscard]] static bool lower_promise(Peer& peer, std::int64_t deadline);
  // The peers that data threads want looked at sooner; empties the list.
  [[nodiscard]] std::vector<Peer*> take_requests();
  // The peer goes away: after this, no request names it.
  void forget(Peer& peer);
  // The earliest of the peer's deadlines kept here; `never` when none.
  [[nodiscard]] static Instant earliest(const Peer& peer);
  // Stops all of them.
  static void stop(Peer& peer);

 private:
  static void clear(std::atomic<std::int64_t>& deadline) {
    if (deadline.load(std::memory_order_relaxed) != 0) deadline.store(0, std::memory_order_seq_cst);
  }
  void request(Peer& peer, std::int64_t deadline);

  const ProtocolLimits& limits_;
  const std::atomic<bool>& up_;
  std::mutex mutex_;
  std::vector<Peer*> requests_;
};

[[nodiscard]] inline std::int64_t to_ns(Instant instant) { return instant.time_since_epoch().count(); }
[[nodiscard]] inline Instant from_ns(std::int64_t ns) { return Instant(Duration(ns)); }

}  // namespace radial::engine
