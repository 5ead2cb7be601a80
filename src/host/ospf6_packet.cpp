#include "host/ospf6_packet.h"

#include <algorithm>
#include <array>

#include "host/ospf_reader.h"

namespace radial::host {
namespace {

using namespace ospf;

constexpr std::size_t packet_header = 16;
constexpr std::size_t prefix_header = 4;  // length, options, and two bytes that mean something else in each LSA
constexpr std::size_t link_bytes = 16;

// The type with its scope (link-local, area, AS); the U bit, for routers that do
// not know the type, may be set or not.
std::optional<LsaType> type_of(std::uint16_t word) {
  switch (word & 0x7fffU) {
    case 0x2001: return LsaType::router;
    case 0x2002: return LsaType::network;
    case 0x2003: return LsaType::summary;
    case 0x2004: return LsaType::asbr_summary;
    case 0x4005: return LsaType::external;
    case 0x2007: return LsaType::nssa;
    case 0x0008: return LsaType::link;
    case 0x2009: return LsaType::intra_prefix;
    default: return LsaType::other;
  }
}

// The prefix at `at`, and where the next begins; nothing when it makes no sense.
std::optional<std::size_t> read_prefix(Bytes body, std::size_t at, std::uint32_t metric, OspfLsa& lsa) {
  if (at + prefix_header > body.size()) return std::nullopt;
  const int length = body[at];
  const std::size_t bytes = static_cast<std::size_t>((length + 31) / 32) * 4;
  if (length > 128 || at + prefix_header + bytes > body.size()) return std::nullopt;
  std::array<std::uint8_t, 16> address{};
  const auto given = body.subspan(at + prefix_header, bytes);
  std::copy(given.begin(), given.end(), address.begin());
  lsa.prefixes.push_back({Prefix::of(IpAddress::from_bytes(address), length), metric});
  return at + prefix_header + bytes;
}

void read_prefixes(Bytes body, std::size_t at, std::uint32_t count, bool with_metric, OspfLsa& lsa) {
  for (std::uint32_t i = 0; i < count && at + prefix_header <= body.size(); ++i) {
    const auto next = read_prefix(body, at, with_metric ? u16(body, at + 2) : 0U, lsa);
    if (!next) return;
    at = *next;
  }
}

void read_links(Bytes body, OspfLsa& lsa) {
  for (std::size_t at = 4; at + link_bytes <= body.size(); at += link_bytes) {
    const auto router = address(body, at + 12);
    if (body[at] == 1 || body[at] == 4) lsa.neighbors.push_back(router);
    if (body[at] == 2) lsa.transits.push_back(router);
  }
}

void read_body(Bytes body, OspfLsa& lsa) {
  switch (lsa.type) {
    case LsaType::router: read_links(body, lsa); break;
    case LsaType::network: lsa.neighbors = addresses(body, 4); break;
    case LsaType::summary:
    case LsaType::external:
    case LsaType::nssa:
      if (body.size() >= 4) (void)read_prefix(body, 4, u24(body, 0), lsa);
      break;
    case LsaType::link:
      if (body.size() >= 24) read_prefixes(body, 24, u32(body, 20), false, lsa);
      break;
    case LsaType::intra_prefix:
      if (body.size() < 12) break;
      lsa.attached_to = address(body, 8);
      read_prefixes(body, 12, u16(body, 0), true, lsa);
      break;
    case LsaType::asbr_summary:
    case LsaType::other: break;
  }
}

constexpr Layout layout{8, 4, 7, type_of, read_body};

}  // namespace

std::optional<OspfPacket> read_ospf6_packet(std::span<const std::uint8_t> packet) {
  if (packet.size() < packet_header || packet[0] != 3) return std::nullopt;
  const std::size_t length = u16(packet, 2);
  if (length < packet_header) return std::nullopt;
  const auto body = packet.first(std::min(length, packet.size())).subspan(packet_header);
  auto result = read_packet(packet[1], body, layout);
  result.router_id = address(packet, 4);
  result.instance = packet[14];
  return result;
}

}  // namespace radial::host
