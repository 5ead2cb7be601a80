#include "engine/noise/time.h"

namespace radial::engine {
namespace {

constexpr std::int64_t nanoseconds_per_second = 1'000'000'000;
// 20 ms (an initiation's least interval) rounded down to a power of two.
constexpr std::int64_t granule = 1 << 24;
// 2^62 as TAI64 asks, and the 10 s that TAI was ahead of UTC in 1970. Leap
// seconds since then are left out, as everybody does.
constexpr std::uint64_t epoch_label = 0x400000000000000aULL;

Tai64n label(std::uint64_t seconds, std::uint32_t nanoseconds) {
  Tai64n out{};
  for (std::size_t i = 0; i < 8; ++i) out[i] = static_cast<std::uint8_t>(seconds >> (56 - 8 * i));
  for (std::size_t i = 0; i < 4; ++i) out[8 + i] = static_cast<std::uint8_t>(nanoseconds >> (24 - 8 * i));
  return out;
}

}  // namespace

Tai64n tai64n(WallTime wall) {
  auto seconds = wall.time_since_epoch().count() / nanoseconds_per_second;
  auto rest = wall.time_since_epoch().count() % nanoseconds_per_second;
  if (rest < 0) {  // before 1970
    rest += nanoseconds_per_second;
    --seconds;
  }
  return label(epoch_label + static_cast<std::uint64_t>(seconds), static_cast<std::uint32_t>(rest / granule * granule));
}

Tai64n tai64n_after(const Tai64n& earlier) {
  std::uint64_t seconds = 0;
  std::uint64_t nanoseconds = 0;
  for (std::size_t i = 0; i < 8; ++i) seconds = seconds << 8U | earlier[i];
  for (std::size_t i = 8; i < 12; ++i) nanoseconds = nanoseconds << 8U | earlier[i];
  nanoseconds += granule;
  if (nanoseconds >= nanoseconds_per_second) {
    ++seconds;
    nanoseconds = 0;
  }
  return label(seconds, static_cast<std::uint32_t>(nanoseconds));
}

}  // namespace radial::engine
