// Link state advertisements of OSPFv2 as values (RFC 2328, 12 and appendix
// A.4): what one router said about its links and prefixes. Read from ospfd's
// database (frr_lsdb.h) or off the wire (ospf_packet.h).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/ip.h"

namespace radial::host {

enum class LsaType : std::uint8_t {
  router = 1,
  network = 2,
  summary = 3,       // of an area border router
  asbr_summary = 4,  // of an area border router
  external = 5,      // of a router that redistributes
  nssa = 7,
};
[[nodiscard]] std::string_view to_string(LsaType type);  // "router", ..., as in `show ip ospf database TYPE`

inline constexpr int lsa_max_age = 3600;  // RFC 2328, appendix B

struct AnnouncedPrefix {
  Prefix prefix;
  std::uint32_t metric = 0;
  auto operator<=>(const AnnouncedPrefix&) const = default;
};

struct OspfLsa {
  LsaType type = LsaType::router;
  IpAddress id;          // link state id
  IpAddress originator;  // advertising router, a router-id: what the LSA claims
  std::uint32_t sequence = 0;
  std::uint16_t checksum = 0;  // of its content; with the sequence number it names an instance
  int age = 0;           // seconds
  // router: its stub networks; network: its own; summary, external, nssa: the one that it is about.
  std::vector<AnnouncedPrefix> prefixes;
  std::vector<IpAddress> neighbors;  // router: router-ids at the other ends of its point-to-point and virtual
                                     // links; network: attached routers
  std::vector<IpAddress> transits;   // router: designated routers' addresses of its transit networks

  [[nodiscard]] bool withdrawn() const { return age >= lsa_max_age; }
  bool operator==(const OspfLsa&) const = default;
};

}  // namespace radial::host
