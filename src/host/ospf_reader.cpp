#include "host/ospf_reader.h"

#include <array>
#include <cstring>

#include <sodium.h>

namespace radial::host::ospf {
namespace {

constexpr std::size_t hello_body = 20;  // before its neighbours
constexpr std::uint8_t init_bit = 0x04;

std::uint64_t hash_of(Bytes content) {
  std::array<unsigned char, crypto_generichash_BYTES_MIN> hash{};
  crypto_generichash(hash.data(), hash.size(), content.data(), content.size(), nullptr, 0);
  std::uint64_t part = 0;
  std::memcpy(&part, hash.data(), sizeof part);
  return part;
}

std::vector<OspfLsa> read_update(Bytes body, const Layout& layout) {
  std::vector<OspfLsa> result;
  for (const auto bytes : lsas_of(body)) {
    const auto type = layout.type_of(u16(bytes, 2));
    if (!type) continue;
    OspfLsa lsa;
    lsa.age = u16(bytes, 0) & age_mask;
    lsa.type = *type;
    lsa.id = address(bytes, 4);
    lsa.originator = address(bytes, 8);
    lsa.sequence = u32(bytes, 12);
    lsa.checksum = u16(bytes, 16);
    const auto content = bytes.subspan(lsa_header);
    lsa.content = hash_of(content);
    if (lsa.type == LsaType::router) lsa.border = !content.empty() && (content[0] & border_bit) != 0;
    layout.read_body(content, lsa);
    result.push_back(std::move(lsa));
  }
  return result;
}

}  // namespace

std::vector<Bytes> lsas_of(Bytes body) {
  std::vector<Bytes> lsas;
  if (body.size() < 4) return lsas;
  const auto count = u32(body, 0);
  body = body.subspan(4);
  for (std::uint32_t i = 0; i < count && body.size() >= lsa_header; ++i) {
    const std::size_t length = u16(body, 18);
    if (length < lsa_header || length > body.size()) break;
    lsas.push_back(body.first(length));
    body = body.subspan(length);
  }
  return lsas;
}

std::vector<IpAddress> addresses(Bytes body, std::size_t at) {
  std::vector<IpAddress> result;
  for (; at + 4 <= body.size(); at += 4) result.push_back(address(body, at));
  return result;
}

OspfPacket read_packet(std::uint8_t type, Bytes body, const Layout& layout) {
  OspfPacket packet;
  if (type == hello && body.size() >= hello_body)
    packet.hello = OspfHello{std::chrono::seconds(u16(body, layout.hello_interval_at)), addresses(body, hello_body)};
  if (type == database_description && body.size() > layout.description_flags_at) {
    packet.mtu = u16(body, layout.description_mtu_at);
    packet.starts_exchange = (body[layout.description_flags_at] & init_bit) != 0;
  }
  if (type == link_state_update) packet.lsas = read_update(body, layout);
  return packet;
}

}  // namespace radial::host::ospf
