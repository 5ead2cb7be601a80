#include "host/ospf_packet.h"

#include <bit>

#include "host/ospf_reader.h"

namespace radial::host {
namespace {

using namespace ospf;

// A mask with holes counts as its leading ones: a receiver does with it what it will.
Prefix prefix_of(const IpAddress& network, std::uint32_t mask) { return Prefix::of(network, std::countl_one(mask)); }

void read_links(Bytes body, OspfLsa& lsa) {
  if (body.size() < 4) return;
  const int count = u16(body, 2);
  std::size_t at = 4;
  for (int i = 0; i < count && at + 12 <= body.size(); ++i) {
    const auto id = address(body, at);
    switch (body[at + 8]) {
      case 1:
      case 4: lsa.neighbors.push_back(id); break;
      case 2: lsa.transits.push_back(id); break;
      case 3: lsa.prefixes.push_back({prefix_of(id, u32(body, at + 4)), u16(body, at + 10)}); break;
      default: break;
    }
    at += 12 + std::size_t{4} * body[at + 9];
  }
}

void read_body(Bytes body, OspfLsa& lsa) {
  switch (lsa.type) {
    case LsaType::router: read_links(body, lsa); break;
    case LsaType::network:
      if (body.size() < 4) break;
      lsa.prefixes.push_back({prefix_of(lsa.id, u32(body, 0)), 0});
      lsa.neighbors = addresses(body, 4);
      break;
    case LsaType::summary:
    case LsaType::external:
    case LsaType::nssa:
      if (body.size() >= 8) lsa.prefixes.push_back({prefix_of(lsa.id, u32(body, 0)), u24(body, 4)});
      break;
    case LsaType::asbr_summary:
    case LsaType::other:
    case LsaType::link:
    case LsaType::intra_prefix: break;
  }
}

std::optional<LsaType> type_of(std::uint16_t options_and_type) {
  const int type = options_and_type & 0xff;
  if ((type >= 1 && type <= 5) || type == 7) return static_cast<LsaType>(type);
  return std::nullopt;
}

constexpr Layout layout{4, 0, 3, type_of, read_body};

}  // namespace

std::optional<Bytes> ospf::v2_packet_in(Bytes packet) {
  if (packet.empty()) return std::nullopt;
  const std::size_t ip_header = static_cast<std::size_t>(packet[0] & 0x0fU) * 4;
  if (packet.size() < ip_header + v2_header) return std::nullopt;
  const auto ospf = packet.subspan(ip_header);
  const std::size_t length = u16(ospf, 2);
  if (ospf[0] != 2 || length < v2_header) return std::nullopt;
  return ospf.first(std::min(length, ospf.size()));
}

std::optional<OspfPacket> read_ospf_packet(std::span<const std::uint8_t> packet) {
  const auto ospf = v2_packet_in(packet);
  if (!ospf) return std::nullopt;
  auto result = read_packet((*ospf)[1], ospf->subspan(v2_header), layout);
  result.router_id = address(*ospf, 4);
  return result;
}

}  // namespace radial::host
