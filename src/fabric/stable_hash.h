// FNV-1a, 64 bits (Fowler, Noll, Vo; RFC 9923): the hash behind tunnel
// addresses and prefixes that are derived from names. Spelled out here because
// its values may never change between builds, libraries or machines.
#pragma once

#include <cstdint>
#include <string_view>

namespace radial {

[[nodiscard]] constexpr std::uint64_t stable_hash(std::string_view text) {
  std::uint64_t hash = 0xcbf29ce484222325ULL;
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3ULL;
  return hash;
}

}  // namespace radial
