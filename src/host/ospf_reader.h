// What the packets of OSPFv2 and OSPFv3 share, byte by byte: numbers, and the
// LSA header, whose options and type alone are laid out differently (RFC 2328
// A.4.1, RFC 5340 A.4.2). No reader goes past the end of its span when the
// caller has checked the size. Pure. Private to the room.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "host/ospf_packet.h"

namespace radial::host::ospf {

using Bytes = std::span<const std::uint8_t>;

inline constexpr std::size_t lsa_header = 20;
inline constexpr std::size_t hello_body = 20;  // before its neighbours
inline constexpr std::uint8_t hello = 1;       // packet types
inline constexpr std::uint8_t database_description = 2;
inline constexpr std::uint8_t link_state_update = 4;
inline constexpr std::uint8_t init_bit = 0x04;
inline constexpr std::uint8_t border_bit = 0x01;

inline std::uint16_t u16(Bytes bytes, std::size_t at) { return static_cast<std::uint16_t>(bytes[at] << 8 | bytes[at + 1]); }
inline std::uint32_t u32(Bytes bytes, std::size_t at) {
  return static_cast<std::uint32_t>(u16(bytes, at)) << 16 | u16(bytes, at + 2);
}
inline std::uint32_t u24(Bytes bytes, std::size_t at) { return u32(bytes, at) & 0xffffffU; }
// Also of OSPFv3, where identifiers still have four bytes.
inline IpAddress address(Bytes bytes, std::size_t at) { return IpAddress::from_v4(u32(bytes, at)); }

// Of four bytes each, from `at` to the end.
std::vector<IpAddress> addresses(Bytes body, std::size_t at);

// The LSAs of a Link State Update up to a cut. `type_of` knows the type by the
// two bytes behind the age, or leaves the LSA out; `read_body` adds what is
// behind the header.
std::vector<OspfLsa> read_update(Bytes body, const std::function<std::optional<LsaType>(std::uint16_t)>& type_of,
                                    const std::function<void(Bytes, OspfLsa&)>& read_body);

}  // namespace radial::host::ospf
