// From sealed messages and the core's datagrams to trains for a UDP socket.
#pragma once

#include <span>
#include <vector>

#include "engine/noise/actions.h"
#include "engine/noise/data_path.h"
#include "engine/tunnel/udp/udp_port.h"

namespace radial::engine {

// Sealed messages collected into as few trains as the limits allow: neighbours
// in memory, of one peer, one outer class and one size (the last of a train
// may be shorter). Copies what it needs of the peers, so that sending can come
// after the Section has ended.
//
// Threading: one thread.
class TrainBuilder {
 public:
  // `ds` belongs to the packet of the same index. Only inside the Section.
  void add(std::span<const Outbound> packets, std::span<const std::uint8_t> ds);

  [[nodiscard]] std::span<UdpTrain> trains() { return trains_; }
  // Sends and forgets all; peers whose local address was refused are told.
  void send(const UdpPort& port, std::size_t queue, Device& device);

 private:
  std::vector<UdpTrain> trains_;
  std::vector<PublicKey> owners_;
};

// Sends what the core asked for.
void send_datagrams(std::span<const Datagram> datagrams, const UdpPort& port, std::size_t queue, Device& device);

}  // namespace radial::engine
