// OSPF packets as a neighbour sends them: the first byte chooses the version,
// the rest is the packet, of OSPFv2 with its IP header. What a hub passes on of
// one is again a packet, and says what came in.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>

#include "host/ospf6_packet.h"
#include "host/ospf_packet.h"
#include "host/ospf_reflood.h"

namespace {

using namespace radial;

void pass_on(std::span<const std::uint8_t> packet, const host::OspfPacket& read) {
  const auto hub = IpAddress::from_v4(0x0aff0001), sender = IpAddress::from_v4(0x0aff0013), other = IpAddress::from_v4(0x0aff0014);
  host::OspfReflood reflood;
  reflood.configure(hub, IpAddress::from_v4(0), {{sender, read.router_id}, {other, other}});
  reflood.hear({}, sender, packet);
  std::size_t said = 0;
  for (const auto& update : reflood.take(1420)) {
    if (update.to == sender) std::abort();
    std::vector<std::uint8_t> whole(20, 0);
    whole[0] = 0x45;
    whole.insert(whole.end(), update.packet.begin(), update.packet.end());
    const auto again = host::read_ospf_packet(whole);
    if (!again || again->router_id != hub) std::abort();
    for (const auto& lsa : again->lsas) {
      ++said;
      if (lsa.originator != read.router_id) std::abort();
    }
  }
  if (said > read.lsas.size()) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::span<const std::uint8_t> packet(data + 1, size - 1);
  const auto read = (*data & 1U) != 0 ? radial::host::read_ospf6_packet(packet) : radial::host::read_ospf_packet(packet);
  if (!read) return 0;
  if ((*data & 1U) == 0) pass_on(packet, *read);
  // Each LSA takes at least its header from the packet, each prefix four bytes.
  std::size_t least = 0;
  for (const auto& one : read->lsas) least += 20 + one.prefixes.size() * 4 + one.neighbors.size() * 4;
  if (least > size) std::abort();
  return 0;
}
