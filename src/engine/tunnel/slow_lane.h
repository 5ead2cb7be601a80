// What data threads hand to the control thread: handshake messages, events,
// and the news that the device is gone. Bounded: a flood of handshakes fills
// the queue, makes it "busy" (the device then asks for cookies), and beyond
// its end is dropped.
//
// Threading: put from any thread, take from one.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <mutex>
#include <span>
#include <vector>

#include "engine/noise/actions.h"
#include "engine/noise/messages.h"
#include "engine/noise/udp_path.h"
#include "engine/tunnel/wake.h"

namespace radial::engine {

struct HandshakeMessage {
  UdpPath from;
  std::uint8_t size = 0;
  std::array<std::uint8_t, initiation::size> bytes;  // the largest of them
};

class SlowLane {
 public:
  static constexpr std::size_t capacity = 4096;    // as the kernel's MAX_QUEUED_INCOMING_HANDSHAKES
  static constexpr std::size_t busy_from = capacity / 8;

  explicit SlowLane(Wake wake) : wake_(std::move(wake)) {}

  [[nodiscard]] int fd() const { return wake_.fd(); }
  [[nodiscard]] bool device_gone() const { return gone_.load(std::memory_order_acquire); }

  // Messages that are too long for a handshake are ignored.
  void put(std::span<const std::uint8_t> message, const UdpPath& from);
  void put(std::span<const Event> events);
  void report_device_gone();

  struct Taken {
    std::vector<HandshakeMessage> messages;
    std::vector<Event> events;
    bool busy = false;
  };
  // At most `limit` messages, oldest first, and all events.
  [[nodiscard]] Taken take(std::size_t limit);

 private:
  Wake wake_;
  std::atomic<bool> gone_{false};
  std::mutex mutex_;
  std::vector<HandshakeMessage> messages_;  // a queue: [first_, end)
  std::size_t first_ = 0;
  std::vector<Event> events_;
};

}  // namespace radial::engine
