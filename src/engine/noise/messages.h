// The four WireGuard messages on the wire (paper, section 5.4). Multi-byte
// integers are little endian; every field is read and written by offset, so
// buffers need no alignment.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

namespace radial::engine {

enum class MessageType : std::uint8_t { initiation = 1, response = 2, cookie_reply = 3, data = 4 };

namespace initiation {
inline constexpr std::size_t sender = 4, ephemeral = 8, sealed_static = 40, sealed_timestamp = 88, mac1 = 116,
                             mac2 = 132, size = 148;
}
namespace response {
inline constexpr std::size_t sender = 4, receiver = 8, ephemeral = 12, sealed_nothing = 44, mac1 = 60, mac2 = 76,
                             size = 92;
}
namespace cookie_reply {
inline constexpr std::size_t receiver = 4, nonce = 8, sealed_cookie = 32, size = 64;
}
namespace data {
inline constexpr std::size_t receiver = 4, counter = 8, header_size = 16, overhead = 32;  // header and tag
}

// A data message pads its payload to this, but not beyond the interface's MTU.
inline constexpr std::size_t padding_multiple = 16;

// The padded size of an inner packet. An mtu of 0 means "no limit". As in the
// kernel, a packet larger than the MTU (a GSO one) is padded in its last unit.
[[nodiscard]] constexpr std::size_t padded_size(std::size_t length, std::size_t mtu) {
  const std::size_t whole = mtu != 0 && length > mtu ? length / mtu * mtu : 0;
  const std::size_t last = length - whole;
  const std::size_t aligned = (last + padding_multiple - 1) / padding_multiple * padding_multiple;
  return whole + (mtu != 0 && aligned > mtu ? mtu : aligned);
}

[[nodiscard]] inline std::uint32_t load_u32(const std::uint8_t* at) {
  return static_cast<std::uint32_t>(at[0]) | static_cast<std::uint32_t>(at[1]) << 8U |
         static_cast<std::uint32_t>(at[2]) << 16U | static_cast<std::uint32_t>(at[3]) << 24U;
}
[[nodiscard]] inline std::uint64_t load_u64(const std::uint8_t* at) {
  return load_u32(at) | static_cast<std::uint64_t>(load_u32(at + 4)) << 32U;
}
inline void store_u32(std::uint8_t* at, std::uint32_t value) {
  for (int i = 0; i < 4; ++i) at[i] = static_cast<std::uint8_t>(value >> (8 * i));
}
inline void store_u64(std::uint8_t* at, std::uint64_t value) {
  store_u32(at, static_cast<std::uint32_t>(value));
  store_u32(at + 4, static_cast<std::uint32_t>(value >> 32U));
}

// The type field with its three reserved zero bytes, as one integer.
[[nodiscard]] inline bool is_message(const std::uint8_t* bytes, std::size_t size, MessageType type) {
  return size >= 4 && load_u32(bytes) == static_cast<std::uint32_t>(type);
}

}  // namespace radial::engine
