// Link state advertisements of OSPFv2 and OSPFv3 as values (RFC 2328, 12 and
// appendix A.4; RFC 5340, A.4): what one router said about its links and
// prefixes. Read from FRR's database (frr_lsdb.h) or off the wire
// (ospf_packet.h). The two versions differ in where an LSA says what, hardly in what.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/ip.h"

namespace radial::host {

enum class OspfVersion : std::uint8_t { v2 = 2, v3 = 3 };  // IPv4 by the one, IPv6 by the other

// By the number that OSPFv2 and OSPFv3 (there: the function code) both have for it.
enum class LsaType : std::uint8_t {
  other = 0,         // OSPFv3: any that is not listed here
  router = 1,
  network = 2,
  summary = 3,       // of an area border router; OSPFv3: inter-area-prefix
  asbr_summary = 4,  // of an area border router; OSPFv3: inter-area-router
  external = 5,      // of a router that redistributes
  nssa = 7,
  link = 8,          // OSPFv3: for the neighbours on one link alone
  intra_prefix = 9,  // OSPFv3: the prefixes of a router or of a network
};
// "router", "network", ...; of OSPFv2 as in `show ip ospf database TYPE`.
[[nodiscard]] std::string_view to_string(LsaType type, OspfVersion version = OspfVersion::v2);

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
  std::uint64_t content = 0;   // hash of what follows its header, which nobody can hit on purpose; 0: not read off the wire
  int age = 0;           // seconds
  // OSPFv2: router: its stub networks; network: its own. OSPFv3: intra_prefix, link: all. Both: summary, external, nssa:
  // the one that it is about.
  std::vector<AnnouncedPrefix> prefixes;
  std::vector<IpAddress> neighbors;  // router: router-ids at the other ends of its point-to-point and virtual
                                     // links; network: attached routers
  std::vector<IpAddress> transits;   // router: designated routers' addresses (OSPFv3: router-ids) of its transit networks
  IpAddress attached_to = {};        // intra_prefix: the router on whose LSA its prefixes hang
  std::optional<bool> border = {};   // router: it says of itself that it is an area border router; where that was read

  [[nodiscard]] bool withdrawn() const { return age >= lsa_max_age; }
  bool operator==(const OspfLsa&) const = default;
};

}  // namespace radial::host
