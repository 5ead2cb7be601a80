// OSPF packets as a neighbour sends them: the first byte chooses the version,
// the rest is the packet, of OSPFv2 with its IP header.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>

#include "host/ospf6_packet.h"
#include "host/ospf_packet.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::span<const std::uint8_t> packet(data + 1, size - 1);
  const auto read = (*data & 1U) != 0 ? radial::host::read_ospf6_packet(packet) : radial::host::read_ospf_packet(packet);
  if (!read) return 0;
  // Each LSA takes at least its header from the packet, each prefix four bytes.
  std::size_t least = 0;
  for (const auto& one : read->lsas) least += 20 + one.prefixes.size() * 4 + one.neighbors.size() * 4;
  if (least > size) std::abort();
  return 0;
}
