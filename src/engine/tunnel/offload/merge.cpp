#include "engine/tunnel/offload/merge.h"

#include <algorithm>
#include <cstring>

#include "engine/tunnel/offload/checksum.h"
#include "engine/tunnel/offload/header.h"

namespace radial::engine {
namespace {

constexpr std::uint8_t tcp_never = tcp_syn | tcp_rst | tcp_urg | tcp_cwr;
constexpr std::uint8_t tcp_closing = tcp_fin | tcp_psh;
constexpr std::size_t largest_packet = 65535;

std::uint32_t mix(std::uint32_t hash, const std::uint8_t* at, std::size_t words) {
  for (std::size_t i = 0; i < words; ++i) {
    std::uint32_t word = 0;
    std::memcpy(&word, at + i * 4, 4);
    hash = (hash ^ word) * 0x9e3779b1U;
    hash ^= hash >> 15U;
  }
  return hash;
}

bool same(const std::uint8_t* a, const std::uint8_t* b, std::size_t from, std::size_t to) {
  return std::memcmp(a + from, b + from, to - from) == 0;
}

bool valid_checksums(std::span<const std::uint8_t> packet, bool v4, std::uint8_t protocol, std::size_t transport) {
  if (v4 && checksum_fold(checksum_add(0, packet.first(ipv4_header_size))) != 0xffff) return false;
  const auto segment = packet.subspan(transport);
  return checksum_fold(checksum_add(pseudo_header_sum(packet.data(), protocol, segment.size()), segment)) == 0xffff;
}

}  // namespace

Merger::Shape Merger::shape_of(std::span<const std::uint8_t> packet) const {
  Shape shape;
  const auto* const p = packet.data();
  bool plain = false;  // no options, no fragments, lengths that agree
  switch (ip_version(packet)) {
    case 4:
      if (packet.size() < ipv4_header_size + udp_header_size) return shape;
      shape.v4 = true;
      shape.transport = ipv4_header_size;
      shape.protocol = p[9];
      // More-fragments or an offset: the ports may not even be there.
      plain = p[0] == 0x45 && load16(p + 2) == packet.size() && (load16(p + 6) & 0x3fffU) == 0;
      shape.hash = mix(shape.protocol, p + 12, 2);
      break;
    case 6:
      if (packet.size() < ipv6_header_size + udp_header_size) return shape;
      shape.transport = ipv6_header_size;
      shape.protocol = p[6];
      plain = load16(p + 4) + ipv6_header_size == packet.size();
      shape.hash = mix(shape.protocol, p + 8, 8);
      break;
    default:
      return shape;
  }
  if (!plain || (shape.protocol != protocol_tcp && shape.protocol != protocol_udp)) return shape;
  shape.hash = mix(shape.hash, p + shape.transport, 1);
  shape.flow = true;
  const auto segment = packet.subspan(shape.transport);
  if (shape.protocol == protocol_tcp) {
    if (!options_.tcp || segment.size() < tcp_header_size) return shape;
    const std::size_t length = static_cast<std::size_t>(segment[12] >> 4U) * 4;
    if (length < tcp_header_size || length >= segment.size()) return shape;
    shape.headers = static_cast<std::uint8_t>(shape.transport + length);
    shape.mergeable = (segment[13] & tcp_never) == 0 && (segment[13] & tcp_ack) != 0;
  } else {
    shape.headers = static_cast<std::uint8_t>(shape.transport + udp_header_size);
    shape.mergeable = options_.udp && segment.size() > udp_header_size && load16(&segment[4]) == segment.size() &&
                      load16(&segment[6]) != 0;
  }
  return shape;
}

bool Merger::belongs(const Group& group, const Shape& shape, std::span<const std::uint8_t> packet) const {
  const auto* const a = group.first.data();
  const auto* const b = packet.data();
  const std::size_t payload = packet.size() - shape.headers;
  if (shape.headers != group.shape.headers || payload > group.step || group.count >= max_pieces ||
      group.bytes + payload > largest_packet)
    return false;
  if (shape.v4) {
    // Version to TOS; flags; TTL and protocol (the addresses are compared already).
    if (!same(a, b, 0, 2) || !same(a, b, 6, 10)) return false;
    const std::uint16_t id = load16(b + 4);
    const bool counts = id == static_cast<std::uint16_t>(group.last_id + 1);
    const bool repeats = id == group.last_id && (b[6] & 0x40U) != 0;
    if (group.count == 1 ? !counts && !repeats : !(group.same_id ? repeats : counts)) return false;
  } else if (!same(a, b, 0, 4) || !same(a, b, 6, 8)) {
    return false;  // traffic class, flow label; next header, hop limit
  }
  if (shape.protocol == protocol_udp) return true;
  const auto* const ta = a + shape.transport;
  const auto* const tb = b + shape.transport;
  // Acknowledgement, data offset and reserved bits; window; the urgent pointer
  // (idle bytes without URG, but bytes) and options. Flags but PSH and FIN.
  return load32(tb + 4) == group.next_sequence && same(ta, tb, 8, 13) && same(ta, tb, 14, 16) &&
         same(a, b, shape.transport + 18U, shape.headers) && ((ta[13] ^ tb[13]) & ~tcp_closing) == 0;
}

void Merger::append(Group& group, const Shape& shape, std::span<const std::uint8_t> packet) {
  const auto payload = packet.subspan(shape.headers);
  const auto index = static_cast<std::uint32_t>(pieces_.size());
  pieces_.push_back({payload.data(), static_cast<std::uint32_t>(payload.size()), none});
  if (group.count == 1) {
    group.head = index;
    group.same_id = shape.v4 && load16(packet.data() + 4) == group.last_id;
  } else {
    pieces_[group.tail].next = index;
  }
  group.tail = index;
  ++group.count;
  group.bytes += static_cast<std::uint32_t>(payload.size());
  group.next_sequence += static_cast<std::uint32_t>(payload.size());
  if (shape.v4) group.last_id = load16(packet.data() + 4);
  if (shape.protocol == protocol_tcp) group.last_flags = packet[shape.transport + 13U];
}

void Merger::open(const Shape& shape, std::span<std::uint8_t> packet) {
  Group& group = groups_.emplace_back();
  group.first = packet;
  group.shape = shape;
  group.bytes = static_cast<std::uint32_t>(packet.size());
  if (!shape.mergeable) return;
  group.step = static_cast<std::uint16_t>(packet.size() - shape.headers);
  if (shape.v4) group.last_id = load16(packet.data() + 4);
  if (shape.protocol == protocol_tcp) {
    const auto* const tcp = packet.data() + shape.transport;
    group.last_flags = tcp[13];
    group.next_sequence = load32(tcp + 4) + group.step;
    if ((group.last_flags & tcp_closing) != 0) return;
  }
  if (open_count_ == open_limit) {
    // The oldest has waited longest for a successor.
    std::copy(open_.begin() + 1, open_.end(), open_.begin());
    --open_count_;
  }
  open_[open_count_++] = static_cast<std::uint32_t>(groups_.size() - 1);
}

void Merger::add(std::span<std::uint8_t> packet) {
  const Shape shape = shape_of(packet);
  if (!shape.flow) {
    // Of no flow that can be told (a fragment, options, another protocol):
    // nothing that follows may overtake it.
    open_count_ = 0;
    open(Shape{}, packet);
    return;
  }
  const auto close = [&](std::size_t slot) {
    std::copy(open_.begin() + static_cast<std::ptrdiff_t>(slot) + 1,
              open_.begin() + static_cast<std::ptrdiff_t>(open_count_), open_.begin() + static_cast<std::ptrdiff_t>(slot));
    --open_count_;
  };
  for (std::size_t slot = open_count_; slot-- > 0;) {
    Group& group = groups_[open_[slot]];
    if (group.shape.hash != shape.hash || group.shape.v4 != shape.v4 || group.shape.protocol != shape.protocol) continue;
    const auto* const a = group.first.data();
    const auto* const b = packet.data();
    const std::size_t addresses = shape.v4 ? 12 : 8;
    if (!same(a, b, addresses, shape.transport + 4U)) continue;  // addresses and ports
    // The same flow: it either joins, or ends what was open.
    bool joins = shape.mergeable && belongs(group, shape, packet);
    if (joins && !group.verified) {
      group.verified = valid_checksums(group.first, shape.v4, shape.protocol, shape.transport);
      joins = group.verified;
    }
    if (joins) joins = valid_checksums(packet, shape.v4, shape.protocol, shape.transport);
    if (!joins) {
      close(slot);
      break;
    }
    append(group, shape, packet);
    if (packet.size() - shape.headers < group.step || (group.last_flags & tcp_closing) != 0) close(slot);
    return;
  }
  open(shape, packet);
}

std::size_t Merger::finish(Group& group, std::span<iovec> pieces) {
  const auto& shape = group.shape;
  if (group.count > 1) {
    auto* const ip = group.first.data();
    auto* const transport = ip + shape.transport;
    const std::size_t length = group.bytes - shape.transport;
    if (shape.v4) {
      store16(ip + 2, static_cast<std::uint16_t>(group.bytes));
      seal_ipv4_header(ip);
    } else {
      store16(ip + 4, static_cast<std::uint16_t>(length));
    }
    const bool tcp = shape.protocol == protocol_tcp;
    if (tcp)
      transport[13] = static_cast<std::uint8_t>(transport[13] | (group.last_flags & tcp_closing));
    else
      store16(transport + 4, static_cast<std::uint16_t>(length));
    const std::size_t field = tcp ? tcp_checksum_offset : udp_checksum_offset;
    store_checksum(transport + field, checksum_fold(pseudo_header_sum(ip, shape.protocol, length)));
    group.header.flags = vnet_needs_csum;
    group.header.gso_type = tcp ? (shape.v4 ? vnet_gso_tcp4 : vnet_gso_tcp6) : vnet_gso_udp;
    group.header.hdr_len = shape.headers;
    group.header.gso_size = group.step;
    group.header.csum_start = shape.transport;
    group.header.csum_offset = static_cast<std::uint16_t>(field);
  }
  pieces[0] = {&group.header, sizeof group.header};
  pieces[1] = {group.first.data(), group.first.size()};
  std::size_t used = 2;
  if (group.count > 1)
    for (auto at = group.head; at != none; at = pieces_[at].next)
      pieces[used++] = {const_cast<std::uint8_t*>(pieces_[at].data), pieces_[at].size};
  return used;
}

void Merger::clear() {
  groups_.clear();
  pieces_.clear();
  open_count_ = 0;
}

}  // namespace radial::engine
