// Pings every 10 ms between pairs of places in a lab, for a length of time, in
// threads of their own. An answer that comes late counts: only what is lost is
// lost. The lab must outlive it.
#pragma once

#include <chrono>
#include <cstdio>
#include <future>
#include <string>
#include <utility>
#include <vector>

#include "lab/lab.h"

namespace radial::test {

class SteadyPings {
 public:
  using Pairs = std::vector<std::pair<std::string, std::string>>;  // from a place, to an address

  SteadyPings(const lab::Lab& lab, const Pairs& pairs, std::chrono::seconds length) {
    lab::PingOptions options;
    options.interval = std::chrono::milliseconds(10);
    options.count = static_cast<int>(length / options.interval);
    options.timeout = std::chrono::seconds(3);
    for (const auto& [from, to] : pairs)
      results_.push_back(std::async(std::launch::async, [&lab, from = from, to = to, options] {
        return lab.ping(from, IpAddress::parse(to).value(), options);
      }));
  }
  // Waits for the end. Lost in all, or -1 when it could not be measured.
  int lost() {
    int lost = 0;
    for (auto& result : results_) {
      auto ping = result.get();
      if (!ping || ping->sent == 0) return -1;
      lost += ping->sent - ping->received;
      if (ping->received != ping->sent)
        std::printf("  %s -> %s: %d of %d lost\n", ping->from.c_str(), ping->to.c_str(), ping->sent - ping->received,
                    ping->sent);
    }
    return lost;
  }

 private:
  std::vector<std::future<Result<lab::PingResult>>> results_;
};

}  // namespace radial::test
