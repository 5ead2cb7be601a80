// Pings from inside network namespaces, without a process for each: a thread
// enters the namespace, opens raw ICMP sockets (RFC 792, RFC 4443) there and
// asks all its targets at once.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "base/ip.h"
#include "base/result.h"

namespace radial::lab {

struct PingOptions {
  int count = 1;                                  // echo requests to each target
  std::chrono::milliseconds interval{200};        // between two requests to one target
  std::chrono::milliseconds timeout{1000};        // to wait after the last request
  std::size_t payload = 56;                       // bytes after the ICMP header
  bool dont_fragment = false;                     // IPv4 DF, and no local fragmentation of IPv6
};

struct PingResult {
  std::string from;      // a place's name, as the caller gave it
  std::string to;
  int sent = 0;          // requests that the kernel took
  int received = 0;      // distinct answers
  std::chrono::microseconds shortest{0};  // round trips; 0 when none came
  std::chrono::microseconds average{0};
  [[nodiscard]] bool ok() const { return sent > 0 && received == sent; }
  [[nodiscard]] double loss() const { return sent == 0 ? 100.0 : 100.0 * (sent - received) / sent; }
};

struct PingMatrix {
  std::vector<PingResult> results;  // every ordered pair
  [[nodiscard]] bool ok() const;    // every one answered in full
  [[nodiscard]] std::vector<PingResult> failures() const;
};

struct PingTarget {
  std::string name;
  IpAddress address;
};

// From the network namespace at `netns_path` (a file of /run/netns, or
// /proc/PID/ns/net). The calling thread stays where it is.
[[nodiscard]] Result<std::vector<PingResult>> ping_from(const std::string& from, const std::string& netns_path,
                                                        const std::vector<PingTarget>& targets,
                                                        const PingOptions& options);

}  // namespace radial::lab
