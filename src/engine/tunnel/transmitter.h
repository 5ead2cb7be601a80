// One data thread's way out: TUN -> split -> route -> seal -> UDP, a burst at
// a time and to its end.
//
// Link-local multicast (224.0.0.0/24, ff02::/16) can be copied to every peer
// that has a session, so that routing protocols find each other on a
// multipoint wire; it then ignores the allowed IPs, which still bind what the
// peers may send.
//
// Threading: one thread.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "engine/noise/data_path.h"
#include "engine/tunnel/outgoing.h"
#include "engine/tunnel/slow_lane.h"
#include "engine/tunnel/tun/tun_device.h"
#include "engine/tunnel/udp/udp_port.h"

namespace radial::engine {

class Transmitter {
 public:
  Transmitter(TunDevice& tun, DataPath& path, SlowLane& slow, std::size_t queue);

  // Takes what the device has, up to a bound, and sends it. Whether there may
  // be more. `port` is null while the interface has no sockets.
  [[nodiscard]] bool burst(const UdpPort* port, bool multicast);

 private:
  void take(const VnetHeader& header, std::span<const std::uint8_t> packet, bool multicast);
  void copy_to_all(const class Split& split);
  void add(Peer& peer, const class Split& split, std::size_t segment, std::uint8_t ds);
  [[nodiscard]] bool has_room(std::size_t length) const;
  void flush();

  TunDevice& tun_;
  DataPath& path_;
  SlowLane& slow_;
  const std::size_t queue_;

  const UdpPort* port_ = nullptr;  // of the burst
  Now now_;
  std::size_t mtu_ = 0;
  std::optional<EpochDomain::Section> section_;

  std::vector<std::uint8_t> packet_;  // as read
  std::vector<std::uint8_t> arena_;   // messages, back to back
  std::size_t used_ = 0;
  std::vector<Outbound> outbound_;
  std::vector<std::uint8_t> classes_;  // outer class of each
  TrainBuilder trains_;
  Actions actions_;
};

}  // namespace radial::engine
