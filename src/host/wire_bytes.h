// Numbers in network byte order, off the wire. No reader goes past the end of its
// span when the caller has checked the size. Private to the room.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace radial::host {

using Bytes = std::span<const std::uint8_t>;

inline std::uint16_t u16(Bytes bytes, std::size_t at) { return static_cast<std::uint16_t>(bytes[at] << 8 | bytes[at + 1]); }
inline std::uint32_t u32(Bytes bytes, std::size_t at) {
  return static_cast<std::uint32_t>(u16(bytes, at)) << 16 | u16(bytes, at + 2);
}
inline std::uint32_t u24(Bytes bytes, std::size_t at) { return u32(bytes, at) & 0xffffffU; }

}  // namespace radial::host
