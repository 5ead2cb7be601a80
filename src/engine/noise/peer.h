// A peer, as data threads see it: its published session and path, counters and
// timers. The handshake's own state is Device's
// and lives behind its mutex in PeerState.
//
// Lifetime: reached through published pointers inside an EpochDomain::Section,
// or under Device's mutex. A peer that was removed may be used to the end of
// the Section; what is done to it then has no effect.
//
// The timers are those of the kernel's timers.c that packets arm and stop; each
// is a deadline in an atomic, so that either is a store. Device looks at them.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>

#include "base/key.h"
#include "engine/noise/keypair.h"
#include "engine/noise/limits.h"
#include "engine/noise/time.h"
#include "engine/noise/udp_path.h"

namespace radial::engine {

struct PeerState;

struct PeerCounters {
  std::atomic<std::uint64_t> rx_bytes{0}, tx_bytes{0};  // UDP payload, handshakes included, as wg(8) counts
  std::atomic<std::uint64_t> rx_packets{0}, tx_packets{0};  // data messages, keepalives included
  std::atomic<std::uint64_t> rx_bad_tag{0};     // did not decrypt
  std::atomic<std::uint64_t> rx_replayed{0};    // counter seen, or behind the window
  std::atomic<std::uint64_t> rx_bad_source{0};  // inner source is not the peer's, or the packet is malformed
  std::atomic<std::uint64_t> tx_dropped{0};     // staged for a handshake that never came, or pushed out; its own, routed back
};

class Peer {
 public:
  explicit Peer(const PublicKey& key);
  ~Peer();
  Peer(const Peer&) = delete;
  Peer& operator=(const Peer&) = delete;

  [[nodiscard]] const PublicKey& key() const { return key_; }
  // Null when the peer has no endpoint. Valid to the end of the Section.
  [[nodiscard]] const UdpPath* path() const { return path_.load(std::memory_order_seq_cst); }
  // The keypair to send with, which may have expired; null when there is none.
  [[nodiscard]] Keypair* current() const { return current_.load(std::memory_order_seq_cst); }
  [[nodiscard]] bool is_live(Instant now, const ProtocolLimits& limits) const {
    const Keypair* keypair = current();
    return keypair != nullptr && keypair->can_send(now, limits);
  }
  [[nodiscard]] PeerCounters& counters() { return counters_; }
  [[nodiscard]] const PeerCounters& counters() const { return counters_; }

  // For the program's own use (for example, per-thread tables); the core does
  // not touch it. Written before the peer is published or by one thread only.
  std::atomic<void*> user_data{nullptr};

 private:
  friend class Device;
  friend class DataPath;
  friend struct PeerState;
  friend class PeerTimers;

  const PublicKey key_;
  std::atomic<const UdpPath*> path_{nullptr};
  std::atomic<Keypair*> current_{nullptr};
  std::atomic<Keypair*> next_{nullptr};  // responder's, until its first packet confirms it
  std::atomic<bool> dead_{false};

  // Deadlines in nanoseconds of BootClock; 0: not pending.
  std::atomic<std::int64_t> new_handshake_at_{0};  // data was sent and nothing came back
  std::atomic<std::int64_t> keepalive_at_{0};      // data came and nothing was sent back
  std::atomic<std::int64_t> persistent_at_{0};
  std::atomic<std::int64_t> persistent_interval_{0};  // 0: off
  std::atomic<bool> another_keepalive_{false};        // data came while keepalive_at_ was pending
  std::atomic<bool> sent_last_minute_handshake_{false};
  std::atomic<std::int64_t> last_handshake_sent_{INT64_MIN};  // initiations and responses; limits initiations
  // The slow path has promised to look at these deadlines by then.
  std::atomic<std::int64_t> promised_{INT64_MAX};

  alignas(64) PeerCounters counters_;
  std::unique_ptr<PeerState> state_;
};

}  // namespace radial::engine
