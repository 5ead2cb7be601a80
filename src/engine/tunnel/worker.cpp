#include "engine/tunnel/worker.h"

#include <array>

#include <poll.h>
#include <pthread.h>

#include "engine/crypto/aead.h"
#include "engine/noise/data_path.h"
#include "engine/tunnel/receiver.h"
#include "engine/tunnel/transmitter.h"

namespace radial::engine {
namespace {

constexpr int rounds = 8;       // of bursts between two looks at all descriptors
constexpr int relief_bursts = 4;  // of up to 64 packets
constexpr int quiet_ms = 1000;  // then the cipher library's copies of keys are wiped

}  // namespace

Result<std::unique_ptr<Worker>> Worker::start(const Surroundings& surroundings, std::size_t queue) {
  RADIAL_ASSIGN(auto wake, Wake::make());
  std::unique_ptr<Worker> worker(new Worker(surroundings, queue, std::move(wake)));
  worker->thread_ = std::thread([raw = worker.get()] { raw->run(); });
  ::pthread_setname_np(worker->thread_.native_handle(), fmt::format("queue {}", queue).c_str());
  return worker;
}

Worker::Worker(const Surroundings& surroundings, std::size_t queue, Wake wake)
    : surroundings_(surroundings), queue_(queue), wake_(std::move(wake)) {}

Worker::~Worker() {
  stopping_.store(true, std::memory_order_release);
  wake_.signal();
  if (thread_.joinable()) thread_.join();
}

void Worker::set_port(std::shared_ptr<UdpPort> port) {
  std::unique_lock lock(mutex_);
  next_port_ = std::move(port);
  offered_ = true;
  wake_.signal();
  taken_.wait(lock, [this] { return !offered_ || finished_; });
  next_port_.reset();
}

void Worker::run() {
  serve();
  const std::lock_guard lock(mutex_);
  finished_ = true;
  taken_.notify_all();
}

void Worker::serve() {
  DataPath path(surroundings_.device, make_best_aead());
  Transmitter transmitter(surroundings_.tun, path, surroundings_.slow, queue_);
  std::shared_ptr<UdpPort> port;
  const auto transmit = [&] {
    return transmitter.burst(port.get(), surroundings_.multicast.load(std::memory_order_relaxed));
  };
  Receiver receiver(surroundings_.tun, path, surroundings_.slow, queue_, [&] {
    for (int burst = 0; burst < relief_bursts && transmit(); ++burst) continue;
  });
  const UdpSocket* v4 = nullptr;
  const UdpSocket* v6 = nullptr;
  bool quiet = true;

  while (!stopping_.load(std::memory_order_acquire)) {
    std::array<pollfd, 4> waits{pollfd{wake_.fd(), POLLIN, 0}, pollfd{surroundings_.tun.fd(queue_), POLLIN, 0},
                                pollfd{v4 != nullptr ? v4->fd() : -1, POLLIN, 0},
                                pollfd{v6 != nullptr ? v6->fd() : -1, POLLIN, 0}};
    const int ready = ::poll(waits.data(), waits.size(), quiet ? -1 : quiet_ms);
    if (ready == 0) path.idle();
    quiet = ready == 0;
    if (waits[0].revents != 0) {
      wake_.clear();
      const std::lock_guard lock(mutex_);
      if (!offered_) continue;
      port = std::move(next_port_);
      offered_ = false;
      taken_.notify_all();
      v4 = port != nullptr ? port->socket(queue_, Family::v4) : nullptr;
      v6 = port != nullptr ? port->socket(queue_, Family::v6) : nullptr;
      continue;
    }
    bool out = waits[1].revents != 0;
    bool in4 = waits[2].revents != 0;
    bool in6 = waits[3].revents != 0;
    if (surroundings_.slow.device_gone()) return;
    for (int round = 0; round < rounds && (in4 || in6 || out); ++round) {
      if (in4) in4 = receiver.burst(*port, *v4);
      if (in6) in6 = receiver.burst(*port, *v6);
      if (out) out = transmit();
    }
  }
}

}  // namespace radial::engine
