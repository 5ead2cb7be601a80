// The timers (paper, section 6; the kernel's timers.c). Each peer stands in the
// schedule once, at the earliest of its deadlines; a deadline that was put off
// since is found out when its turn comes.
#include <algorithm>

#include "engine/noise/device_impl.h"

namespace radial::engine {
namespace {

// Peers served by one poll(), so that a data thread that waits for the mutex
// does not wait for ten thousand handshakes.
constexpr std::size_t peers_per_poll = 64;

// How far ahead of its deadline a timer armed by a data thread is noticed.
constexpr Duration longest_sleep = std::chrono::milliseconds(500);

}  // namespace

void Device::Impl::poll(const Now& now, Actions& out) {
  for (auto* peer : timers.take_requests()) reschedule(*peer);
  std::vector<Peer*> due;
  for (auto at = schedule.begin(); at != schedule.end() && at->first <= now.boot && due.size() < peers_per_poll; ++at) {
    due.push_back(at->second);
  }
  for (auto* peer : due) {
    run_due(*peer, now, out);
    reschedule(*peer);
  }
}

void Device::Impl::run_due(Peer& peer, const Now& now, Actions& out) {
  auto& state = state_of(peer);
  const auto take = [&](std::atomic<std::int64_t>& deadline) {
    auto at = deadline.load();
    return at != 0 && at <= to_ns(now.boot) && deadline.compare_exchange_strong(at, 0);
  };
  if (state.retransmit_at <= now.boot) retransmit(peer, now, out);
  if (take(peer.keepalive_at_)) {
    send_keepalive(peer, now, out);
    if (peer.another_keepalive_.exchange(false)) {
      peer.keepalive_at_.store(to_ns(now.boot + limits.keepalive_timeout));
    }
  }
  if (take(peer.new_handshake_at_)) {
    clear_local(peer);
    initiate(peer, false, now, out);
  }
  if (take(peer.persistent_at_) && peer.persistent_interval_.load() != 0) send_keepalive(peer, now, out);
  if (state.clear_keys_at <= now.boot) {
    state.clear_keys_at = never;
    clear_handshake(peer);
    clear_keypairs(peer);
    out.events.push_back({Event::Kind::session_cleared, peer.key(), now.wall, UdpPath()});
  }
}

void Device::Impl::retransmit(Peer& peer, const Now& now, Actions& out) {
  auto& state = state_of(peer);
  state.retransmit_at = never;
  if (state.attempts > limits.rekey_attempt_time / limits.rekey_timeout) {
    peer.keepalive_at_.store(0);
    // Until somebody wants to send again; the keys go in their time.
    purge_staged(peer);
    if (state.clear_keys_at == never) state.clear_keys_at = now.boot + 3 * limits.reject_after_time;
    out.events.push_back({Event::Kind::handshake_gave_up, peer.key(), now.wall, UdpPath()});
    return;
  }
  if (const auto last = peer.last_handshake_sent_.load(); !may_initiate(last, now.boot, limits)) {
    // A response of ours went out meanwhile. If nothing comes of it, go on.
    state.retransmit_at = from_ns(last) + limits.rekey_timeout + timers.jitter(peer, now.boot);
    return;
  }
  ++state.attempts;
  // No answer: perhaps the local address we insist on is the reason.
  clear_local(peer);
  initiate(peer, true, now, out);
}

void Device::Impl::reschedule(Peer& peer) {
  auto& state = state_of(peer);
  // First withdraw the promise, then look: see PeerTimers::lower_promise.
  peer.promised_.store(INT64_MAX, std::memory_order_seq_cst);
  auto next = never;
  if (device.is_up() && !is_dead(peer)) {
    next = std::min({state.retransmit_at, state.clear_keys_at, PeerTimers::earliest(peer)});
  }
  if (next != never) (void)PeerTimers::lower_promise(peer, to_ns(next));
  if (next == state.scheduled_at) return;
  unschedule(peer);
  state.scheduled_at = next;
  if (next != never) schedule.emplace(next, &peer);
}

void Device::Impl::unschedule(Peer& peer) {
  auto& state = state_of(peer);
  if (state.scheduled_at != never) schedule.erase({state.scheduled_at, &peer});
  state.scheduled_at = never;
}

Instant Device::Impl::next_poll(Instant now) const {
  const auto next = schedule.empty() ? never : schedule.begin()->first;
  if (!device.is_up() || order.empty()) return next;
  return std::min(next, now + std::min(longest_sleep, Duration(limits.keepalive_timeout / 4)));
}

void Device::Impl::stop(Peer& peer) {
  auto& state = state_of(peer);
  state.staged.clear();
  PeerTimers::stop(peer);
  state.retransmit_at = never;
  state.clear_keys_at = never;
  clear_handshake(peer);
  clear_keypairs(peer);
  peer.last_handshake_sent_.store(INT64_MIN);
  reschedule(peer);
}

}  // namespace radial::engine
