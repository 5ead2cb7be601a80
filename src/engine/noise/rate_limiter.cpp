#include "engine/noise/rate_limiter.h"

#include <algorithm>

namespace radial::engine {
namespace {

// A bucket is full again after burst / rate, long before this.
constexpr Duration idle_time = std::chrono::seconds(1);

IpAddress bucket_address(const IpAddress& source) {
  return source.is_v4() ? source : Prefix::of(source, 64).address();
}

}  // namespace

bool RateLimiter::allow(const IpAddress& source, Instant now, const ProtocolLimits& limits) {
  if (now - last_cleaning_ >= idle_time) forget_idle(now);
  const Duration cost = Duration(std::chrono::seconds(1)) / limits.source_packets_per_second;
  const Duration full = cost * limits.source_burst;
  const auto address = bucket_address(source);
  const auto found = buckets_.find(address);
  if (found == buckets_.end()) {
    if (buckets_.size() >= limits.rate_limited_sources) return false;
    buckets_.emplace(address, Bucket{now, full - cost});
    return true;
  }
  auto& bucket = found->second;
  bucket.tokens = std::min(full, bucket.tokens + (now - bucket.last));
  bucket.last = now;
  if (bucket.tokens < cost) return false;
  bucket.tokens -= cost;
  return true;
}

void RateLimiter::forget_idle(Instant now) {
  std::erase_if(buckets_, [&](const auto& entry) { return now - entry.second.last > idle_time; });
  last_cleaning_ = now;
}

}  // namespace radial::engine
