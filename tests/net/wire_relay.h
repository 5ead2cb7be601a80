// A hostile stretch of network between the two nodes of a WirePair: it takes
// the place of their switch, sees every frame, and forwards what a policy says,
// as often, as late and as damaged as it says.
//
//      node 1 ── port1 ── Relay ── port2 ── node 2
//
// Threading: construct it where the pair was constructed; the policy runs in the
// relay's own thread, under the lock that act() takes as well.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

#include "net/wire_lab.h"

namespace radial::test {

// As it crossed, with the kernel's note on its checksum in front (virtio_net_hdr).
struct Frame {
  int from = 0;  // the node's number, 1 or 2
  std::vector<std::uint8_t> bytes;

  // 1 initiation, 2 response, 3 cookie, 4 data; 0: not a WireGuard message over IPv4.
  [[nodiscard]] int type() const;
  // The same with one bit of its last byte, of the tag or mac, turned.
  [[nodiscard]] Frame damaged() const;
};

class Relay {
 public:
  using Policy = std::function<void(Relay& relay, const Frame& frame)>;

  // Takes port1 and port2 off the switch and forwards everything.
  explicit Relay(const WirePair& pair);
  ~Relay();
  Relay(const Relay&) = delete;
  Relay& operator=(const Relay&) = delete;

  void set_policy(Policy policy);
  void forward_everything();
  // Runs `work` while no frame moves.
  void act(const std::function<void()>& work);

  // Puts the frame on its way to the other node. From a policy or from act().
  void forward(const Frame& frame);
  // How many messages of a type have come from a node so far.
  [[nodiscard]] int seen(int node, int type) const { return seen_[static_cast<std::size_t>(node)][static_cast<std::size_t>(type)]; }

 private:
  void run();

  std::array<Fd, 3> ports_;  // by node
  std::array<std::array<std::atomic<int>, 5>, 3> seen_{};
  std::mutex mutex_;
  Policy policy_;
  std::atomic<bool> over_{false};
  std::thread thread_;
};

}  // namespace radial::test
