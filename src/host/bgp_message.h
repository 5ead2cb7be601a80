// What a BGP UPDATE announces and withdraws, for IPv4 and IPv6 unicast
// (RFC 4271, 4.3; RFC 4760). Pure. The input may be hostile.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "base/ip.h"

namespace radial::host {

inline constexpr std::size_t bgp_header = 19;

// Marker, length and type at the beginning of `bytes` are those of a BGP message: its length.
[[nodiscard]] std::optional<std::size_t> bgp_message_length(std::span<const std::uint8_t> bytes);

struct BgpUpdate {
  std::vector<Prefix> announced;
  std::vector<Prefix> withdrawn;
};

// `message` begins with its header. Nothing for what is no UPDATE, or one that bgpd would not
// read. Whether prefixes carry path identifiers (RFC 7911) was said in an OPEN that may have
// passed before we listened: they are read with them where they make no sense without.
[[nodiscard]] std::optional<BgpUpdate> read_bgp_update(std::span<const std::uint8_t> message);

}  // namespace radial::host
