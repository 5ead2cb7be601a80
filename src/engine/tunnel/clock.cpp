#include "engine/tunnel/clock.h"

#include <ctime>

namespace radial::engine {
namespace {

Duration read(clockid_t clock) {
  timespec time{};
  ::clock_gettime(clock, &time);
  return std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec);
}

}  // namespace

Now read_clocks() { return {Instant(read(CLOCK_BOOTTIME)), WallTime(read(CLOCK_REALTIME))}; }

}  // namespace radial::engine
