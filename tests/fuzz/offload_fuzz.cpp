// Segmentation and coalescing with hostile input: nothing is read or written
// outside, and what is merged splits back into the packets that were given.
//
// First byte even: a vnet header and a packet for Split. Odd: packets for one
// burst, each behind two bytes of length; what Merger writes is split again.
// With its second bit, the packets are given valid lengths and checksums first,
// without which nearly every change of them would only make them unmergeable.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <map>
#include <span>
#include <vector>

#include "engine/tunnel/offload/header.h"
#include "engine/tunnel/offload/merge.h"
#include "engine/tunnel/offload/split.h"

namespace {

using namespace radial::engine;
using Bytes = std::vector<std::uint8_t>;

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
  std::map<Bytes, int> expected;
  for (const auto& packet : packets) ++expected[comparable(packet)];
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
    for (const auto& packet : written(*split))
      if (--expected[comparable(packet)] < 0) std::abort();
  });
  for (const auto& [packet, left] : expected)
    if (left != 0) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::span input(data + 1, size - 1);
  if (data[0] % 2 == 0) try_split(input);
  else try_merge(input, (data[0] & 2U) != 0);
  return 0;
}
