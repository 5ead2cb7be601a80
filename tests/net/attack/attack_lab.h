// The topology of the attack tests. mallory's operator is hostile: root on the
// site, but not on any other node.
//
//   LAN 192.168.1.0/24 -- fra1 (hub, one wg0)
//                          | internet
//        +-----------------+------------------+
//      berlin            paris             mallory
//  192.168.20.0/24   192.168.30.0/24    192.168.66.0/24
//                    grant 10.30.0.0/16
#pragma once

#include <atomic>
#include <future>

#include "support/live_lab.h"

namespace radial::test {

inline constexpr const char* attack_fabric = R"(
fabric: acme
hubs:
  fra1: { endpoint: vpn.example.com:51820, lans: [192.168.1.0/24] }
sites:
  berlin:  { lans: [192.168.20.0/24] }
  paris:   { lans: [192.168.30.0/24], grant: [10.30.0.0/16] }
  mallory: { lans: [192.168.66.0/24] }
)";

// Pings every 10 ms between the honest nodes, both ways, until stop(). An
// answer that comes late counts: only what is lost is lost.
class HonestPings {
 public:
  HonestPings(lab::Lab& lab, std::chrono::seconds length) {
    const std::vector<std::pair<std::string, std::string>> pairs = {
        {"berlin.lan0", "192.168.30.2"}, {"paris.lan0", "192.168.1.2"}, {"fra1.lan0", "192.168.20.2"}};
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
