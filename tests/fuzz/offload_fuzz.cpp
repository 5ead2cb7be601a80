// Segmentation and coalescing with hostile input: nothing is read or written
// outside, and what is merged splits back into the packets that were given.
//
// First byte even: a vnet header and a packet for Split. Odd: packets for one
// burst, each behind two bytes of length; what Merger writes is split again.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <map>
#include <span>
#include <vector>

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

void try_merge(std::span<const std::uint8_t> input) {
  std::vector<Bytes> packets;
  while (input.size() > 2) {
    const std::size_t size = std::min<std::size_t>(input[0] * 256U + input[1], input.size() - 2);
    if (size > 0) packets.emplace_back(input.begin() + 2, input.begin() + 2 + static_cast<std::ptrdiff_t>(size));
    input = input.subspan(2 + size);
  }
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
  else try_merge(input);
  return 0;
}
