#include "host/bgp_message.h"

#include <algorithm>
#include <array>

#include "host/wire_bytes.h"

namespace radial::host {
namespace {

constexpr std::size_t marker = 16;
constexpr std::uint8_t update = 2;
constexpr std::uint8_t last_type = 5;  // ROUTE-REFRESH (RFC 2918)
constexpr std::uint8_t extended_length = 0x10;
constexpr std::uint8_t mp_reach = 14;
constexpr std::uint8_t mp_unreach = 15;
constexpr std::uint8_t unicast = 1;
constexpr std::size_t path_id = 4;

// Takes `size` bytes from the front of `bytes`; nothing: there are fewer.
std::optional<Bytes> take(Bytes& bytes, std::size_t size) {
  if (bytes.size() < size) return std::nullopt;
  const auto front = bytes.first(size);
  bytes = bytes.subspan(size);
  return front;
}

// `path_ids`: each prefix has one before it.
std::optional<std::vector<Prefix>> prefixes_as(Bytes bytes, Family family, bool path_ids) {
  std::vector<Prefix> result;
  while (!bytes.empty()) {
    if (path_ids && !take(bytes, path_id)) return std::nullopt;
    const auto length = take(bytes, 1);
    if (!length || length->front() > bits_of(family)) return std::nullopt;
    const int bits = length->front();
    const auto given = take(bytes, static_cast<std::size_t>(bits + 7) / 8);
    if (!given) return std::nullopt;
    std::array<std::uint8_t, 16> whole{};
    std::copy(given->begin(), given->end(), whole.begin());
    result.push_back(Prefix::of(IpAddress::from_bytes(Bytes(whole).first(family == Family::v4 ? 4 : 16)), bits));
  }
  return result;
}

// A path identifier read as prefixes is default routes, one after another.
bool plausible(const std::vector<Prefix>& prefixes) {
  return std::count_if(prefixes.begin(), prefixes.end(), [](const Prefix& prefix) { return prefix.is_default(); }) < 2;
}

bool add_prefixes(std::vector<Prefix>& into, Bytes bytes, Family family) {
  auto read = prefixes_as(bytes, family, false);
  if (!read || !plausible(*read))
    if (auto with_ids = prefixes_as(bytes, family, true)) read = std::move(with_ids);
  if (!read) return false;
  into.insert(into.end(), read->begin(), read->end());
  return true;
}

// AFI and SAFI; nothing: a family that is not ours.
std::optional<Family> family_of(Bytes head) {
  if (head[2] != unicast) return std::nullopt;
  switch (u16(head, 0)) {
    case 1: return Family::v4;
    case 2: return Family::v6;
    default: return std::nullopt;
  }
}

// RFC 4760, 3: next hop and a reserved byte stand before the prefixes.
bool read_reach(Bytes value, BgpUpdate& result) {
  const auto head = take(value, 4);
  if (!head || !take(value, std::size_t{(*head)[3]} + 1)) return false;
  const auto family = family_of(*head);
  return !family || add_prefixes(result.announced, value, *family);
}

bool read_unreach(Bytes value, BgpUpdate& result) {
  const auto head = take(value, 3);
  if (!head) return false;
  const auto family = family_of(*head);
  return !family || add_prefixes(result.withdrawn, value, *family);
}

bool read_attributes(Bytes attributes, BgpUpdate& result) {
  while (!attributes.empty()) {
    const auto head = take(attributes, 2);
    if (!head) return false;
    const bool wide = ((*head)[0] & extended_length) != 0;
    const auto length = take(attributes, wide ? 2 : 1);
    if (!length) return false;
    const auto value = take(attributes, wide ? u16(*length, 0) : length->front());
    if (!value) return false;
    if ((*head)[1] == mp_reach && !read_reach(*value, result)) return false;
    if ((*head)[1] == mp_unreach && !read_unreach(*value, result)) return false;
  }
  return true;
}

}  // namespace

std::optional<std::size_t> bgp_message_length(Bytes bytes) {
  if (bytes.size() < bgp_header) return std::nullopt;
  if (!std::all_of(bytes.begin(), bytes.begin() + marker, [](std::uint8_t byte) { return byte == 0xff; }))
    return std::nullopt;
  const std::size_t length = u16(bytes, marker);
  const auto type = bytes[marker + 2];
  if (length < bgp_header || type == 0 || type > last_type) return std::nullopt;
  return length;
}

std::optional<BgpUpdate> read_bgp_update(Bytes message) {
  const auto length = bgp_message_length(message);
  if (!length || *length != message.size() || message[marker + 2] != update) return std::nullopt;
  auto rest = message.subspan(bgp_header);
  BgpUpdate result;
  for (const bool withdrawals : {true, false}) {
    const auto size = take(rest, 2);
    if (!size) return std::nullopt;
    const auto part = take(rest, u16(*size, 0));
    if (!part) return std::nullopt;
    if (withdrawals ? !add_prefixes(result.withdrawn, *part, Family::v4) : !read_attributes(*part, result))
      return std::nullopt;
  }
  if (!add_prefixes(result.announced, rest, Family::v4)) return std::nullopt;
  return result;
}

}  // namespace radial::host
