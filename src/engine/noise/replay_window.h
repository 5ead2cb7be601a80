// Which counters of a session were seen: the sliding window of RFC 6479, a ring
// of 8192 bits of which one word is spare, so 8128 counters back are accepted.
// Check only after the packet's tag has been verified.
//
// Threading: test_and_set() may be called from several threads; a spin lock of
// a few nanoseconds covers it.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>

namespace radial::engine {

class ReplayWindow {
 public:
  static constexpr std::uint64_t ring_bits = 8192;
  static constexpr std::uint64_t word_bits = 64;
  static constexpr std::uint64_t size = ring_bits - word_bits;

  // True when the counter is new, below `limit` and not behind the window; it
  // is then marked as seen.
  [[nodiscard]] bool test_and_set(std::uint64_t counter, std::uint64_t limit);

 private:
  std::atomic_flag lock_;
  std::uint64_t next_ = 0;  // one more than the greatest counter seen
  std::array<std::uint64_t, ring_bits / word_bits> ring_{};
};

}  // namespace radial::engine
