// What the packets of OSPFv2 and OSPFv3 share, byte by byte: the LSA header, whose
// options and type alone are laid out differently (RFC 2328 A.4.1, RFC 5340
// A.4.2), and the border bit. Pure. Private to the room.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "host/ospf_packet.h"
#include "host/wire_bytes.h"

namespace radial::host::ospf {

// Of a router LSA's first byte, in both versions (RFC 2328, A.4.2).
inline constexpr std::uint8_t border_bit = 0x01;

// Also of OSPFv3, where identifiers still have four bytes.
inline IpAddress address(Bytes bytes, std::size_t at) { return IpAddress::from_v4(u32(bytes, at)); }

inline constexpr std::uint8_t hello = 1;
inline constexpr std::uint8_t database_description = 2;
inline constexpr std::uint8_t link_state_update = 4;

// The LSAs of a Link State Update, from what is behind the packet's header on, up to a cut;
// each has its header, at least.
inline constexpr std::size_t lsa_header = 20;
std::vector<Bytes> lsas_of(Bytes body);
inline constexpr int age_mask = 0x7fff;  // the top bit is DoNotAge (RFC 4136)

// Of four bytes each, from `at` to the end.
std::vector<IpAddress> addresses(Bytes body, std::size_t at);

// An OSPFv2 packet behind its IPv4 header, with all of its own header; nothing: it is none.
inline constexpr std::size_t v2_header = 24;
std::optional<Bytes> v2_packet_in(Bytes packet);

// Where the two versions differ.
struct Layout {
  std::size_t hello_interval_at;
  std::size_t description_mtu_at;
  std::size_t description_flags_at;  // beyond the MTU
  std::optional<LsaType> (*type_of)(std::uint16_t word);  // of the two bytes behind an LSA's age; or leaves it out
  void (*read_body)(Bytes body, OspfLsa& lsa);            // adds what is behind an LSA's header, but for the border bit
};

// A packet of that type from what is behind its header; all but the router-id.
OspfPacket read_packet(std::uint8_t type, Bytes body, const Layout& layout);

}  // namespace radial::host::ospf
