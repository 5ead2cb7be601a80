#include <bit>
#include <cstddef>

#include "engine/noise/data_path.h"

namespace radial::engine {
namespace {

constexpr std::uint8_t ecn_mask = 3, not_ect = 0, ect_1 = 1, ect_0 = 2, congestion = 3;

// Changes 16 bits of an IPv4 header and its checksum (RFC 1624, equation 3).
void adjust_checksum(std::uint8_t* checksum, std::uint16_t before, std::uint16_t after) {
  const auto old = static_cast<std::uint32_t>(checksum[0] << 8U | checksum[1]);
  std::uint32_t sum = (~old & 0xffffU) + (~static_cast<std::uint32_t>(before) & 0xffffU) + after;
  sum = (sum & 0xffffU) + (sum >> 16U);
  sum = (sum & 0xffffU) + (sum >> 16U);
  const auto fresh = ~sum & 0xffffU;
  checksum[0] = static_cast<std::uint8_t>(fresh >> 8U);
  checksum[1] = static_cast<std::uint8_t>(fresh);
}

void set_ds_field(std::span<std::uint8_t> packet, std::uint8_t ds) {
  if (packet[0] >> 4U == 6) {
    packet[0] = static_cast<std::uint8_t>(0x60U | ds >> 4U);
    packet[1] = static_cast<std::uint8_t>((packet[1] & 0x0fU) | ds << 4U);
    return;
  }
  const auto before = static_cast<std::uint16_t>(packet[0] << 8U | packet[1]);
  packet[1] = ds;
  adjust_checksum(&packet[10], before, static_cast<std::uint16_t>(packet[0] << 8U | ds));
}

}  // namespace

std::uint8_t ds_field(Bytes packet) {
  if (packet.size() < 20) return 0;
  if (packet[0] >> 4U == 4) return packet[1];
  if (packet[0] >> 4U == 6) return static_cast<std::uint8_t>(packet[0] << 4U | packet[1] >> 4U);
  return 0;
}

std::uint8_t ecn_encapsulate(std::uint8_t inner_ds) {
  const auto inner = static_cast<std::uint8_t>(inner_ds & ecn_mask);
  return inner == congestion ? ect_0 : inner;
}

void ecn_decapsulate(std::uint8_t outer_ds, std::span<std::uint8_t> packet) {
  const auto outer = static_cast<std::uint8_t>(outer_ds & ecn_mask);
  if (outer != congestion && outer != ect_1) return;
  const auto ds = ds_field(packet);
  const auto inner = static_cast<std::uint8_t>(ds & ecn_mask);
  if (inner == not_ect || inner == outer || inner == congestion) return;
  if (outer == ect_1 && inner != ect_0) return;
  set_ds_field(packet, static_cast<std::uint8_t>((ds & ~ecn_mask) | outer));
}

}  // namespace radial::engine
