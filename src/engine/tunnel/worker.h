// A data thread: one queue of the TUN device and its sockets, both directions,
// each burst run to completion.
//
// Threading: set_port() and the destructor (which ends the thread) from the
// control thread.
#pragma once

#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <thread>

#include "engine/noise/device.h"
#include "engine/tunnel/slow_lane.h"
#include "engine/tunnel/tun/tun_device.h"
#include "engine/tunnel/udp/udp_port.h"
#include "engine/tunnel/wake.h"

namespace radial::engine {

class Worker {
 public:
  struct Surroundings {
    Device& device;
    TunDevice& tun;
    SlowLane& slow;
    const std::atomic<bool>& multicast;
  };

  [[nodiscard]] static Result<std::unique_ptr<Worker>> start(const Surroundings& surroundings, std::size_t queue);
  ~Worker();

  // The sockets to use from now on; null while the interface is down. Returns
  // when the thread has let the ones before go, so that their port is free.
  void set_port(std::shared_ptr<UdpPort> port);

 private:
  Worker(const Surroundings& surroundings, std::size_t queue, Wake wake);
  void run();
  void serve();

  const Surroundings surroundings_;
  const std::size_t queue_;
  const Wake wake_;
  std::atomic<bool> stopping_{false};
  std::mutex mutex_;
  std::condition_variable taken_;
  std::shared_ptr<UdpPort> next_port_;  // under mutex_, until the thread takes it
  bool offered_ = false;                // under mutex_
  bool finished_ = false;               // under mutex_
  std::thread thread_;
};

}  // namespace radial::engine
