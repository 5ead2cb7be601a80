#include "host/ospf_reader.h"

namespace radial::host::ospf {
namespace {

constexpr int age_mask = 0x7fff;  // the top bit is DoNotAge (RFC 4136)

}  // namespace

std::vector<IpAddress> addresses(Bytes body, std::size_t at) {
  std::vector<IpAddress> result;
  for (; at + 4 <= body.size(); at += 4) result.push_back(address(body, at));
  return result;
}

std::vector<OspfLsa> read_update(Bytes body, const std::function<std::optional<LsaType>(std::uint16_t)>& type_of,
                                    const std::function<void(Bytes, OspfLsa&)>& read_body) {
  std::vector<OspfLsa> result;
  if (body.size() < 4) return result;
  const auto count = u32(body, 0);
  body = body.subspan(4);
  for (std::uint32_t i = 0; i < count && body.size() >= lsa_header; ++i) {
    const std::size_t length = u16(body, 18);
    if (length < lsa_header || length > body.size()) break;
    if (const auto type = type_of(u16(body, 2))) {
      OspfLsa lsa;
      lsa.age = u16(body, 0) & age_mask;
      lsa.type = *type;
      lsa.id = address(body, 4);
      lsa.originator = address(body, 8);
      lsa.sequence = u32(body, 12);
      lsa.checksum = u16(body, 16);
      read_body(body.subspan(lsa_header, length - lsa_header), lsa);
      result.push_back(std::move(lsa));
    }
    body = body.subspan(length);
  }
  return result;
}

}  // namespace radial::host::ospf
