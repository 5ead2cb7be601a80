// The transport keys of one session (paper, section 5.4.5), as data threads use
// them: immutable but for the send counter, the replay window and two flags.
//
// Lifetime: published in a Peer and in the index table, freed through the
// EpochDomain; the keys are wiped then.
#pragma once

#include <atomic>
#include <cstdint>
#include <optional>

#include "engine/crypto/aead.h"
#include "engine/noise/limits.h"
#include "engine/noise/replay_window.h"
#include "engine/noise/time.h"

namespace radial::engine {

class Peer;

class Keypair {
 public:
  struct Parts {
    Peer* peer;
    std::uint32_t local_index, remote_index;
    bool initiator;
    Instant created;
  };
  Keypair(const Parts& parts, Secret send_key, Secret receive_key)
      : parts_(parts), send_key_(std::move(send_key)), receive_key_(std::move(receive_key)) {}

  [[nodiscard]] Peer& peer() const { return *parts_.peer; }
  [[nodiscard]] std::uint32_t local_index() const { return parts_.local_index; }    // in what we receive
  [[nodiscard]] std::uint32_t remote_index() const { return parts_.remote_index; }  // in what we send
  [[nodiscard]] bool initiator() const { return parts_.initiator; }
  [[nodiscard]] Instant created() const { return parts_.created; }
  [[nodiscard]] const AeadKey& send_key() const { return send_key_; }
  [[nodiscard]] const AeadKey& receive_key() const { return receive_key_; }
  [[nodiscard]] ReplayWindow& window() { return window_; }

  [[nodiscard]] bool expired(Instant now, Duration age) const { return now - parts_.created >= age; }
  [[nodiscard]] bool can_send(Instant now, const ProtocolLimits& limits) const {
    return send_valid_.load(std::memory_order_relaxed) && !expired(now, limits.reject_after_time) &&
           sent() < limits.reject_after_messages;
  }
  [[nodiscard]] bool can_receive(Instant now, const ProtocolLimits& limits) const {
    return !expired(now, limits.reject_after_time);
  }
  void invalidate_sending() { send_valid_.store(false, std::memory_order_relaxed); }

  // Takes `n` consecutive counters and returns the first, or nothing when
  // they would reach the limit (sending is then over with this keypair).
  [[nodiscard]] std::optional<std::uint64_t> reserve(std::uint64_t n, std::uint64_t limit);
  [[nodiscard]] std::uint64_t sent() const { return send_counter_.load(std::memory_order_relaxed); }

 private:
  friend class IndexTable;
  friend struct KeypairTestAccess;

  const Parts parts_;
  const AeadKey send_key_, receive_key_;
  std::atomic<bool> send_valid_{true};
  std::atomic<Keypair*> next_in_bucket_{nullptr};
  alignas(64) std::atomic<std::uint64_t> send_counter_{0};
  alignas(64) ReplayWindow window_;
};

}  // namespace radial::engine
