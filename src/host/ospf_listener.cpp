#include "host/ospf_listener.h"

#include <array>

#include "host/ospf6_packet.h"
#include "host/raw_ip_socket.h"

namespace radial::host {
namespace {

// Type 1, 2 or 4: the two bytes (version, type) behind the IP header, of which
// only IPv4's is there.
std::array<sock_filter, 7> hellos_descriptions_and_updates(OspfVersion version) {
  const std::uint32_t wanted = static_cast<std::uint32_t>(version) << 8;
  const bool v3 = version == OspfVersion::v3;
  return {v3 ? sock_filter{BPF_LDX | BPF_W | BPF_IMM, 0, 0, 0} : sock_filter{BPF_LDX | BPF_B | BPF_MSH, 0, 0, 0},
          sock_filter{BPF_LD | BPF_H | BPF_IND, 0, 0, 0},
          sock_filter{BPF_JMP | BPF_JEQ | BPF_K, 2, 0, wanted | 1},
          sock_filter{BPF_JMP | BPF_JEQ | BPF_K, 1, 0, wanted | 2},
          sock_filter{BPF_JMP | BPF_JEQ | BPF_K, 0, 1, wanted | 4},
          sock_filter{BPF_RET | BPF_K, 0, 0, 0xffff},
          sock_filter{BPF_RET | BPF_K, 0, 0, 0}};
}

}  // namespace

Result<OspfListener> OspfListener::open(OspfVersion version) {
  const bool v3 = version == OspfVersion::v3;
  auto filter = hellos_descriptions_and_updates(version);
  RADIAL_ASSIGN(auto fd, open_raw_ip(ospf_protocol, filter, v3 ? "OSPFv3" : "OSPF", v3 ? Family::v6 : Family::v4));
  make_room_for_a_flood(fd);
  return OspfListener(version, std::move(fd));
}

std::vector<HeardOspf> OspfListener::drain(std::size_t most) {
  std::vector<HeardOspf> heard;
  for (std::size_t i = 0; i < most; ++i) {
    const auto arrival = receive_raw_ip(fd_, buffer_);
    if (!arrival) break;
    const std::span<const std::uint8_t> bytes(buffer_.data(), arrival->size);
    auto packet = version_ == OspfVersion::v3 ? read_ospf6_packet(bytes) : read_ospf_packet(bytes);
    if (packet) heard.push_back({interface_name(arrival->interface), arrival->source, std::move(*packet)});
  }
  return heard;
}

}  // namespace radial::host
