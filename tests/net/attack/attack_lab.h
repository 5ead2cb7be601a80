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

#include "net/attack/attacker.h"
#include "support/steady_pings.h"

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

// Pings every 10 ms between the honest nodes, both ways.
class HonestPings : public SteadyPings {
 public:
  HonestPings(const lab::Lab& lab, std::chrono::seconds length)
      : SteadyPings(lab, {{"berlin.lan0", "192.168.30.2"}, {"paris.lan0", "192.168.1.2"}, {"fra1.lan0", "192.168.20.2"}}, length) {}
};

}  // namespace radial::test
