// Time as the protocol core sees it: always handed in, never read.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>

namespace radial::engine {

// CLOCK_BOOTTIME: monotonic and running through suspend, since a session must
// not look young after a night asleep. Has no now() on purpose.
struct BootClock {
  using duration = std::chrono::nanoseconds;
  using rep = duration::rep;
  using period = duration::period;
  using time_point = std::chrono::time_point<BootClock>;
  static constexpr bool is_steady = true;
};

using Instant = BootClock::time_point;
using Duration = BootClock::duration;
using WallTime = std::chrono::sys_time<std::chrono::nanoseconds>;

// Both clocks at one moment. The wall clock may step; only the handshake's
// timestamp and the "latest handshake" shown to users come from it.
struct Now {
  Instant boot{};
  WallTime wall{};
};

inline constexpr Instant never = Instant::max();

// TAI64N label (12 bytes, big endian), paper section 5.1: compared as bytes.
using Tai64n = std::array<std::uint8_t, 12>;

// The wall clock as a label, its nanoseconds rounded down to 2^24 (about
// 16.8 ms) so that it does not serve as a precise clock to an observer.
[[nodiscard]] Tai64n tai64n(WallTime wall);

// The least label that is later than `label` by one rounding step.
[[nodiscard]] Tai64n tai64n_after(const Tai64n& label);

}  // namespace radial::engine
