// The UDP port of an interface: for each queue a socket of each family that
// the machine has, all bound to one port. The kernel spreads peers over the
// queues by their address (SO_REUSEPORT).
//
// The first socket is bound without sharing, so that a port which somebody
// else holds is refused rather than split with him.
// Threading: as UdpSocket.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "base/result.h"
#include "engine/tunnel/udp/udp_socket.h"

namespace radial::engine {

class UdpPort {
 public:
  struct Options {
    std::uint16_t port = 0;  // 0: any that is free for both families
    std::uint32_t mark = 0;
    std::size_t queues = 1;
    bool offload = true;
  };

  // Errors carry errno: EADDRINUSE, EPERM for the mark or a low port.
  [[nodiscard]] static Result<std::shared_ptr<UdpPort>> open(const Options& options);

  [[nodiscard]] std::uint16_t port() const { return port_; }
  [[nodiscard]] std::size_t queues() const { return queues_.size(); }
  // Null when the machine lacks the family.
  [[nodiscard]] UdpSocket* socket(std::size_t queue, Family family) const {
    return (family == Family::v4 ? queues_[queue].v4 : queues_[queue].v6).get();
  }
  // Splits the trains by family; those without a socket get EAFNOSUPPORT.
  void send(std::size_t queue, std::span<UdpTrain> trains) const;

  // All sockets or none.
  [[nodiscard]] Status set_mark(std::uint32_t mark, std::uint32_t previous);

 private:
  struct Queue {
    std::unique_ptr<UdpSocket> v4;
    std::unique_ptr<UdpSocket> v6;
  };
  static Result<std::shared_ptr<UdpPort>> try_open(const Options& options);

  std::uint16_t port_ = 0;
  std::vector<Queue> queues_;
};

}  // namespace radial::engine
