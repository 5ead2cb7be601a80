// A token bucket for each source address (a /64 for IPv6), so that under load
// one sender with a valid cookie cannot buy all the handshakes (paper, 5.3).
//
// Threading: under Device's mutex.
#pragma once

#include <map>

#include "base/ip.h"
#include "engine/noise/limits.h"
#include "engine/noise/time.h"

namespace radial::engine {

class RateLimiter {
 public:
  // Takes a token of the source; false when it has none left, or when it is
  // new and the table is full.
  [[nodiscard]] bool allow(const IpAddress& source, Instant now, const ProtocolLimits& limits);
  [[nodiscard]] std::size_t sources() const { return buckets_.size(); }

 private:
  struct Bucket {
    Instant last;
    Duration tokens;  // as the time in which they accrue
  };
  void forget_idle(Instant now);

  std::map<IpAddress, Bucket> buckets_;
  Instant last_cleaning_{};
};

}  // namespace radial::engine
