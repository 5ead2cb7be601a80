// The protocol's constants (paper, section 6.1, and the kernel where the paper
// is silent). A value, so that a test build can shorten them.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace radial::engine {

struct ProtocolLimits {
  std::chrono::nanoseconds rekey_after_time = std::chrono::seconds(120);
  std::chrono::nanoseconds reject_after_time = std::chrono::seconds(180);
  std::chrono::nanoseconds rekey_attempt_time = std::chrono::seconds(90);
  std::chrono::nanoseconds rekey_timeout = std::chrono::seconds(5);
  std::chrono::nanoseconds rekey_jitter = std::chrono::milliseconds(333);
  std::chrono::nanoseconds keepalive_timeout = std::chrono::seconds(10);
  std::uint64_t rekey_after_messages = std::uint64_t{1} << 60U;
  // 2^64 - 2^13 - 1
  std::uint64_t reject_after_messages = UINT64_MAX - (std::uint64_t{1} << 13U);

  std::chrono::nanoseconds cookie_refresh_time = std::chrono::seconds(120);
  std::chrono::nanoseconds cookie_latency = std::chrono::seconds(5);
  // A responder takes at most one initiation of a peer in this time.
  std::chrono::nanoseconds initiation_interval = std::chrono::milliseconds(20);
  // After the load has gone, cookies are asked for this much longer.
  std::chrono::nanoseconds load_hysteresis = std::chrono::seconds(1);

  // Initiations and responses a source may send under load.
  std::uint32_t source_packets_per_second = 20;
  std::uint32_t source_burst = 5;
  std::size_t rate_limited_sources = 8192;  // table size; beyond it, refused

  // Packets of a peer that wait for a handshake; the oldest make room.
  std::size_t staged_packets = 128;
};

}  // namespace radial::engine
