// The topology of the fabric tests:
//
//   LAN 192.168.1.0/24 -- fra1 (hub, one wg0)
//                          | internet
//        +-----------------+------------------+
//      berlin            paris              lisbon
//  192.168.20.0/24   192.168.30.0/24    192.168.40.0/24
//                    grant 10.30.0.0/16
#pragma once

namespace radial::test {

inline constexpr const char* three_sites = R"(
fabric: acme
hubs:
  fra1: { endpoint: vpn.example.com:51820, lans: [192.168.1.0/24] }
sites:
  berlin: { lans: [192.168.20.0/24] }
  paris:  { lans: [192.168.30.0/24], grant: [10.30.0.0/16] }
  lisbon: { lans: [192.168.40.0/24] }
)";

// The same with one more LAN at paris, within its grant.
inline constexpr const char* paris_grows = R"(
fabric: acme
hubs:
  fra1: { endpoint: vpn.example.com:51820, lans: [192.168.1.0/24] }
sites:
  berlin: { lans: [192.168.20.0/24] }
  paris:  { lans: [192.168.30.0/24, 10.30.7.0/24], grant: [10.30.0.0/16] }
  lisbon: { lans: [192.168.40.0/24] }
)";

// The same with a fourth site.
inline constexpr const char* four_sites = R"(
fabric: acme
hubs:
  fra1: { endpoint: vpn.example.com:51820, lans: [192.168.1.0/24] }
sites:
  berlin: { lans: [192.168.20.0/24] }
  paris:  { lans: [192.168.30.0/24], grant: [10.30.0.0/16] }
  lisbon: { lans: [192.168.40.0/24] }
  madrid: { lans: [192.168.50.0/24] }
)";

}  // namespace radial::test
