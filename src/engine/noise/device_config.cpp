#include <algorithm>

#include "engine/noise/device_impl.h"

namespace radial::engine {

void Device::Impl::configure(DeviceChange change, const Now& now, Actions& out) {
  AllowedIps::Transaction routes(device.allowed_ips_);
  if (change.replace_peers) {
    for (auto* peer : order) {
      if (!is_dead(*peer)) remove(*peer, routes);
    }
  }
  if (change.private_key) set_private_key(*change.private_key, routes);

  std::vector<Peer*> changed;
  std::vector<Peer*> kept_alive;  // whose persistent keepalive was turned on
  for (auto& peer_change : change.peers) {
    const auto found = peers.find(peer_change.key);
    const bool had_keepalive = found != peers.end() && found->second->persistent_interval_.load() != 0;
    auto* peer = apply(peer_change, routes, now);
    if (peer == nullptr) continue;
    changed.push_back(peer);
    if (!had_keepalive && peer->persistent_interval_.load() != 0) kept_alive.push_back(peer);
  }

  routes.commit();
  publish_peers();
  for (auto& peer : removed) device.epochs_.retire(std::move(peer));
  removed.clear();

  if (device.is_up()) {
    // A later change of the same request may have removed one; it is freed in
    // a collect(), and that only by who has the mutex.
    const auto is_removed = [](const Peer* peer) { return is_dead(*peer); };
    std::erase_if(changed, is_removed);
    std::erase_if(kept_alive, is_removed);
    begin_keepalives(kept_alive, now, out);
    for (auto* peer : changed) {
      send_staged(*peer, now, out);
      reschedule(*peer);
    }
  }
  device.epochs_.collect();
}

void Device::Impl::set_private_key(const Secret& key, AllowedIps::Transaction& routes) {
  const auto clamped = key.is_zero() ? Secret() : x25519_clamp(key);
  if (identity ? identity->private_key.equals(clamped) : clamped.is_zero()) return;
  identity = clamped.is_zero() ? nullptr : std::make_shared<const Identity>(clamped.clone());
  if (identity) {
    cookies.set_public_key(identity->public_key);
    if (const auto self = peers.find(identity->public_key); self != peers.end()) remove(*self->second, routes);
  }
  // Sessions made with the old key may still receive; what we send needs new ones.
  for (auto* peer : order) {
    if (is_dead(*peer)) continue;
    auto& state = state_of(*peer);
    state.static_static.reset();
    clear_handshake(*peer);
    peer->last_handshake_sent_.store(INT64_MIN);
    for (auto* keypair : {state.current.get(), state.next.get()}) {
      if (keypair != nullptr) keypair->invalidate_sending();
    }
  }
}

// Returns the peer unless it was removed or skipped.
Peer* Device::Impl::apply(PeerChange& change, AllowedIps::Transaction& routes, const Now& now) {
  auto found = peers.find(change.key);
  if (change.remove) {
    if (found != peers.end()) remove(*found->second, routes);
    return nullptr;
  }
  if (found == peers.end()) {
    if (change.update_only || (identity && identity->public_key == change.key)) return nullptr;
    found = peers.emplace(change.key, std::make_unique<Peer>(change.key)).first;
    order.push_back(found->second.get());
  }
  auto& peer = *found->second;
  if (change.preshared_key) state_of(peer).preshared_key = std::move(*change.preshared_key);
  if (change.endpoint) set_path(peer, *change.endpoint);
  if (change.replace_allowed_ips) routes.remove_all(&peer);
  for (const auto& allowed : change.allowed_ips) {
    if (allowed.remove) {
      (void)routes.remove(allowed.prefix, &peer);  // absent already: what was wanted
    } else {
      routes.insert(allowed.prefix, &peer);
    }
  }
  if (change.persistent_keepalive) set_keepalive(peer, *change.persistent_keepalive, now.boot);
  return &peer;
}

// A shorter interval counts from now, not from the next packet on.
void Device::Impl::set_keepalive(Peer& peer, std::uint16_t seconds, Instant now) {
  const auto interval = Duration(std::chrono::seconds(seconds)).count();
  peer.persistent_interval_.store(interval);
  const auto pending = peer.persistent_at_.load();
  if (interval == 0) {
    peer.persistent_at_.store(0);
  } else if (pending != 0) {
    peer.persistent_at_.store(std::min(pending, to_ns(now) + interval));
  }
}

// A keepalive to each means a handshake with each. A few are begun at once; of
// many, poll() takes its share a call, so that the mutex is not held for long.
void Device::Impl::begin_keepalives(std::span<Peer* const> kept_alive, const Now& now, Actions& out) {
  constexpr std::size_t few = 16;
  for (auto* peer : kept_alive) {
    if (kept_alive.size() <= few) {
      send_keepalive(*peer, now, out);
    } else {
      peer->persistent_at_.store(to_ns(now.boot));
    }
    reschedule(*peer);
  }
}

void Device::Impl::remove(Peer& peer, AllowedIps::Transaction& routes) {
  auto& state = state_of(peer);
  timers.forget(peer);  // marks it dead
  unschedule(peer);
  clear_handshake(peer);
  routes.remove_all(&peer);
  peer.current_.store(nullptr);
  peer.next_.store(nullptr);
  // The keypairs die with the peer, when no data thread can hold either.
  for (const auto* keypair : {state.current.get(), state.previous.get(), state.next.get()}) {
    if (keypair != nullptr) indices.remove(*keypair);
  }
  state.staged.clear();
  const auto found = peers.find(peer.key());
  removed.push_back(std::move(found->second));
  peers.erase(found);
}

void Device::Impl::publish_peers() {
  std::erase_if(order, [](const Peer* peer) { return is_dead(*peer); });
  const auto* before = published_peers.load();
  if (*before == order) return;
  published_peers.store(new std::vector<Peer*>(order), std::memory_order_seq_cst);
  device.epochs_.retire([before] { delete before; });
}

}  // namespace radial::engine
