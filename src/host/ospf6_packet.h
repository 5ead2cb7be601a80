// OSPFv3 packets as a router receives them (RFC 5340, appendix A), as the same
// values as OSPFv2's (ospf_packet.h). Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "host/ospf_packet.h"

namespace radial::host {

// `packet` begins with the OSPF header: a raw IPv6 socket gives no IPv6 one.
// Nothing for what is no OSPFv3 packet. Of a Link State Update that is cut short,
// the LSAs before the cut; prefixes that make no sense are left out. An LSA whose
// type has another flooding scope than is its own counts as LsaType::other.
[[nodiscard]] std::optional<OspfPacket> read_ospf6_packet(std::span<const std::uint8_t> packet);

}  // namespace radial::host
