// The oracle of the offload tests: packets built field by field from what they
// mean, checksums added up two bytes at a time, segmentation written out from
// the RFCs. Shares no code with the engine.
#pragma once

#include <cstdint>
#include <random>
#include <vector>

namespace radial::naive {

using Bytes = std::vector<std::uint8_t>;

// Not folded, big endian words; an odd last byte is padded with zero.
inline std::uint32_t sum(const Bytes& bytes, std::size_t from, std::size_t to) {
  std::uint64_t total = 0;
  for (std::size_t i = from; i < to; i += 2) total += bytes[i] * 256U + (i + 1 < to ? bytes[i + 1] : 0U);
  while (total > 0xffff) total = (total & 0xffff) + (total >> 16);
  return static_cast<std::uint32_t>(total);
}
inline void put16(Bytes& bytes, std::size_t at, std::uint32_t value) {
  bytes[at] = static_cast<std::uint8_t>(value >> 8);
  bytes[at + 1] = static_cast<std::uint8_t>(value);
}
inline void put32(Bytes& bytes, std::size_t at, std::uint32_t value) {
  put16(bytes, at, value >> 16);
  put16(bytes, at + 2, value & 0xffff);
}
inline std::uint32_t get16(const Bytes& bytes, std::size_t at) { return bytes[at] * 256U + bytes[at + 1]; }
inline std::uint32_t get32(const Bytes& bytes, std::size_t at) { return get16(bytes, at) << 16 | get16(bytes, at + 2); }

// One packet by its meaning.
struct Packet {
  bool v4 = true;
  bool tcp = true;
  Bytes source{10, 0, 0, 1};
  Bytes destination{10, 0, 0, 2};
  std::uint8_t tos = 0;
  std::uint8_t ttl = 64;
  std::uint16_t id = 0;
  bool df = true;
  std::uint16_t fragment = 0;  // MF and offset as they are on the wire
  std::uint32_t flow_label = 0;
  Bytes ip_options;         // IPv4 options, or a whole IPv6 extension header
  std::uint8_t extension = 0;  // its protocol number (IPv6)
  std::uint16_t source_port = 1000;
  std::uint16_t destination_port = 2000;
  std::uint32_t sequence = 0;
  std::uint32_t acknowledgement = 0;
  std::uint8_t flags = 0x10;
  std::uint8_t reserved = 0;  // the four bits beside the data offset
  std::uint16_t window = 1000;
  std::uint16_t urgent = 0;
  Bytes tcp_options;
  Bytes payload;
  bool bad_transport_checksum = false;
  bool bad_ip_checksum = false;
  bool no_udp_checksum = false;

  [[nodiscard]] std::size_t transport() const { return (v4 ? 20 : 40) + ip_options.size(); }
  [[nodiscard]] std::size_t headers() const { return transport() + (tcp ? 20 + tcp_options.size() : 8); }
  [[nodiscard]] std::size_t checksum_field() const { return transport() + (tcp ? 16 : 6); }

  [[nodiscard]] std::uint32_t pseudo_sum(std::size_t length) const {
    Bytes pseudo = source;
    pseudo.insert(pseudo.end(), destination.begin(), destination.end());
    pseudo.insert(pseudo.end(), {0, static_cast<std::uint8_t>(tcp ? 6 : 17)});
    pseudo.insert(pseudo.end(), {static_cast<std::uint8_t>(length >> 8), static_cast<std::uint8_t>(length)});
    return sum(pseudo, 0, pseudo.size());
  }

  // The bytes on the wire. `partial`: the checksum field holds the sum of the
  // pseudo-header only, as the kernel leaves it for an offload.
  [[nodiscard]] Bytes bytes(bool partial = false) const {
    const std::uint8_t protocol = tcp ? 6 : 17;
    Bytes out(headers());
    const std::size_t total = headers() + payload.size();
    if (v4) {
      out[0] = static_cast<std::uint8_t>(0x40 | (5 + ip_options.size() / 4));
      out[1] = tos;
      put16(out, 2, static_cast<std::uint32_t>(total));
      put16(out, 4, id);
      put16(out, 6, (df ? 0x4000U : 0U) | fragment);
      out[8] = ttl;
      out[9] = protocol;
      std::copy(source.begin(), source.end(), out.begin() + 12);
      std::copy(destination.begin(), destination.end(), out.begin() + 16);
      std::copy(ip_options.begin(), ip_options.end(), out.begin() + 20);
      put16(out, 10, 0xffff ^ sum(out, 0, transport()));
      if (bad_ip_checksum) out[11] ^= 1;
    } else {
      put32(out, 0, 0x60000000U | static_cast<std::uint32_t>(tos) << 20 | flow_label);
      put16(out, 4, static_cast<std::uint32_t>(total - 40));
      out[6] = ip_options.empty() ? protocol : extension;
      out[7] = ttl;
      std::copy(source.begin(), source.end(), out.begin() + 8);
      std::copy(destination.begin(), destination.end(), out.begin() + 24);
      std::copy(ip_options.begin(), ip_options.end(), out.begin() + 40);
      if (!ip_options.empty()) out[40] = protocol;
    }
    const std::size_t at = transport();
    put16(out, at, source_port);
    put16(out, at + 2, destination_port);
    if (tcp) {
      put32(out, at + 4, sequence);
      put32(out, at + 8, acknowledgement);
      out[at + 12] = static_cast<std::uint8_t>((5 + tcp_options.size() / 4) << 4 | reserved);
      out[at + 13] = flags;
      put16(out, at + 14, window);
      put16(out, at + 18, urgent);
      std::copy(tcp_options.begin(), tcp_options.end(), out.begin() + static_cast<std::ptrdiff_t>(at) + 20);
    } else {
      put16(out, at + 4, static_cast<std::uint32_t>(total - at));
    }
    out.insert(out.end(), payload.begin(), payload.end());
    const std::uint32_t pseudo = pseudo_sum(total - at);
    if (partial) {
      put16(out, checksum_field(), pseudo);
      return out;
    }
    std::uint32_t checksum = pseudo + sum(out, at, total);
    checksum = 0xffff ^ ((checksum & 0xffff) + (checksum >> 16));
    if (!tcp && checksum == 0) checksum = 0xffff;
    put16(out, checksum_field(), checksum);
    if (bad_transport_checksum) out[checksum_field()] ^= 0x55;
    if (!tcp && no_udp_checksum) put16(out, checksum_field(), 0);
    return out;
  }

  // What the network must see of this packet when cut at `step` bytes.
  [[nodiscard]] std::vector<Packet> segments(std::size_t step) const {
    std::vector<Packet> out;
    for (std::size_t from = 0; from < payload.size() || out.empty(); from += step) {
      Packet segment = *this;
      const bool last = from + step >= payload.size();
      segment.payload.assign(payload.begin() + static_cast<std::ptrdiff_t>(from),
                             last ? payload.end() : payload.begin() + static_cast<std::ptrdiff_t>(from + step));
      segment.id = static_cast<std::uint16_t>(id + out.size());
      segment.sequence = sequence + static_cast<std::uint32_t>(from);
      if (!last) segment.flags &= static_cast<std::uint8_t>(~0x09);  // FIN, PSH
      if (from != 0) segment.flags &= 0x7f;                            // CWR
      out.push_back(segment);
    }
    return out;
  }
};

// The meaning of a packet without IP options or extension headers; for bytes
// that a Packet made.
inline Packet parse(const Bytes& bytes) {
  const auto slice = [&](std::size_t from, std::size_t to) {
    return Bytes(bytes.begin() + static_cast<std::ptrdiff_t>(from), bytes.begin() + static_cast<std::ptrdiff_t>(to));
  };
  Packet packet;
  packet.v4 = bytes[0] >> 4 == 4;
  const std::size_t at = packet.v4 ? 20 : 40;
  if (packet.v4) {
    packet.tos = bytes[1];
    packet.id = static_cast<std::uint16_t>(get16(bytes, 4));
    packet.df = (bytes[6] & 0x40) != 0;
    packet.ttl = bytes[8];
    packet.tcp = bytes[9] == 6;
    packet.source = slice(12, 16);
    packet.destination = slice(16, 20);
  } else {
    packet.tos = static_cast<std::uint8_t>(get16(bytes, 0) >> 4);
    packet.flow_label = get32(bytes, 0) & 0xfffff;
    packet.tcp = bytes[6] == 6;
    packet.ttl = bytes[7];
    packet.source = slice(8, 24);
    packet.destination = slice(24, 40);
  }
  packet.source_port = static_cast<std::uint16_t>(get16(bytes, at));
  packet.destination_port = static_cast<std::uint16_t>(get16(bytes, at + 2));
  std::size_t headers = at + 8;
  if (packet.tcp) {
    packet.sequence = get32(bytes, at + 4);
    packet.acknowledgement = get32(bytes, at + 8);
    headers = at + (bytes[at + 12] >> 4) * 4U;
    packet.reserved = bytes[at + 12] & 15;
    packet.flags = bytes[at + 13];
    packet.window = static_cast<std::uint16_t>(get16(bytes, at + 14));
    packet.urgent = static_cast<std::uint16_t>(get16(bytes, at + 18));
    packet.tcp_options = slice(at + 20, headers);
  }
  packet.payload = slice(headers, bytes.size());
  return packet;
}

inline Bytes random_bytes(std::mt19937& random, std::size_t size) {
  Bytes out(size);
  for (auto& byte : out) byte = static_cast<std::uint8_t>(random());
  return out;
}

}  // namespace radial::naive
