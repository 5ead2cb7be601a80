// One data thread's way in: UDP -> open -> coalesce -> TUN, a burst at a time
// and to its end. Handshake messages go to the control thread.
//
// Threading: one thread.
#pragma once

#include <functional>
#include <vector>

#include "engine/noise/data_path.h"
#include "engine/tunnel/offload/merge.h"
#include "engine/tunnel/outgoing.h"
#include "engine/tunnel/slow_lane.h"
#include "engine/tunnel/tun/tun_device.h"
#include "engine/tunnel/udp/udp_port.h"

namespace radial::engine {

class Receiver {
 public:
  // What a hub writes to its device the kernel may route straight back into the
  // device's other direction, whose queue is short (500 packets): `relieve` is
  // called after every so many writes, outside any Section, to empty it.
  Receiver(TunDevice& tun, DataPath& path, SlowLane& slow, std::size_t queue, std::function<void()> relieve);

  // Takes what the socket has, up to a bound. Whether there may be more.
  [[nodiscard]] bool burst(const UdpPort& port, const UdpSocket& socket);

 private:
  void deliver();

  TunDevice& tun_;
  DataPath& path_;
  SlowLane& slow_;
  const std::size_t queue_;
  const std::function<void()> relieve_;
  std::size_t written_ = 0;  // since it was last called

  UdpInbox inbox_;
  std::size_t limit_;  // messages of the next burst
  std::vector<Inbound> inbound_;
  Merger merger_;
  Actions actions_;
};

}  // namespace radial::engine
