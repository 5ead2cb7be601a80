#include "engine/noise/keypair.h"

namespace radial::engine {

std::optional<std::uint64_t> Keypair::reserve(std::uint64_t n, std::uint64_t limit) {
  // A compare-and-swap rather than an addition: the counter must not wrap
  // however often one asks after the limit.
  auto first = send_counter_.load(std::memory_order_relaxed);
  do {
    if (first >= limit || n > limit - first) {
      invalidate_sending();
      return std::nullopt;
    }
  } while (!send_counter_.compare_exchange_weak(first, first + n, std::memory_order_relaxed));
  return first;
}

}  // namespace radial::engine
