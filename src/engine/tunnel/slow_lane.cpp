#include "engine/tunnel/slow_lane.h"

#include <algorithm>

namespace radial::engine {

void SlowLane::put(std::span<const std::uint8_t> message, const UdpPath& from) {
  HandshakeMessage entry;
  if (message.size() > entry.bytes.size()) return;
  entry.from = from;
  entry.size = static_cast<std::uint8_t>(message.size());
  std::copy(message.begin(), message.end(), entry.bytes.begin());
  {
    const std::lock_guard lock(mutex_);
    if (messages_.size() - first_ >= capacity) return;
    messages_.push_back(entry);
  }
  wake_.signal();
}

void SlowLane::put(std::span<const Event> events) {
  {
    const std::lock_guard lock(mutex_);
    events_.insert(events_.end(), events.begin(), events.end());
  }
  wake_.signal();
}

void SlowLane::report_device_gone() {
  gone_.store(true, std::memory_order_release);
  wake_.signal();
}

SlowLane::Taken SlowLane::take(std::size_t limit) {
  wake_.clear();
  Taken out;
  const std::lock_guard lock(mutex_);
  out.events.swap(events_);
  out.busy = messages_.size() - first_ >= busy_from;
  const auto from = messages_.begin() + static_cast<std::ptrdiff_t>(first_);
  const auto to = from + static_cast<std::ptrdiff_t>(std::min(limit, messages_.size() - first_));
  out.messages.assign(from, to);
  first_ += out.messages.size();
  if (first_ == messages_.size()) {
    messages_.clear();
    first_ = 0;
  } else {
    wake_.signal();  // there is more
    if (first_ >= capacity) {
      messages_.erase(messages_.begin(), messages_.begin() + static_cast<std::ptrdiff_t>(first_));
      first_ = 0;
    }
  }
  return out;
}

}  // namespace radial::engine
