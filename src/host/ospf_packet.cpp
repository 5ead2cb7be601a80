#include "host/ospf_packet.h"

#include <bit>

namespace radial::host {
namespace {

constexpr std::size_t packet_header = 24;
constexpr std::size_t lsa_header = 20;
constexpr std::size_t hello_body = 20;  // before its neighbours
constexpr std::uint8_t hello = 1;
constexpr std::uint8_t database_description = 2;
constexpr std::uint8_t link_state_update = 4;
constexpr std::uint8_t init_bit = 0x04;
constexpr std::uint8_t border_bit = 0x01;
constexpr int age_mask = 0x7fff;  // the top bit is DoNotAge (RFC 4136)

using Bytes = std::span<const std::uint8_t>;

std::uint16_t u16(Bytes bytes, std::size_t at) { return static_cast<std::uint16_t>(bytes[at] << 8 | bytes[at + 1]); }
std::uint32_t u32(Bytes bytes, std::size_t at) {
  return static_cast<std::uint32_t>(u16(bytes, at)) << 16 | u16(bytes, at + 2);
}
std::uint32_t u24(Bytes bytes, std::size_t at) { return u32(bytes, at) & 0xffffffU; }
IpAddress address(Bytes bytes, std::size_t at) { return IpAddress::from_v4(u32(bytes, at)); }

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

void read_body(Bytes body, UpdatedLsa& updated) {
  auto& lsa = updated.lsa;
  switch (lsa.type) {
    case LsaType::router:
      updated.border = !body.empty() && (body[0] & border_bit) != 0;
      read_links(body, lsa);
      break;
    case LsaType::network:
      if (body.size() < 4) break;
      lsa.prefixes.push_back({prefix_of(lsa.id, u32(body, 0)), 0});
      for (std::size_t at = 4; at + 4 <= body.size(); at += 4) lsa.neighbors.push_back(address(body, at));
      break;
    case LsaType::summary:
    case LsaType::external:
    case LsaType::nssa:
      if (body.size() >= 8) lsa.prefixes.push_back({prefix_of(lsa.id, u32(body, 0)), u24(body, 4)});
      break;
    case LsaType::asbr_summary:
      break;
  }
}

bool is_known(std::uint8_t type) { return (type >= 1 && type <= 5) || type == 7; }

std::vector<UpdatedLsa> read_update(Bytes body) {
  std::vector<UpdatedLsa> result;
  if (body.size() < 4) return result;
  const auto count = u32(body, 0);
  body = body.subspan(4);
  for (std::uint32_t i = 0; i < count && body.size() >= lsa_header; ++i) {
    const std::size_t length = u16(body, 18);
    if (length < lsa_header || length > body.size()) break;
    if (is_known(body[3])) {
      UpdatedLsa updated;
      updated.lsa.age = u16(body, 0) & age_mask;
      updated.lsa.type = static_cast<LsaType>(body[3]);
      updated.lsa.id = address(body, 4);
      updated.lsa.originator = address(body, 8);
      updated.lsa.sequence = u32(body, 12);
      updated.lsa.checksum = u16(body, 16);
      read_body(body.subspan(lsa_header, length - lsa_header), updated);
      result.push_back(std::move(updated));
    }
    body = body.subspan(length);
  }
  return result;
}

OspfHello read_hello(Bytes body) {
  OspfHello result{std::chrono::seconds(u16(body, 4)), {}};
  for (std::size_t at = hello_body; at + 4 <= body.size(); at += 4) result.neighbors.push_back(address(body, at));
  return result;
}

}  // namespace

std::optional<OspfPacket> read_ospf_packet(std::span<const std::uint8_t> packet) {
  if (packet.empty()) return std::nullopt;
  const std::size_t ip_header = static_cast<std::size_t>(packet[0] & 0x0fU) * 4;
  if (packet.size() < ip_header + packet_header) return std::nullopt;
  auto ospf = packet.subspan(ip_header);
  const std::size_t length = u16(ospf, 2);
  if (ospf[0] != 2 || length < packet_header) return std::nullopt;
  ospf = ospf.first(std::min(length, ospf.size()));
  OspfPacket result;
  result.router_id = address(ospf, 4);
  const auto body = ospf.subspan(packet_header);
  if (ospf[1] == hello && body.size() >= hello_body) result.hello = read_hello(body);
  if (ospf[1] == database_description && body.size() >= 4) {
    result.mtu = u16(body, 0);
    result.starts_exchange = (body[3] & init_bit) != 0;
  }
  if (ospf[1] == link_state_update) result.lsas = read_update(body);
  return result;
}

}  // namespace radial::host
