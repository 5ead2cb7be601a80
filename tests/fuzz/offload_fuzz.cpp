// Segmentation and coalescing with hostile input: nothing is read or written
// outside, what is merged splits back into the packets that were given, each
// flow's in their order, and a sound packet is split as the oracle splits it.
//
// First byte even: a vnet header and a packet for Split; with its second bit,
// the size of a segment (0: only a checksum is left open) and a packet that is
// made sound first. Odd: packets for one burst, each behind two bytes of
// length; what Merger writes is split again. With the second bit, these too are
// given valid lengths and checksums first, without which nearly every change of
// them would only make them unmergeable.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <map>
#include <optional>
#include <span>
#include <vector>

#include "../engine/tunnel/naive_packet.h"
#include "engine/tunnel/offload/header.h"
#include "engine/tunnel/offload/merge.h"
#include "engine/tunnel/offload/split.h"

namespace {

using namespace radial::engine;
namespace naive = radial::naive;
using naive::Bytes;

std::vector<Bytes> written(const Split& split) {
  std::vector<Bytes> out;
  for (std::size_t i = 0; i < split.count(); ++i) {
    out.emplace_back(split.size(i));
    split.write(i, out.back().data());
  }
  return out;
}

// Without what may change where DF is set: the identification and with it the
// IPv4 checksum (RFC 6864).
Bytes comparable(Bytes packet) {
  if (packet.size() >= 20 && packet[0] == 0x45 && (packet[6] & 0x40) != 0) {
    packet[4] = packet[5] = packet[10] = packet[11] = 0;
  }
  return packet;
}

void try_split(std::span<const std::uint8_t> input) {
  VnetHeader header;
  if (input.size() < sizeof header) return;
  std::memcpy(&header, input.data(), sizeof header);
  const Bytes packet(input.begin() + sizeof header, input.end());
  if (const auto split = Split::of(header, packet)) static_cast<void>(written(*split));
}

// What naive::parse() makes of it; nothing when there is too little of it.
std::optional<naive::Packet> meaning_of(const Bytes& packet) {
  const int version = ip_version(packet);
  const std::size_t transport = version == 4 ? 20 : 40;
  if ((version != 4 && version != 6) || packet.size() < transport + udp_header_size) return std::nullopt;
  if (packet[version == 4 ? 9 : 6] == protocol_tcp) {
    if (packet.size() < transport + tcp_header_size) return std::nullopt;
    const std::size_t length = (packet[transport + 12] >> 4) * 4U;
    if (length < tcp_header_size || length > packet.size() - transport) return std::nullopt;
  }
  return naive::parse(packet);
}

void try_split_against_oracle(std::span<const std::uint8_t> input) {
  if (input.size() < 2) return;
  const std::size_t step = input[0] * 256U + input[1];
  const auto packet = meaning_of({input.begin() + 2, input.end()});
  if (!packet) return;
  const Bytes whole = packet->bytes(true);
  if (whole.size() > 65535) return;
  VnetHeader header;
  header.flags = vnet_needs_csum;
  header.csum_start = static_cast<std::uint16_t>(packet->transport());
  header.csum_offset = packet->tcp ? tcp_checksum_offset : udp_checksum_offset;
  if (step != 0) header.gso_type = !packet->tcp ? vnet_gso_udp : packet->v4 ? vnet_gso_tcp4 : vnet_gso_tcp6;
  header.gso_size = static_cast<std::uint16_t>(step);
  const auto split = Split::of(header, whole);
  if (split.has_value() != (packet->headers() + step <= 65535)) std::abort();
  if (!split) return;
  if (step == 0) {
    auto got = written(*split).at(0);
    // TCP's zero may be written in either form.
    const auto at = packet->checksum_field();
    const auto expected = packet->bytes();
    if (naive::get16(expected, at) == 0 && naive::get16(got, at) == 0xffff) naive::put16(got, at, 0);
    if (split->count() != 1 || got != expected) std::abort();
    return;
  }
  const auto expected = packet->segments(step);
  const auto got = written(*split);
  if (got.size() != expected.size()) std::abort();
  for (std::size_t i = 0; i < got.size(); ++i)
    if (got[i] != expected[i].bytes()) std::abort();
}

// Version, protocol, addresses and ports: what decides which packets keep their order. Of what
// has no ports it may take too much, since that is overtaken by nothing.
Bytes flow_of(const Bytes& packet) {
  const int version = ip_version(packet);
  if (version == 4 && packet.size() >= ipv4_header_size + 4) {
    Bytes flow{4, packet[9]};
    flow.insert(flow.end(), packet.begin() + 12, packet.begin() + 24);
    return flow;
  }
  if (version == 6 && packet.size() >= ipv6_header_size + 4) {
    Bytes flow{6, packet[6]};
    flow.insert(flow.end(), packet.begin() + 8, packet.begin() + 44);
    return flow;
  }
  return {};
}

void make_valid(Bytes& packet) {
  const bool v4 = packet[0] >> 4 == 4;
  const std::size_t transport = v4 ? 20 : 40;
  if (packet.size() < transport + 20) return;
  const auto protocol = packet[v4 ? 9 : 6];
  if (protocol != 6 && protocol != 17) return;
  const std::size_t length = packet.size() - transport;
  store16(&packet[v4 ? 2 : 4], static_cast<std::uint16_t>(v4 ? packet.size() : length));
  if (v4) {
    packet[0] = 0x45;
    seal_ipv4_header(packet.data());
  }
  if (protocol == 17) store16(&packet[transport + 4], static_cast<std::uint16_t>(length));
  auto* const field = &packet[transport + (protocol == 6 ? 16 : 6)];
  store16(field, 0);
  const auto sum = checksum_add(pseudo_header_sum(packet.data(), protocol, length), std::span(packet).subspan(transport));
  const auto checksum = checksum_finish(sum);
  store_checksum(field, protocol == 17 && checksum == 0 ? std::uint16_t{0xffff} : checksum);
}

void try_merge(std::span<const std::uint8_t> input, bool valid) {
  std::vector<Bytes> packets;
  while (input.size() > 2) {
    const std::size_t size = std::min<std::size_t>(input[0] * 256U + input[1], input.size() - 2);
    if (size > 0) packets.emplace_back(input.begin() + 2, input.begin() + 2 + static_cast<std::ptrdiff_t>(size));
    input = input.subspan(2 + size);
  }
  if (valid)
    for (auto& packet : packets) make_valid(packet);
  std::map<Bytes, std::vector<Bytes>> sent;
  std::map<Bytes, std::vector<Bytes>> seen;
  for (const auto& packet : packets) sent[flow_of(packet)].push_back(comparable(packet));
  Merger merger({true, true});
  for (auto& packet : packets) merger.add(packet);
  merger.take_all([&](std::span<const iovec> pieces) {
    VnetHeader header;
    std::memcpy(&header, pieces[0].iov_base, sizeof header);
    Bytes whole;
    for (const auto& piece : pieces.subspan(1)) {
      const auto* const data = static_cast<const std::uint8_t*>(piece.iov_base);
      whole.insert(whole.end(), data, data + piece.iov_len);
    }
    const auto split = Split::of(header, whole);
    if (!split) std::abort();
    for (const auto& packet : written(*split)) seen[flow_of(packet)].push_back(comparable(packet));
  });
  if (seen != sent) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::span input(data + 1, size - 1);
  const bool valid = (data[0] & 2U) != 0;
  if (data[0] % 2 != 0) try_merge(input, valid);
  else if (valid) try_split_against_oracle(input);
  else try_split(input);
  return 0;
}
