#include "engine/noise/device.h"

#include <utility>

#include "engine/noise/device_impl.h"

namespace radial::engine {
namespace {

PeerCounts counts_of(const Peer& peer) {
  const auto& counters = peer.counters();
  PeerCounts counts;
  for (const auto& [to, from] : {std::pair{&counts.rx_bytes, &counters.rx_bytes},
                                 std::pair{&counts.tx_bytes, &counters.tx_bytes},
                                 std::pair{&counts.rx_packets, &counters.rx_packets},
                                 std::pair{&counts.tx_packets, &counters.tx_packets},
                                 std::pair{&counts.rx_bad_tag, &counters.rx_bad_tag},
                                 std::pair{&counts.rx_replayed, &counters.rx_replayed},
                                 std::pair{&counts.rx_bad_source, &counters.rx_bad_source},
                                 std::pair{&counts.tx_dropped, &counters.tx_dropped}})
    *to = from->load(std::memory_order_relaxed);
  return counts;
}

}  // namespace

Device::Impl::Impl(Device& owner)
    : device(owner),
      limits(owner.options_.limits),
      entropy(owner.options_.entropy ? owner.options_.entropy : system_entropy()),
      published_peers(new std::vector<Peer*>()),
      indices(entropy),
      cookies(entropy),
      timers(limits, owner.up_),
      aead(make_best_aead()) {}

Device::Impl::~Impl() { delete published_peers.load(); }

Device::Device(DeviceOptions options)
    : options_(std::move(options)), allowed_ips_(epochs_), impl_(std::make_unique<Impl>(*this)) {}

Device::~Device() = default;

void Device::configure(DeviceChange change, const Now& now, Actions& out) {
  const std::lock_guard lock(impl_->mutex);
  impl_->configure(std::move(change), now, out);
}

DeviceStatus Device::status() const {
  const std::lock_guard lock(impl_->mutex);
  DeviceStatus status;
  if (impl_->identity) status.private_key = impl_->identity->private_key.clone();
  status.peers.reserve(impl_->order.size());
  for (auto* peer : impl_->order) {
    const auto& state = Impl::state_of(*peer);
    PeerStatus entry;
    entry.key = peer->key();
    entry.preshared_key = state.preshared_key.clone();
    if (state.path) entry.path = *state.path;
    entry.last_handshake = state.last_handshake;
    static_cast<PeerCounts&>(entry) = counts_of(*peer);
    entry.persistent_keepalive =
        static_cast<std::uint16_t>(Duration(peer->persistent_interval_.load()) / std::chrono::seconds(1));
    entry.allowed_ips = allowed_ips_.prefixes_of(peer);
    status.peers.push_back(std::move(entry));
  }
  return status;
}

std::vector<std::pair<PublicKey, PeerCounts>> Device::counts() const {
  const std::lock_guard lock(impl_->mutex);
  std::vector<std::pair<PublicKey, PeerCounts>> counts;
  counts.reserve(impl_->order.size());
  for (const auto* peer : impl_->order) counts.emplace_back(peer->key(), counts_of(*peer));
  return counts;
}

void Device::up(const Now& now, Actions& out) {
  const std::lock_guard lock(impl_->mutex);
  if (up_.exchange(true)) return;
  std::vector<Peer*> kept_alive;
  for (auto* peer : impl_->order) {
    impl_->send_staged(*peer, now, out);
    if (peer->persistent_interval_.load() != 0) kept_alive.push_back(peer);
  }
  impl_->begin_keepalives(kept_alive, now, out);
}

void Device::down() {
  const std::lock_guard lock(impl_->mutex);
  if (!up_.exchange(false)) return;
  for (auto* peer : impl_->order) impl_->stop(*peer);
  epochs_.collect();
}

void Device::receive_handshake(Bytes message, const UdpPath& from, bool busy, const Now& now, Actions& out) {
  const auto type_is = [&](MessageType type, std::size_t size) {
    return message.size() == size && is_message(message.data(), message.size(), type);
  };
  std::unique_lock lock(impl_->mutex);
  if (!up_.load() || !from.is_set() || impl_->identity == nullptr) return;
  if (type_is(MessageType::cookie_reply, cookie_reply::size)) return impl_->consume_cookie(message, now.boot);
  const bool is_initiation = type_is(MessageType::initiation, initiation::size);
  if (!is_initiation && !type_is(MessageType::response, response::size)) return;

  switch (impl_->admit(message, from, busy, now.boot)) {
    case Impl::Admission::refused: return;
    case Impl::Admission::cookie: return impl_->send_cookie(message, from, now.boot, out);
    case Impl::Admission::admitted: break;
  }
  if (!is_initiation) return impl_->consume_response(message, from, now, out);

  // The first DH needs nothing that the mutex covers, and anybody who knows our
  // public key can make us compute it: data threads shall not wait for it.
  const auto identity = impl_->identity;
  lock.unlock();
  auto opened = open_initiation(*identity, message.first<initiation::size>());
  if (!opened) return;
  lock.lock();
  if (!up_.load() || impl_->identity != identity) return;
  auto consumed = impl_->consume_initiation(std::move(*opened), message, now.boot);
  if (!consumed) return;
  auto& peer = *consumed->first;
  impl_->roam(peer, from, now, out);
  impl_->respond(peer, std::move(consumed->second), now, out);
  impl_->handshake_received(peer, message.size(), now);
  impl_->reschedule(peer);
}

void Device::poll(const Now& now, Actions& out) {
  const std::lock_guard lock(impl_->mutex);
  impl_->poll(now, out);
  epochs_.collect();
}

Instant Device::next_poll(Instant now) const {
  const std::lock_guard lock(impl_->mutex);
  return impl_->next_poll(now);
}

void Device::clear_local_address(const PublicKey& key) {
  const std::lock_guard lock(impl_->mutex);
  if (const auto found = impl_->peers.find(key); found != impl_->peers.end()) impl_->clear_local(*found->second);
}

void Device::clear_local_addresses() {
  const std::lock_guard lock(impl_->mutex);
  for (auto* peer : impl_->order) impl_->clear_local(*peer);
}

std::span<Peer* const> Device::peers() const { return *impl_->published_peers.load(std::memory_order_seq_cst); }

void Device::stage(Peer& peer, Bytes packet, const Now& now, Actions& out) {
  const std::lock_guard lock(impl_->mutex);
  if (!up_.load() || Impl::is_dead(peer)) return;
  impl_->stage(peer, packet);
  impl_->send_staged(peer, now, out);
  impl_->reschedule(peer);
}

}  // namespace radial::engine
