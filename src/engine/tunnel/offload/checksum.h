// The Internet checksum (RFC 1071), computed in the machine's own byte order:
// a folded sum stored to memory as it is has the right bytes on the wire
// (RFC 1071 section 2, "byte order independence").
//
// A partial sum is a plain integer that parts are added to; each part must
// start at an even offset of the whole. Threading: pure functions.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

namespace radial::engine {

// `sum` plus the 16-bit words of `bytes` (an odd last byte is padded with 0).
[[nodiscard]] std::uint64_t checksum_add(std::uint64_t sum, std::span<const std::uint8_t> bytes);

// The same, copying the bytes to `to` on the way.
[[nodiscard]] std::uint64_t checksum_copy(std::uint64_t sum, std::span<const std::uint8_t> bytes, std::uint8_t* to);

// Down to 16 bits; not inverted.
[[nodiscard]] constexpr std::uint16_t checksum_fold(std::uint64_t sum) {
  sum = (sum & 0xffffffffU) + (sum >> 32U);
  sum = (sum & 0xffffU) + (sum >> 16U);
  sum = (sum & 0xffffU) + (sum >> 16U);
  sum = (sum & 0xffffU) + (sum >> 16U);
  return static_cast<std::uint16_t>(sum);
}

// What a header's checksum field must hold for the data summed.
[[nodiscard]] constexpr std::uint16_t checksum_finish(std::uint64_t sum) {
  return static_cast<std::uint16_t>(~checksum_fold(sum));
}

}  // namespace radial::engine
