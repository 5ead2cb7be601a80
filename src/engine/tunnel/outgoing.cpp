#include "engine/tunnel/outgoing.h"

namespace radial::engine {

void TrainBuilder::add(std::span<const Outbound> packets, std::span<const std::uint8_t> ds) {
  const Peer* owner = nullptr;
  const UdpPath* path = nullptr;
  bool open = false;  // the last train may grow
  std::size_t segments = 0;
  for (std::size_t i = 0; i < packets.size(); ++i) {
    const auto& packet = packets[i];
    if (packet.verdict != Outbound::Verdict::sealed) {
      open = false;
      continue;
    }
    if (packet.peer != owner) {
      owner = packet.peer;
      path = owner->path();
      open = false;
    }
    if (path == nullptr) continue;
    if (open) {
      auto& train = trains_.back();
      if (train.data + train.size == packet.message && train.ds == ds[i] && packet.message_length <= train.segment &&
          segments < UdpSocket::max_train_segments && train.size + packet.message_length <= UdpSocket::max_train_bytes) {
        train.size += packet.message_length;
        ++segments;
        open = packet.message_length == train.segment;
        continue;
      }
    }
    UdpTrain train;
    train.to = *path;
    train.ds = ds[i];
    train.data = packet.message;
    train.size = packet.message_length;
    train.segment = static_cast<std::uint16_t>(packet.message_length);
    trains_.push_back(train);
    owners_.push_back(owner->key());
    segments = 1;
    open = true;
  }
}

void TrainBuilder::send(const UdpPort& port, std::size_t queue, Device& device) {
  port.send(queue, trains_);
  for (std::size_t i = 0; i < trains_.size(); ++i)
    if (trains_[i].local_refused) device.clear_local_address(owners_[i]);
  trains_.clear();
  owners_.clear();
}

void send_datagrams(std::span<const Datagram> datagrams, const UdpPort& port, std::size_t queue, Device& device) {
  std::vector<UdpTrain> trains;
  trains.reserve(datagrams.size());
  for (const auto& datagram : datagrams) {
    UdpTrain train;
    train.to = datagram.to;
    train.ds = datagram.ds;
    train.data = datagram.bytes.data();
    train.size = static_cast<std::uint32_t>(datagram.bytes.size());
    train.segment = static_cast<std::uint16_t>(datagram.bytes.size());
    trains.push_back(train);
  }
  port.send(queue, trains);
  for (std::size_t i = 0; i < trains.size(); ++i)
    if (trains[i].local_refused) device.clear_local_address(datagrams[i].peer);
}

}  // namespace radial::engine
