#include <algorithm>
#include <array>

#include "engine/noise/device_impl.h"

namespace radial::engine {

// Sends an initiation unless one (or a response) went out less than
// rekey_timeout ago. Where the kernel would compute one for a peer without an
// endpoint and fail to send it, this waits: who sets the endpoint, or the
// peer's own initiation, sets things going.
void Device::Impl::initiate(Peer& peer, bool is_retry, const Now& now, Actions& out) {
  auto& state = state_of(peer);
  if (!is_retry) state.attempts = 0;
  if (is_dead(peer) || !device.is_up() || identity == nullptr || !state.path) return;
  if (!may_initiate(peer.last_handshake_sent_.load(), now.boot, limits)) return;
  peer.last_handshake_sent_.store(to_ns(now.boot));

  clear_handshake(peer);
  const auto index = indices.add_handshake(peer);
  std::array<std::uint8_t, initiation::size> message{};
  if (!create_initiation(state.handshake, *identity, remote_keys(peer), x25519_private(entropy),
                         next_timestamp(state, now.wall), index, message)) {
    indices.remove_handshake(index);
    return;
  }
  send_handshake(peer, message, now.boot, out);
  state.retransmit_at = now.boot + limits.rekey_timeout + timers.jitter(peer, now.boot);
  reschedule(peer);
}

// The answered handshake is not the peer's pending one: when both sides begin at
// once, each answers the other and still takes the answer to its own. (Linux has
// one place for both, loses its own, and begins again after 5 s.)
void Device::Impl::respond(Peer& peer, Handshake handshake, const Now& now, Actions& out) {
  peer.last_handshake_sent_.store(to_ns(now.boot));
  const auto index = indices.add_handshake(peer);
  std::array<std::uint8_t, response::size> message{};
  if (!create_response(handshake, remote_keys(peer), x25519_private(entropy), index, message)) {
    indices.remove_handshake(index);
    return;
  }
  begin_session(peer, handshake, now.boot);
  send_handshake(peer, message, now.boot, out);
}

void Device::Impl::send_handshake(Peer& peer, MutableBytes message, Instant now, Actions& out) {
  auto& state = state_of(peer);
  state.cookies.sign(message, now, limits);
  timers.any_traversal(peer, now);
  timers.any_sent(peer);
  peer.counters_.tx_bytes.fetch_add(message.size(), std::memory_order_relaxed);
  out.datagrams.push_back({*state.path, handshake_ds, peer.key(), {message.begin(), message.end()}});
}

Device::Impl::Admission Device::Impl::admit(Bytes message, const UdpPath& from, bool busy, Instant now) {
  bool under_load = busy;
  if (busy) {
    last_load = now;
  } else if (last_load) {
    under_load = now - *last_load < limits.load_hysteresis;
    if (!under_load) last_load.reset();
  }
  if (!cookies.mac1_is_right(message)) return Admission::refused;
  if (!under_load) return Admission::admitted;
  if (!cookies.mac2_is_right(message, from, now, limits)) return Admission::cookie;
  return limiter.allow(from.address(), now, limits) ? Admission::admitted : Admission::refused;
}

void Device::Impl::send_cookie(Bytes message, const UdpPath& to, Instant now, Actions& out) {
  const auto reply = cookies.reply(message, to, now, limits);
  out.datagrams.push_back({to, 0, PublicKey(), {reply.begin(), reply.end()}});
}

std::optional<std::pair<Peer*, Handshake>> Device::Impl::consume_initiation(OpenedInitiation opened, Bytes message,
                                                                           Instant now) {
  const auto found = peers.find(opened.remote_static);
  if (found == peers.end()) return std::nullopt;
  auto& peer = *found->second;
  auto& state = state_of(peer);
  const auto timestamp = finish_initiation(opened, static_static(peer), message.first<initiation::size>());
  if (!timestamp) return std::nullopt;
  const bool replayed = *timestamp <= state.latest_timestamp;
  const bool flood = state.initiation_consumed && *state.initiation_consumed + limits.initiation_interval > now;
  if (replayed || flood) return std::nullopt;
  state.latest_timestamp = *timestamp;
  state.initiation_consumed = now;
  return std::pair(&peer, adopt(std::move(opened)));
}

void Device::Impl::consume_response(Bytes message, const UdpPath& from, const Now& now, Actions& out) {
  auto* peer = indices.find_handshake(load_u32(message.data() + response::receiver));
  if (peer == nullptr) return;
  auto& state = state_of(*peer);
  if (!engine::consume_response(state.handshake, *identity, state.preshared_key, message.first<response::size>())) {
    return;
  }
  roam(*peer, from, now, out);
  begin_session(*peer, std::exchange(state.handshake, Handshake()), now.boot);
  handshake_completed(*peer, now, out);
  // What waits, or else a keepalive: either tells the responder that we have
  // the keys.
  send_keepalive(*peer, now, out);
  handshake_received(*peer, message.size(), now);
  reschedule(*peer);
}

void Device::Impl::consume_cookie(Bytes message, Instant now) {
  const auto index = load_u32(message.data() + cookie_reply::receiver);
  auto* peer = indices.find_handshake(index);
  if (peer == nullptr) {
    const auto* keypair = indices.find(index);
    if (keypair == nullptr) return;
    peer = &keypair->peer();
  }
  // A false one changes nothing; there is nobody to tell.
  (void)state_of(*peer).cookies.consume(message, now);
}

void Device::Impl::handshake_received(Peer& peer, std::size_t size, const Now& now) {
  peer.counters_.rx_bytes.fetch_add(size, std::memory_order_relaxed);
  timers.any_received(peer);
  timers.any_traversal(peer, now.boot);
}

void Device::Impl::clear_handshake(Peer& peer) {
  auto& handshake = state_of(peer).handshake;
  if (handshake.state == Handshake::State::created_initiation) indices.remove_handshake(handshake.local_index);
  handshake = Handshake();
}

const Secret& Device::Impl::static_static(Peer& peer) {
  auto& shared = state_of(peer).static_static;
  if (!shared) {
    shared.emplace();
    (void)x25519(identity->private_key, peer.key(), *shared);  // zero: handshakes fail
  }
  return *shared;
}

RemoteKeys Device::Impl::remote_keys(Peer& peer) {
  return {peer.key(), static_static(peer), state_of(peer).preshared_key};
}

// Never earlier than one sent before, and later than the peer's last: a wall
// clock that was set back must not make a peer take us for a replay.
Tai64n Device::Impl::next_timestamp(PeerState& state, WallTime wall) {
  auto timestamp = std::max(tai64n(wall), last_timestamp);
  if (timestamp <= state.sent_timestamp) timestamp = tai64n_after(state.sent_timestamp);
  last_timestamp = std::max(last_timestamp, timestamp);
  state.sent_timestamp = timestamp;
  return timestamp;
}

}  // namespace radial::engine
