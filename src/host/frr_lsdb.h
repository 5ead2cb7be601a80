// The link state databases of ospfd and ospf6d as values: who says what. FRR 8.4
// and 10.3 print the same fields (`show ip ospf database TYPE json`, `show ipv6
// ospf6 database detail json`).
#pragma once

#include <string_view>
#include <vector>

#include "base/result.h"
#include "host/frr.h"
#include "host/ospf_lsa.h"

namespace radial::host {

struct OspfDatabase {
  IpAddress router_id;          // of this node; OSPFv2 alone
  std::vector<OspfLsa> lsas;    // all areas and AS-external, OSPFv3: link-local too; withdrawn ones while FRR keeps them
  std::size_t unreadable = 0;   // LSAs left out, as their fields made no sense
};

// OSPFv2: types 1 to 5, in as many questions to ospfd. OSPFv3: one question to
// ospf6d. Empty where OSPF is not configured. Cost: about 0.5 us and 400 bytes of text for each LSA.
[[nodiscard]] Result<OspfDatabase> read_ospf_database(Frr& frr, OspfVersion version = OspfVersion::v2);
// Only what this router originates: of it what names the instances, not always content.
[[nodiscard]] Result<OspfDatabase> read_own_lsas(Frr& frr, OspfVersion version = OspfVersion::v2);

namespace frr {
// One answer, added to `database`. An LSA that makes no sense is counted, not
// an error: what a router floods must not blind us to the others.
[[nodiscard]] Status parse_ospf_database(std::string_view text, LsaType type, OspfDatabase& database);
[[nodiscard]] Status parse_own_lsas(std::string_view text, LsaType type, OspfDatabase& database);
// The whole of OSPFv3's, or a router's own.
[[nodiscard]] Status parse_ospf6_database(std::string_view text, OspfDatabase& database);
}  // namespace frr

}  // namespace radial::host
