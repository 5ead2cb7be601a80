// A UDP socket of one family, as the outside of the tunnel needs it: many
// datagrams a system call both ways, segmentation and coalescing by the kernel
// (UDP_SEGMENT, UDP_GRO; udp(7)) where it has them, the local address that a
// datagram came to and is to leave from (IP_PKTINFO, ip(7)), and the outer
// TOS / traffic class.
//
// Datagrams may be fragmented (no DF), as the kernel's WireGuard sends them.
// Threading: send() and set_mark() from any thread; a UdpInbox from one.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include <sys/socket.h>

#include "base/fd.h"
#include "base/ip.h"
#include "base/result.h"
#include "engine/noise/udp_path.h"

namespace radial::engine {

// A run of datagrams to one place, back to back in memory.
struct UdpTrain {
  UdpPath to;
  std::uint8_t ds = 0;        // TOS / traffic class
  const std::uint8_t* data = nullptr;
  std::uint32_t size = 0;     // of all
  std::uint16_t segment = 0;  // of each but the last, which may be shorter; > 0

  // Results of send().
  bool local_refused = false;  // went without `to`'s local address, which is no longer usable
  int error = 0;               // errno for which (part of) the train was dropped
};

class UdpSocket {
 public:
  // What the kernel takes in one UDP_SEGMENT message.
  static constexpr std::size_t max_train_bytes = 65507;
  static constexpr std::size_t max_train_segments = 64;

  struct Options {
    Family family = Family::v4;
    std::uint16_t port = 0;  // 0: the kernel chooses
    std::uint32_t mark = 0;  // SO_MARK; 0: none
    bool share = false;      // join sockets that already share the port (SO_REUSEPORT)
    bool offload = true;     // try UDP_SEGMENT and UDP_GRO
  };

  // Errors carry errno: EADDRINUSE when the port is taken, EAFNOSUPPORT when
  // the machine has no such family.
  [[nodiscard]] static Result<std::unique_ptr<UdpSocket>> open(const Options& options);

  [[nodiscard]] int fd() const { return fd_.get(); }
  [[nodiscard]] Family family() const { return family_; }
  [[nodiscard]] std::uint16_t port() const { return port_; }
  [[nodiscard]] bool segments() const { return segments_.load(std::memory_order_relaxed); }
  [[nodiscard]] bool coalesces() const { return coalesces_; }

  // From now on others of the same user may bind the port too.
  [[nodiscard]] Status allow_sharing();
  [[nodiscard]] Status set_mark(std::uint32_t mark);

  // Sends in order; waits a little when the socket's buffer is full, then
  // drops. Trains must obey the limits above and be of this family.
  void send(std::span<UdpTrain> trains);

 private:
  UdpSocket(Fd fd, Family family) : fd_(std::move(fd)), family_(family) {}
  void send_singly(UdpTrain& train);
  [[nodiscard]] bool wait_for_room();

  Fd fd_;
  Family family_;
  std::uint16_t port_ = 0;
  bool coalesces_ = false;
  std::atomic<bool> segments_{false};
};

// Reused memory for receiving: `depth` buffers of 64 KiB, of which only what
// was ever received into is resident.
class UdpInbox {
 public:
  struct Message {
    std::span<std::uint8_t> bytes;
    std::size_t segment = 0;  // datagrams of this size back to back, the last may be shorter
    UdpPath from;             // remote, and the local address it came to
    std::uint8_t ds = 0;
  };

  explicit UdpInbox(std::size_t depth);

  // What is there now, at most `limit` messages, without waiting; valid until
  // the next call. Empty when there is nothing.
  [[nodiscard]] std::span<Message> receive(const UdpSocket& socket, std::size_t limit);

 private:
  static constexpr std::size_t buffer_size = 65536;
  static constexpr std::size_t control_size = 128;

  struct Unmap {
    std::size_t size;
    void operator()(std::uint8_t* memory) const;
  };

  std::size_t depth_;
  std::unique_ptr<std::uint8_t[], Unmap> memory_;
  std::vector<std::array<std::uint8_t, control_size>> controls_;
  std::vector<UdpPath::Remote> names_;
  std::vector<iovec> iovecs_;
  std::vector<mmsghdr> headers_;
  std::vector<Message> messages_;
};

}  // namespace radial::engine
