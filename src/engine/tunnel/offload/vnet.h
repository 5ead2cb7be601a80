// The header that a TUN device opened with IFF_VNET_HDR puts in front of each
// packet (virtio 1.2 section 5.1.6; Documentation/networking/tuntap.rst), as
// plain values of the machine's own byte order.
//
// The layout is restated here rather than included: linux/virtio_net.h uses
// `class` as an identifier, and Debian 12's lacks the UDP segmentation types.
#pragma once

#include <cstdint>

namespace radial::engine {

struct VnetHeader {
  std::uint8_t flags = 0;
  std::uint8_t gso_type = 0;
  std::uint16_t hdr_len = 0;      // a hint only; never trusted here
  std::uint16_t gso_size = 0;     // payload bytes of one segment
  std::uint16_t csum_start = 0;   // where the layer 4 header begins
  std::uint16_t csum_offset = 0;  // of the checksum field, from csum_start
};
static_assert(sizeof(VnetHeader) == 10);

inline constexpr std::uint8_t vnet_needs_csum = 1;  // the checksum field holds the pseudo-header's sum only

inline constexpr std::uint8_t vnet_gso_none = 0;
inline constexpr std::uint8_t vnet_gso_tcp4 = 1;
inline constexpr std::uint8_t vnet_gso_tcp6 = 4;
inline constexpr std::uint8_t vnet_gso_udp = 5;     // VIRTIO_NET_HDR_GSO_UDP_L4, both families
inline constexpr std::uint8_t vnet_gso_ecn = 0x80;  // added to a TCP type when CWR is set

}  // namespace radial::engine
