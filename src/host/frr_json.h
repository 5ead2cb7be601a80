// FRR's JSON answers, of 8.4 and 10.3, as our values. Pure. What is missing or
// of another type or out of range is an error (protocol), never a guess; the
// input may be hostile: nesting is bounded before it is parsed, numbers are
// checked before they are narrowed. Private to the room.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "host/frr.h"

namespace radial::host::frr {

// "show version" (text): "8.4.4".
[[nodiscard]] Result<std::string> parse_version(std::string_view text);
// "show ip ospf neighbor json"
[[nodiscard]] Result<std::vector<OspfNeighbor>> parse_ospf_neighbors(std::string_view text);
// "show ipv6 ospf6 neighbor detail json"
[[nodiscard]] Result<std::vector<Ospf6Neighbor>> parse_ospf6_neighbors(std::string_view text);
// "show bgp summary json"
[[nodiscard]] Result<std::vector<BgpSession>> parse_bgp_sessions(std::string_view text);
// "show ip ospf interface json"
[[nodiscard]] Result<std::vector<OspfInterface>> parse_ospf_interfaces(std::string_view text);
// "show interface json", of zebra
[[nodiscard]] Result<std::map<std::string, std::vector<InterfaceAddress>>> parse_zebra_addresses(std::string_view text);
// "show ip route json", "show ipv6 route json"
[[nodiscard]] Result<std::vector<LearnedRoute>> parse_routes(std::string_view text);
// "show ip ospf database network self-originate json": whether one for
// `address` is there and has not been withdrawn.
[[nodiscard]] Result<bool> parse_network_lsa(std::string_view text, const IpAddress& address);

}  // namespace radial::host::frr
