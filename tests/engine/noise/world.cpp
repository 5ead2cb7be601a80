#include "world.h"

#include <algorithm>

namespace radial::engine::world {

Entropy test_entropy(std::uint32_t seed) {
  auto random = std::make_shared<std::mt19937>(seed);
  return [random](MutableBytes out) {
    for (auto& byte : out) byte = static_cast<std::uint8_t>((*random)());
  };
}

Secret test_key(std::uint8_t seed) {
  std::array<std::uint8_t, 32> bytes{};
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::uint8_t>(seed * 31 + i * 7);
  return x25519_clamp(Secret::from_bytes(bytes));
}

Buffer make_packet(const IpAddress& from, const IpAddress& to, std::uint32_t number, std::size_t size,
                   std::uint8_t tos) {
  Buffer packet(std::max<std::size_t>(size, 24));
  packet[0] = 0x45;
  packet[1] = tos;
  packet[2] = static_cast<std::uint8_t>(packet.size() >> 8U);
  packet[3] = static_cast<std::uint8_t>(packet.size());
  packet[8] = 64;
  packet[9] = 253;
  std::copy(from.bytes().begin(), from.bytes().end(), packet.begin() + 12);
  std::copy(to.bytes().begin(), to.bytes().end(), packet.begin() + 16);
  store_u32(packet.data() + 20, number);
  for (std::size_t i = 24; i < packet.size(); ++i) packet[i] = static_cast<std::uint8_t>(number + i);
  return packet;
}

std::uint32_t number_of(std::span<const std::uint8_t> packet) { return load_u32(packet.data() + 20); }

Node::Node(World& world, std::size_t number, ProtocolLimits limits)
    : world_(world),
      number_(number),
      limits_(limits),
      address_(UdpPath::to(IpAddress::from_v4(0xc0000201U + static_cast<std::uint32_t>(number)), 51820)) {
  restart();
}

void Node::restart() {
  path_.reset();
  const auto seed = static_cast<std::uint32_t>(number_ * 1000 + static_cast<std::size_t>(++life_));
  device_ = std::make_unique<Device>(DeviceOptions{limits_, test_entropy(seed)});
  path_ = std::make_unique<DataPath>(*device_, make_best_aead());
  DeviceChange change;
  change.private_key = test_key(static_cast<std::uint8_t>(number_ + 1));
  configure(std::move(change));
  Actions actions;
  device_->up(now(), actions);
  flush(actions);
}

void Node::configure(DeviceChange change) {
  Actions actions;
  device_->configure(std::move(change), now(), actions);
  flush(actions);
}

void Node::add(const Node& other, bool with_endpoint, std::optional<std::uint16_t> keepalive,
               const Secret* preshared_key) {
  PeerChange peer;
  peer.key = other.key();
  if (with_endpoint) peer.endpoint = other.address();
  peer.persistent_keepalive = keepalive;
  if (preshared_key != nullptr) peer.preshared_key = preshared_key->clone();
  peer.allowed_ips.push_back({Prefix::host(other.inner())});
  DeviceChange change;
  change.peers.push_back(std::move(peer));
  configure(std::move(change));
}

Now Node::now() const {
  return {world_.now_, world_.wall_ + (world_.now_.time_since_epoch() - seconds(1000)) + wall_offset};
}

Outbound::Verdict Node::send(const Node& to, std::uint32_t number, std::size_t size) {
  return send_packet(make_packet(inner(), to.inner(), number, size));
}

Outbound::Verdict Node::send_packet(const Buffer& packet) {
  Buffer message(packet.size() + data::overhead + padding_multiple);
  std::copy(packet.begin(), packet.end(), message.begin() + data::header_size);
  Actions actions;
  Outbound outbound;
  {
    const auto section = path_->enter();
    outbound.peer = path_->route(packet);
    outbound.message = message.data();
    outbound.length = static_cast<std::uint32_t>(packet.size());
    path_->seal(std::span(&outbound, 1), now(), actions);
    if (outbound.verdict == Outbound::Verdict::sealed) {
      message.resize(outbound.message_length);
      world_.send({number_, address_, *outbound.peer->path(), message, ecn_encapsulate(ds_field(packet))});
    }
  }
  flush(actions);
  return outbound.verdict;
}

void Node::receive(const Wire& wire) {
  auto bytes = wire.bytes;
  Actions actions;
  Inbound inbound;
  {
    const auto section = path_->enter();
    inbound.message = bytes.data();
    inbound.length = static_cast<std::uint32_t>(bytes.size());
    inbound.from = &wire.source;
    inbound.outer_ds = ds_to_apply != 0 ? ds_to_apply : wire.ds;
    path_->open(std::span(&inbound, 1), now(), actions);
    if (inbound.verdict == Inbound::Verdict::deliver) {
      delivered.push_back(number_of(inbound.inner));
      packets.emplace_back(inbound.inner.begin(), inbound.inner.end());
    }
  }
  if (inbound.verdict == Inbound::Verdict::handshake) {
    device_->receive_handshake(bytes, wire.source, busy, now(), actions);
  } else {
    verdicts.push_back(inbound.verdict);
  }
  flush(actions);
}

void Node::poll() {
  Actions actions;
  device_->poll(now(), actions);
  flush(actions);
}

void Node::flush(Actions& actions) {
  for (auto& datagram : actions.datagrams) {
    world_.send({number_, address_, datagram.to, std::move(datagram.bytes), datagram.ds});
  }
  events.insert(events.end(), actions.events.begin(), actions.events.end());
  actions.clear();
}

PeerStatus Node::status_of(const Node& other) const {
  auto status = device_->status();
  for (auto& peer : status.peers) {
    if (peer.key == other.key()) return std::move(peer);
  }
  return {};
}

std::size_t Node::count(Event::Kind kind) const {
  return static_cast<std::size_t>(
      std::count_if(events.begin(), events.end(), [&](const Event& event) { return event.kind == kind; }));
}

World::World(std::size_t nodes, ProtocolLimits limits) {
  network = [](Wire&) { return std::vector<std::chrono::nanoseconds>{milliseconds(10)}; };
  for (std::size_t i = 0; i < nodes; ++i) nodes_.push_back(std::make_unique<Node>(*this, i, limits));
}

void World::introduce_all() {
  for (const auto& a : nodes_) {
    for (const auto& b : nodes_) {
      if (a != b) a->add(*b);
    }
  }
}

void World::send(Wire wire) {
  log.push_back(wire);
  for (const auto delay : network(wire)) enqueue(wire, delay);
}

void World::enqueue(Wire wire, std::chrono::nanoseconds delay) {
  in_flight_.push({now_ + delay, order_++, std::move(wire)});
}

void World::deliver(const Wire& wire) {
  for (const auto& node : nodes_) {
    if (node->address().same_remote(wire.destination)) node->receive(wire);
  }
}

void World::run(std::chrono::nanoseconds time) {
  const auto end = now_ + time;
  for (;;) {
    auto next = end;
    if (!in_flight_.empty()) next = std::min(next, in_flight_.top().at);
    for (const auto& node : nodes_) next = std::min(next, node->device().next_poll(now_));
    now_ = std::max(now_, next);
    while (!in_flight_.empty() && in_flight_.top().at <= now_) {
      const auto wire = in_flight_.top().wire;
      in_flight_.pop();
      deliver(wire);
    }
    for (const auto& node : nodes_) node->poll();
    if (now_ >= end) return;
  }
}

std::size_t World::sent(int type, std::optional<std::size_t> from) const {
  return static_cast<std::size_t>(std::count_if(log.begin(), log.end(), [&](const Wire& wire) {
    return wire.bytes[0] == type && (!from || wire.from == *from);
  }));
}

std::vector<Wire> World::sent_wires(int type) const {
  std::vector<Wire> found;
  std::copy_if(log.begin(), log.end(), std::back_inserter(found),
               [&](const Wire& wire) { return wire.bytes[0] == type; });
  return found;
}

}  // namespace radial::engine::world
