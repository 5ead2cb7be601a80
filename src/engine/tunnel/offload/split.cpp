#include "engine/tunnel/offload/split.h"

#include <algorithm>
#include <cstring>

#include "engine/tunnel/offload/checksum.h"
#include "engine/tunnel/offload/header.h"

namespace radial::engine {
namespace {

// The IP header alone, well-formed enough to write lengths into.
bool plausible_ip(std::span<const std::uint8_t> packet, std::size_t transport) {
  switch (ip_version(packet)) {
    case 4: {
      if (packet.size() < ipv4_header_size) return false;
      const std::size_t length = static_cast<std::size_t>(packet[0] & 0x0fU) * 4;
      return length >= ipv4_header_size && length == transport;
    }
    case 6:
      return packet.size() >= ipv6_header_size && transport >= ipv6_header_size;
    default:
      return false;
  }
}

// To UDP, 0 means "none was computed" (RFC 768); both forms of zero verify.
std::uint16_t nonzero(std::uint16_t checksum) { return checksum == 0 ? 0xffff : checksum; }

}  // namespace

std::optional<Split> Split::of(const VnetHeader& header, std::span<const std::uint8_t> packet) {
  if (packet.empty()) return std::nullopt;
  Split split;
  split.packet_ = packet;
  const auto type = static_cast<std::uint8_t>(header.gso_type & ~vnet_gso_ecn);
  const bool needs_checksum = (header.flags & vnet_needs_csum) != 0;
  split.transport_ = header.csum_start;
  split.checksum_at_ = static_cast<std::size_t>(header.csum_start) + header.csum_offset;
  if (needs_checksum && split.checksum_at_ + 2 > packet.size()) return std::nullopt;
  if (type == vnet_gso_none) {
    split.kind_ = needs_checksum ? Kind::checksum : Kind::plain;
    return split;
  }

  if (!needs_checksum || header.gso_size == 0 || !plausible_ip(packet, split.transport_)) return std::nullopt;
  split.v4_ = ip_version(packet) == 4;
  const auto transport = packet.subspan(split.transport_);
  if (type == vnet_gso_tcp4 || type == vnet_gso_tcp6) {
    if (split.v4_ != (type == vnet_gso_tcp4)) return std::nullopt;
    if (transport.size() < tcp_header_size || header.csum_offset != tcp_checksum_offset) return std::nullopt;
    const std::size_t length = static_cast<std::size_t>(transport[12] >> 4U) * 4;
    if (length < tcp_header_size || length > transport.size()) return std::nullopt;
    split.kind_ = Kind::tcp;
    split.headers_ = split.transport_ + length;
  } else if (type == vnet_gso_udp) {
    if (transport.size() < udp_header_size || header.csum_offset != udp_checksum_offset) return std::nullopt;
    split.kind_ = Kind::udp;
    split.headers_ = split.transport_ + udp_header_size;
  } else {
    return std::nullopt;
  }
  split.step_ = header.gso_size;
  if (split.headers_ + split.step_ > 0xffff) return std::nullopt;
  const std::size_t payload = packet.size() - split.headers_;
  split.count_ = std::max<std::size_t>(1, (payload + split.step_ - 1) / split.step_);
  split.sum_constant_fields();
  return split;
}

void Split::sum_constant_fields() {
  const auto ip = packet_.first(transport_);
  const auto transport = packet_.subspan(transport_, headers_ - transport_);
  if (v4_) {
    ip_sum_ = checksum_add(0, ip.first(2));            // version, TOS
    ip_sum_ = checksum_add(ip_sum_, ip.subspan(6, 4));  // fragment bits, TTL, protocol
    ip_sum_ = checksum_add(ip_sum_, ip.subspan(12));    // addresses, options
  }
  // The field holds the pseudo-header's sum with the length of the whole:
  // taking that length out again keeps it right behind routing headers too, where
  // the addresses summed are not those of the IPv6 header.
  transport_sum_ = load_checksum(packet_.data() + checksum_at_);
  transport_sum_ += 0xffffU - checksum_word(static_cast<std::uint16_t>(packet_.size() - transport_));
  transport_sum_ = checksum_add(transport_sum_, transport.first(4));  // ports
  if (kind_ == Kind::udp) return;
  transport_sum_ = checksum_add(transport_sum_, transport.subspan(8, 4));   // acknowledgement
  transport_sum_ = checksum_add(transport_sum_, transport.subspan(14, 2));  // window
  transport_sum_ = checksum_add(transport_sum_, transport.subspan(18));     // urgent pointer, options
}

std::size_t Split::size(std::size_t index) const {
  if (kind_ == Kind::plain || kind_ == Kind::checksum) return packet_.size();
  const std::size_t payload = packet_.size() - headers_;
  return headers_ + std::min(step_, payload - index * step_);
}

void Split::write(std::size_t index, std::uint8_t* to) const {
  if (kind_ == Kind::plain) {
    std::memcpy(to, packet_.data(), packet_.size());
    return;
  }
  if (kind_ == Kind::checksum) {
    write_checksummed(to);
    return;
  }
  const std::size_t length = size(index);
  const auto* const from = packet_.data();
  std::memcpy(to, from, headers_);
  if (v4_) {
    const auto total = static_cast<std::uint16_t>(length);
    const auto id = static_cast<std::uint16_t>(load16(from + 4) + index);
    store16(to + 2, total);
    store16(to + 4, id);
    store_checksum(to + 10, checksum_finish(ip_sum_ + checksum_word(total) + checksum_word(id)));
  } else {
    store16(to + 4, static_cast<std::uint16_t>(length - ipv6_header_size));
  }
  const auto transport_length = static_cast<std::uint16_t>(length - transport_);
  std::uint64_t sum = transport_sum_ + checksum_word(transport_length);
  if (kind_ == Kind::tcp) {
    const auto* const tcp = from + transport_;
    const auto sequence = load32(tcp + 4) + static_cast<std::uint32_t>(index * step_);
    std::uint8_t flags = tcp[13];
    if (index != 0) flags = static_cast<std::uint8_t>(flags & ~tcp_cwr);
    if (index + 1 != count_) flags = static_cast<std::uint8_t>(flags & ~(tcp_fin | tcp_psh));
    store32(to + transport_ + 4, sequence);
    to[transport_ + 13] = flags;
    sum += checksum_word(static_cast<std::uint16_t>(sequence >> 16U)) + checksum_word(static_cast<std::uint16_t>(sequence));
    sum += checksum_word(static_cast<std::uint16_t>(tcp[12] << 8U | flags));
  } else {
    store16(to + transport_ + 4, transport_length);
    sum += checksum_word(transport_length);
  }
  sum = checksum_copy(sum, packet_.subspan(headers_ + index * step_, length - headers_), to + headers_);
  const auto checksum = checksum_finish(sum);
  store_checksum(to + checksum_at_, kind_ == Kind::udp ? nonzero(checksum) : checksum);
}

void Split::write_checksummed(std::uint8_t* to) const {
  std::memcpy(to, packet_.data(), transport_);
  const auto sum = checksum_copy(0, packet_.subspan(transport_), to + transport_);
  store_checksum(to + checksum_at_, nonzero(checksum_finish(sum)));
}

}  // namespace radial::engine
