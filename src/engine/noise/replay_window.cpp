#include "engine/noise/replay_window.h"

#include <algorithm>

namespace radial::engine {
namespace {

// Held for a handful of instructions by data threads, which do not block.
class SpinGuard {
 public:
  explicit SpinGuard(std::atomic_flag& flag) : flag_(flag) {
    while (flag_.test_and_set(std::memory_order_acquire)) {
    }
  }
  ~SpinGuard() { flag_.clear(std::memory_order_release); }
  SpinGuard(const SpinGuard&) = delete;
  SpinGuard& operator=(const SpinGuard&) = delete;

 private:
  std::atomic_flag& flag_;
};

}  // namespace

bool ReplayWindow::test_and_set(std::uint64_t counter, std::uint64_t limit) {
  if (counter >= limit) return false;
  const SpinGuard guard(lock_);
  // As in RFC 6479, the ring is indexed by word; words that the window enters
  // are cleared, at most the whole ring.
  constexpr auto words = ring_bits / word_bits;
  const auto word = counter / word_bits;
  if (counter >= next_) {
    const auto current = next_ == 0 ? 0 : (next_ - 1) / word_bits;
    const auto fresh = std::min(word - current, words);
    for (std::uint64_t i = 1; i <= fresh; ++i) ring_[(current + i) % words] = 0;
    next_ = counter + 1;
  } else if (next_ - 1 - counter > size) {
    return false;
  }
  const auto bit = std::uint64_t{1} << (counter % word_bits);
  auto& seen = ring_[word % words];
  if ((seen & bit) != 0) return false;
  seen |= bit;
  return true;
}

}  // namespace radial::engine
