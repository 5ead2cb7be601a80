#include "engine/noise/data_path.h"

#include <algorithm>
#include <cstring>

#include "engine/noise/device_impl.h"

namespace radial::engine {
namespace {

constexpr std::size_t ipv4_header = 20, ipv6_header = 40;

void count(std::atomic<std::uint64_t>& counter, std::uint64_t n) { counter.fetch_add(n, std::memory_order_relaxed); }

// How many packets from `begin` on are alike by `same(first, other)`.
template <class Same>
std::size_t run_length(std::size_t begin, std::size_t size, Same same) {
  std::size_t end = begin + 1;
  while (end < size && same(begin, end)) ++end;
  return end - begin;
}

}  // namespace

DataPath::DataPath(Device& device, std::unique_ptr<Aead> aead)
    : device_(device), mtu_(device.mtu()), reader_(device.epochs()), aead_(std::move(aead)) {}

Peer* DataPath::route(Bytes packet) const {
  if (packet.size() < ipv4_header) return nullptr;
  if (packet[0] >> 4U == 4) return device_.allowed_ips().lookup_v4(packet.data() + 16);
  if (packet[0] >> 4U == 6 && packet.size() >= ipv6_header) {
    return device_.allowed_ips().lookup_v6(packet.data() + 24);
  }
  return nullptr;
}

void DataPath::seal(std::span<Outbound> packets, const Now& now, Actions& out) {
  jobs_.clear();
  runs_.clear();
  for (std::size_t begin = 0; begin < packets.size();) {
    const auto size = run_length(begin, packets.size(),
                                 [&](auto first, auto other) { return packets[first].peer == packets[other].peer; });
    const auto run = packets.subspan(begin, size);
    begin += size;
    auto* peer = run.front().peer;
    if (peer == nullptr || peer->path() == nullptr) {
      for (auto& packet : run) {
        packet.verdict = peer == nullptr ? Outbound::Verdict::no_peer : Outbound::Verdict::no_endpoint;
      }
      continue;
    }
    auto* keypair = peer->current();
    if (keypair != nullptr && keypair->can_send(now.boot, device_.limits())) {
      if (const auto first = keypair->reserve(run.size(), device_.limits().reject_after_messages)) {
        prepare(run, *keypair, *first);
        runs_.push_back({run, keypair});
        continue;
      }
    }
    for (auto& packet : run) {
      const auto* inner = packet.inner != nullptr ? packet.inner : packet.message + data::header_size;
      device_.stage(*peer, {inner, packet.length}, now, out);
      packet.verdict = Outbound::Verdict::staged;
    }
  }
  aead_->seal(jobs_);
  for (const auto& run : runs_) after_sealing(run, now, out);
}

void DataPath::prepare(std::span<Outbound> run, const Keypair& keypair, std::uint64_t counter) {
  for (auto& packet : run) {
    const auto padded = padded_size(packet.length, mtu_);
    auto* payload = packet.message + data::header_size;
    auto* inner = packet.inner != nullptr ? packet.inner : payload;
    std::memset(inner + packet.length, 0, padded - packet.length);
    store_u32(packet.message, static_cast<std::uint32_t>(MessageType::data));
    store_u32(packet.message + data::receiver, keypair.remote_index());
    store_u64(packet.message + data::counter, counter);
    jobs_.push_back({&keypair.send_key(), counter, inner, payload, padded});
    ++counter;
    packet.message_length = static_cast<std::uint32_t>(data::overhead + padded);
    packet.verdict = Outbound::Verdict::sealed;
  }
}

void DataPath::after_sealing(const SealedRun& run, const Now& now, Actions& out) {
  auto& peer = *run.packets.front().peer;
  auto& impl = *device_.impl_;
  std::uint64_t bytes = 0;
  bool has_data = false;
  for (const auto& packet : run.packets) {
    bytes += packet.message_length;
    has_data = has_data || packet.length != 0;
  }
  count(peer.counters_.tx_bytes, bytes);
  count(peer.counters_.tx_packets, run.packets.size());
  impl.timers.any_traversal(peer, now.boot);
  impl.timers.any_sent(peer);
  if (has_data) impl.timers.data_sent(peer, now.boot);

  const auto& limits = device_.limits();
  const bool worn = run.keypair->sent() > limits.rekey_after_messages ||
                    (run.keypair->initiator() && run.keypair->expired(now.boot, limits.rekey_after_time));
  if (!worn || !may_initiate(peer.last_handshake_sent_.load(std::memory_order_relaxed), now.boot, limits)) return;
  const std::lock_guard lock(impl.mutex);
  impl.keep_key_fresh(peer, now, out);
}

void DataPath::open(std::span<Inbound> packets, const Now& now, Actions& out) {
  classify(packets, now.boot);
  aead_->open(jobs_);
  authenticate(packets);
  for (std::size_t begin = 0; begin < packets.size();) {
    const auto size = run_length(begin, packets.size(),
                                 [&](auto first, auto other) { return keypairs_[first] == keypairs_[other]; });
    if (keypairs_[begin] != nullptr) accept(packets.subspan(begin, size), *keypairs_[begin], now, out);
    begin += size;
  }
}

// Finds each data message's session and makes a job of it.
void DataPath::classify(std::span<Inbound> packets, Instant now) {
  jobs_.clear();
  packets_.clear();
  keypairs_.assign(packets.size(), nullptr);
  const auto& indices = device_.impl_->indices;
  for (std::size_t i = 0; i < packets.size(); ++i) {
    auto& packet = packets[i];
    packet.peer = nullptr;
    packet.inner = {};
    packet.verdict = Inbound::Verdict::malformed;
    if (!is_message(packet.message, packet.length, MessageType::data)) {
      for (const auto type : {MessageType::initiation, MessageType::response, MessageType::cookie_reply}) {
        if (is_message(packet.message, packet.length, type)) packet.verdict = Inbound::Verdict::handshake;
      }
      continue;
    }
    if (packet.length < data::overhead) continue;
    packet.verdict = Inbound::Verdict::no_session;
    auto* keypair = indices.find(load_u32(packet.message + data::receiver));
    if (keypair == nullptr || !keypair->can_receive(now, device_.limits())) continue;
    keypairs_[i] = keypair;
    auto* payload = packet.message + data::header_size;
    jobs_.push_back({&keypair->receive_key(), load_u64(packet.message + data::counter), payload, payload,
                     packet.length - data::overhead});
    packets_.push_back(static_cast<std::uint32_t>(i));
  }
}

// Tag first, then replay window: an unauthenticated counter must not move it.
void DataPath::authenticate(std::span<Inbound> packets) {
  for (std::size_t j = 0; j < jobs_.size(); ++j) {
    const auto& job = jobs_[j];
    auto& packet = packets[packets_[j]];
    auto& keypair = *keypairs_[packets_[j]];
    auto& counters = keypair.peer().counters_;
    if (!job.ok) {
      packet.verdict = Inbound::Verdict::bad_tag;
      count(counters.rx_bad_tag, 1);
    } else if (!keypair.window().test_and_set(job.counter, device_.limits().reject_after_messages)) {
      packet.verdict = Inbound::Verdict::replayed;
      count(counters.rx_replayed, 1);
    } else {
      packet.peer = &keypair.peer();
      packet.inner = {job.out, job.length};
    }
  }
}

// A run of one keypair, of which the authenticated packets have their peer set.
void DataPath::accept(std::span<Inbound> run, Keypair& keypair, const Now& now, Actions& out) {
  auto& peer = keypair.peer();
  auto& impl = *device_.impl_;
  const UdpPath* last_path = nullptr;
  std::uint64_t bytes = 0;
  std::uint64_t good = 0;
  std::uint64_t bad = 0;
  bool has_data = false;
  for (auto& packet : run) {
    if (packet.peer == nullptr) continue;
    last_path = packet.from;
    has_data = has_data || !packet.inner.empty();
    packet.verdict = check_packet(packet);
    if (packet.verdict == Inbound::Verdict::deliver || packet.verdict == Inbound::Verdict::keepalive) {
      bytes += packet.length;
      ++good;
    } else {
      ++bad;
    }
  }
  if (good + bad == 0) return;
  count(peer.counters_.rx_bytes, bytes);
  count(peer.counters_.rx_packets, good);
  if (bad != 0) count(peer.counters_.rx_bad_source, bad);

  const auto* path = peer.path();
  const bool roamed = path == nullptr || !(*path == *last_path);
  const bool confirmed = peer.next_.load(std::memory_order_seq_cst) == &keypair;
  const auto* current = peer.current();
  const auto& limits = device_.limits();
  // The initiator's last chance to renew a session on which it only receives.
  const bool last_minute =
      !peer.sent_last_minute_handshake_.load(std::memory_order_relaxed) && current != nullptr &&
      current->initiator() && current->can_send(now.boot, limits) &&
      current->expired(now.boot, limits.reject_after_time - limits.keepalive_timeout - limits.rekey_timeout) &&
      !peer.sent_last_minute_handshake_.exchange(true);
  if (roamed || confirmed || last_minute) {
    const std::lock_guard lock(impl.mutex);
    if (roamed) impl.roam(peer, *last_path, now, out);
    if (confirmed) impl.confirm(keypair, now, out);
    if (last_minute) impl.initiate(peer, false, now, out);
  }
  impl.timers.any_received(peer);
  impl.timers.any_traversal(peer, now.boot);
  if (has_data) impl.timers.data_received(peer, now.boot);
}

// Is it an IP packet of the peer's, whole, and from an address that is his?
Inbound::Verdict DataPath::check_packet(Inbound& packet) const {
  const auto inner = packet.inner;
  if (inner.empty()) return Inbound::Verdict::keepalive;
  std::size_t size = 0;
  const Peer* owner = nullptr;
  if (inner[0] >> 4U == 4 && inner.size() >= ipv4_header) {
    size = static_cast<std::size_t>(inner[2]) << 8U | inner[3];
    if (size < ipv4_header || size > inner.size()) return Inbound::Verdict::bad_packet;
    owner = device_.allowed_ips().lookup_v4(inner.data() + 12);
  } else if (inner[0] >> 4U == 6 && inner.size() >= ipv6_header) {
    size = (static_cast<std::size_t>(inner[4]) << 8U | inner[5]) + ipv6_header;
    if (size > inner.size()) return Inbound::Verdict::bad_packet;
    owner = device_.allowed_ips().lookup_v6(inner.data() + 8);
  } else {
    return Inbound::Verdict::bad_packet;
  }
  packet.inner = inner.first(size);
  if (owner != packet.peer) return Inbound::Verdict::bad_source;
  ecn_decapsulate(packet.outer_ds, packet.inner);
  return Inbound::Verdict::deliver;
}

}  // namespace radial::engine
