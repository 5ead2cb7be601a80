#include "engine/noise/peer_timers.h"

#include <algorithm>
#include <utility>

namespace radial::engine {

void PeerTimers::data_sent(Peer& peer, Instant now) {
  if (!up_.load(std::memory_order_relaxed)) return;
  std::int64_t pending = peer.new_handshake_at_.load(std::memory_order_relaxed);
  if (pending != 0) return;
  const auto deadline = to_ns(now + limits_.keepalive_timeout + limits_.rekey_timeout + jitter(peer, now));
  if (peer.new_handshake_at_.compare_exchange_strong(pending, deadline)) request(peer, deadline);
}

void PeerTimers::data_received(Peer& peer, Instant now) {
  if (!up_.load(std::memory_order_relaxed)) return;
  std::int64_t pending = peer.keepalive_at_.load(std::memory_order_relaxed);
  const auto deadline = to_ns(now + limits_.keepalive_timeout);
  if (pending == 0 && peer.keepalive_at_.compare_exchange_strong(pending, deadline)) {
    request(peer, deadline);
  } else if (!peer.another_keepalive_.load(std::memory_order_relaxed)) {
    peer.another_keepalive_.store(true, std::memory_order_relaxed);
  }
}

void PeerTimers::any_traversal(Peer& peer, Instant now) {
  const auto interval = peer.persistent_interval_.load(std::memory_order_relaxed);
  if (interval == 0 || !up_.load(std::memory_order_relaxed)) return;
  const auto deadline = to_ns(now) + interval;
  if (peer.persistent_at_.exchange(deadline) == 0) request(peer, deadline);
}

Duration PeerTimers::jitter(const Peer& peer, Instant now) const {
  if (limits_.rekey_jitter.count() <= 0) return Duration::zero();
  // The finaliser of SplitMix64 over the time and the key: no two peers and no
  // two moments alike, and the same again in a test with the same clock.
  std::uint64_t mixed = static_cast<std::uint64_t>(to_ns(now));
  for (std::size_t i = 0; i < 8; ++i) mixed += static_cast<std::uint64_t>(peer.key().bytes()[i]) << (8 * i);
  mixed = (mixed ^ (mixed >> 30U)) * 0xbf58476d1ce4e5b9ULL;
  mixed = (mixed ^ (mixed >> 27U)) * 0x94d049bb133111ebULL;
  mixed ^= mixed >> 31U;
  return Duration(static_cast<std::int64_t>(mixed % static_cast<std::uint64_t>(limits_.rekey_jitter.count())));
}

// Order against the slow path: it first withdraws its promise and then reads
// the deadlines; a data thread first writes a deadline and then reads the
// promise. Whichever comes second sees the other.
bool PeerTimers::lower_promise(Peer& peer, std::int64_t deadline) {
  auto promised = peer.promised_.load(std::memory_order_seq_cst);
  while (deadline < promised) {
    if (peer.promised_.compare_exchange_weak(promised, deadline, std::memory_order_seq_cst)) return true;
  }
  return false;
}

void PeerTimers::request(Peer& peer, std::int64_t deadline) {
  if (!lower_promise(peer, deadline)) return;
  const std::lock_guard lock(mutex_);
  if (!peer.dead_.load(std::memory_order_relaxed)) requests_.push_back(&peer);
}

std::vector<Peer*> PeerTimers::take_requests() {
  const std::lock_guard lock(mutex_);
  return std::exchange(requests_, {});
}

void PeerTimers::forget(Peer& peer) {
  const std::lock_guard lock(mutex_);
  peer.dead_.store(true, std::memory_order_seq_cst);
  std::erase(requests_, &peer);
}

Instant PeerTimers::earliest(const Peer& peer) {
  auto earliest = never;
  for (const auto* deadline : {&peer.new_handshake_at_, &peer.keepalive_at_, &peer.persistent_at_}) {
    const auto at = deadline->load(std::memory_order_seq_cst);
    if (at != 0) earliest = std::min(earliest, from_ns(at));
  }
  return earliest;
}

void PeerTimers::stop(Peer& peer) {
  peer.new_handshake_at_.store(0);
  peer.keepalive_at_.store(0);
  peer.persistent_at_.store(0);
  peer.another_keepalive_.store(false);
}

}  // namespace radial::engine
