// Reading and writing the fields of IPv4 (RFC 791), IPv6 (RFC 8200), TCP
// (RFC 9293) and UDP (RFC 768) headers in raw bytes, in network order.
// The caller has checked that the bytes are there.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

#include "engine/tunnel/offload/checksum.h"

namespace radial::engine {

inline constexpr std::uint8_t protocol_icmp = 1;
inline constexpr std::uint8_t protocol_tcp = 6;
inline constexpr std::uint8_t protocol_udp = 17;

inline constexpr std::size_t ipv4_header_size = 20;  // without options
inline constexpr std::size_t ipv6_header_size = 40;
inline constexpr std::size_t tcp_header_size = 20;  // without options
inline constexpr std::size_t udp_header_size = 8;

inline constexpr std::size_t tcp_checksum_offset = 16;
inline constexpr std::size_t udp_checksum_offset = 6;

inline constexpr std::uint8_t tcp_fin = 0x01;
inline constexpr std::uint8_t tcp_syn = 0x02;
inline constexpr std::uint8_t tcp_rst = 0x04;
inline constexpr std::uint8_t tcp_psh = 0x08;
inline constexpr std::uint8_t tcp_ack = 0x10;
inline constexpr std::uint8_t tcp_urg = 0x20;
inline constexpr std::uint8_t tcp_ece = 0x40;
inline constexpr std::uint8_t tcp_cwr = 0x80;

[[nodiscard]] inline std::uint16_t load16(const std::uint8_t* at) {
  return static_cast<std::uint16_t>(at[0] << 8U | at[1]);
}
[[nodiscard]] inline std::uint32_t load32(const std::uint8_t* at) {
  return static_cast<std::uint32_t>(load16(at)) << 16U | load16(at + 2);
}
inline void store16(std::uint8_t* at, std::uint16_t value) {
  at[0] = static_cast<std::uint8_t>(value >> 8U);
  at[1] = static_cast<std::uint8_t>(value);
}
inline void store32(std::uint8_t* at, std::uint32_t value) {
  store16(at, static_cast<std::uint16_t>(value >> 16U));
  store16(at + 2, static_cast<std::uint16_t>(value));
}
// A checksum field as checksum_fold() and checksum_finish() give it.
inline void store_checksum(std::uint8_t* at, std::uint16_t value) { std::memcpy(at, &value, sizeof value); }
[[nodiscard]] inline std::uint16_t load_checksum(const std::uint8_t* at) {
  std::uint16_t value = 0;
  std::memcpy(&value, at, sizeof value);
  return value;
}
// A number as a word that can be added to a partial sum.
[[nodiscard]] inline std::uint64_t checksum_word(std::uint16_t host_order) {
  if constexpr (std::endian::native == std::endian::big) return host_order;
  return static_cast<std::uint16_t>(host_order << 8U | host_order >> 8U);
}

[[nodiscard]] inline int ip_version(std::span<const std::uint8_t> packet) {
  return packet.empty() ? 0 : packet[0] >> 4U;
}

// The pseudo-header's sum (RFC 9293 section 3.1, RFC 8200 section 8.1) for a
// packet without routing headers, with `length` bytes from the layer 4 header on.
[[nodiscard]] inline std::uint64_t pseudo_header_sum(const std::uint8_t* ip, std::uint8_t protocol, std::size_t length) {
  const bool v4 = ip[0] >> 4U == 4;
  const auto addresses = v4 ? std::span(ip + 12, 8) : std::span(ip + 8, 32);
  return checksum_add(checksum_word(protocol) + checksum_word(static_cast<std::uint16_t>(length)), addresses);
}

// Fills the header checksum in.
inline void seal_ipv4_header(std::uint8_t* ip) {
  store16(ip + 10, 0);
  store_checksum(ip + 10, checksum_finish(checksum_add(0, {ip, static_cast<std::size_t>(ip[0] & 0x0fU) * 4})));
}

}  // namespace radial::engine
