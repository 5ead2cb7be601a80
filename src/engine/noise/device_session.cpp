#include <algorithm>

#include "engine/noise/data_path.h"
#include "engine/noise/device_impl.h"

namespace radial::engine {

// The three slots (paper, section 6.2 and the kernel): the initiator may send
// at once, its response proves the other side; the responder keeps the new
// keypair aside until a first packet under it proves that the initiator has it.
void Device::Impl::begin_session(Peer& peer, const Handshake& handshake, Instant now) {
  auto& state = state_of(peer);
  auto keys = derive_session(handshake);
  auto keypair = std::make_unique<Keypair>(
      Keypair::Parts{&peer, handshake.local_index, handshake.remote_index, keys.initiator, now},
      std::move(keys.send), std::move(keys.receive));
  indices.add(*keypair);  // takes the handshake's index over

  if (keys.initiator) {
    auto before_previous = std::move(state.previous);
    if (state.next) {
      state.previous = std::move(state.next);
      auto before_current = std::exchange(state.current, std::move(keypair));
      peer.next_.store(nullptr);
      peer.current_.store(state.current.get());
      discard(std::move(before_current));
    } else {
      state.previous = std::exchange(state.current, std::move(keypair));
      peer.current_.store(state.current.get());
    }
    discard(std::move(before_previous));
  } else {
    auto before_next = std::exchange(state.next, std::move(keypair));
    peer.next_.store(state.next.get());
    discard(std::move(before_next));
    discard(std::move(state.previous));
  }
  state.clear_keys_at = now + 3 * limits.reject_after_time;
}

void Device::Impl::confirm(Keypair& keypair, const Now& now, Actions& out) {
  auto& peer = keypair.peer();
  auto& state = state_of(peer);
  if (is_dead(peer) || state.next.get() != &keypair) return;  // another thread was first
  auto before_previous = std::exchange(state.previous, std::move(state.current));
  state.current = std::move(state.next);
  peer.current_.store(state.current.get());
  peer.next_.store(nullptr);
  discard(std::move(before_previous));
  handshake_completed(peer, now, out);
  send_staged(peer, now, out);
  reschedule(peer);
}

void Device::Impl::handshake_completed(Peer& peer, const Now& now, Actions& out) {
  auto& state = state_of(peer);
  state.retransmit_at = never;
  state.attempts = 0;
  state.last_handshake = now.wall;
  peer.sent_last_minute_handshake_.store(false);
  out.events.push_back(
      {Event::Kind::handshake_completed, peer.key(), now.wall, state.path ? *state.path : UdpPath()});
}

void Device::Impl::clear_keypairs(Peer& peer) {
  auto& state = state_of(peer);
  peer.current_.store(nullptr);
  peer.next_.store(nullptr);
  for (auto* slot : {&state.current, &state.previous, &state.next}) discard(std::move(*slot));
}

void Device::Impl::discard(std::unique_ptr<Keypair> keypair) {
  if (keypair == nullptr) return;
  indices.remove(*keypair);
  device.epochs_.retire(std::move(keypair));
}

void Device::Impl::stage(Peer& peer, Bytes packet) {
  auto& staged = state_of(peer).staged;
  while (staged.size() >= limits.staged_packets && !staged.empty()) {
    staged.pop_front();
    peer.counters_.tx_dropped.fetch_add(1, std::memory_order_relaxed);
  }
  staged.emplace_back(packet.begin(), packet.end());
}

void Device::Impl::purge_staged(Peer& peer) {
  auto& staged = state_of(peer).staged;
  peer.counters_.tx_dropped.fetch_add(staged.size(), std::memory_order_relaxed);
  staged.clear();
}

void Device::Impl::send_staged(Peer& peer, const Now& now, Actions& out) {
  auto& state = state_of(peer);
  if (state.staged.empty() || !device.is_up() || !state.path) return;
  auto* keypair = state.current.get();
  if (keypair != nullptr && keypair->can_send(now.boot, limits)) {
    if (const auto first = keypair->reserve(state.staged.size(), limits.reject_after_messages)) {
      transmit(peer, *first, now.boot, out);
      keep_key_fresh(peer, now, out);
      return;
    }
  }
  if (keypair != nullptr) keypair->invalidate_sending();
  initiate(peer, false, now, out);
}

// An empty packet, unless something is waiting that serves as well.
void Device::Impl::send_keepalive(Peer& peer, const Now& now, Actions& out) {
  if (state_of(peer).staged.empty()) stage(peer, {});
  send_staged(peer, now, out);
}

void Device::Impl::transmit(Peer& peer, std::uint64_t first_counter, Instant now, Actions& out) {
  auto& state = state_of(peer);
  const auto& keypair = *state.current;
  bool has_data = false;
  auto counter = first_counter;
  for (const auto& packet : state.staged) {
    const auto padded = padded_size(packet.size(), device.mtu());
    std::vector<std::uint8_t> message(data::overhead + padded);
    store_u32(message.data(), static_cast<std::uint32_t>(MessageType::data));
    store_u32(message.data() + data::receiver, keypair.remote_index());
    store_u64(message.data() + data::counter, counter);
    auto* payload = message.data() + data::header_size;
    std::copy(packet.begin(), packet.end(), payload);
    AeadJob job{&keypair.send_key(), counter, payload, payload, padded};
    aead->seal(std::span(&job, 1));
    ++counter;
    has_data = has_data || !packet.empty();
    peer.counters_.tx_bytes.fetch_add(message.size(), std::memory_order_relaxed);
    peer.counters_.tx_packets.fetch_add(1, std::memory_order_relaxed);
    const auto ds = packet.empty() ? std::uint8_t{0} : ecn_encapsulate(ds_field(packet));
    out.datagrams.push_back({*state.path, ds, peer.key(), std::move(message)});
  }
  aead->forget_keys();
  state.staged.clear();
  timers.any_traversal(peer, now);
  timers.any_sent(peer);
  if (has_data) timers.data_sent(peer, now);
}

// After sending: the initiator of an old session, and either side of one that
// has carried too many messages, asks for a new one.
void Device::Impl::keep_key_fresh(Peer& peer, const Now& now, Actions& out) {
  const auto* keypair = state_of(peer).current.get();
  if (keypair == nullptr) return;
  if (keypair->sent() > limits.rekey_after_messages ||
      (keypair->initiator() && keypair->expired(now.boot, limits.rekey_after_time))) {
    initiate(peer, false, now, out);
  }
}

void Device::Impl::set_path(Peer& peer, const UdpPath& path) {
  auto& state = state_of(peer);
  std::unique_ptr<const UdpPath> fresh = path.is_set() ? std::make_unique<const UdpPath>(path) : nullptr;
  auto before = std::exchange(state.path, std::move(fresh));
  peer.path_.store(state.path.get(), std::memory_order_seq_cst);
  device.epochs_.retire(std::move(before));
}

void Device::Impl::roam(Peer& peer, const UdpPath& path, const Now& now, Actions& out) {
  auto& state = state_of(peer);
  if (is_dead(peer) || (state.path && *state.path == path)) return;
  const bool moved = !state.path || !state.path->same_remote(path);
  set_path(peer, path);
  if (moved) out.events.push_back({Event::Kind::endpoint_changed, peer.key(), now.wall, path});
}

void Device::Impl::clear_local(Peer& peer) {
  const auto& state = state_of(peer);
  if (!state.path || !state.path->has_local()) return;
  auto path = *state.path;
  path.clear_local();
  set_path(peer, path);
}

}  // namespace radial::engine
