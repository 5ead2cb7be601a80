#include "host/ospf_listener.h"

#include <array>

#include <sys/socket.h>

#include "host/raw_ip_socket.h"

namespace radial::host {
namespace {

constexpr int ospf_protocol = 89;
constexpr int queue_bytes = 4 << 20;  // a flood of ten thousand LSAs fits

// OSPFv2 of type 1, 2 or 4: the two bytes (version, type) behind the IP header.
std::array<sock_filter, 7> hellos_descriptions_and_updates() {
  return {sock_filter{BPF_LDX | BPF_B | BPF_MSH, 0, 0, 0},
          sock_filter{BPF_LD | BPF_H | BPF_IND, 0, 0, 0},
          sock_filter{BPF_JMP | BPF_JEQ | BPF_K, 2, 0, 0x0201},
          sock_filter{BPF_JMP | BPF_JEQ | BPF_K, 1, 0, 0x0202},
          sock_filter{BPF_JMP | BPF_JEQ | BPF_K, 0, 1, 0x0204},
          sock_filter{BPF_RET | BPF_K, 0, 0, 0xffff},
          sock_filter{BPF_RET | BPF_K, 0, 0, 0}};
}

}  // namespace

Result<OspfListener> OspfListener::open() {
  auto filter = hellos_descriptions_and_updates();
  RADIAL_ASSIGN(auto fd, open_raw_ip(ospf_protocol, filter, "OSPF"));
  // Best effort: root may go past the system's limit.
  if (::setsockopt(fd.get(), SOL_SOCKET, SO_RCVBUFFORCE, &queue_bytes, sizeof queue_bytes) != 0)
    ::setsockopt(fd.get(), SOL_SOCKET, SO_RCVBUF, &queue_bytes, sizeof queue_bytes);
  return OspfListener(std::move(fd));
}

std::vector<HeardOspf> OspfListener::drain(std::size_t most) {
  std::vector<HeardOspf> heard;
  for (std::size_t i = 0; i < most; ++i) {
    const auto arrival = receive_raw_ip(fd_, buffer_);
    if (!arrival) break;
    auto packet = read_ospf_packet({buffer_.data(), arrival->size});
    if (packet) heard.push_back({interface_name(arrival->interface), arrival->source, std::move(*packet)});
  }
  return heard;
}

}  // namespace radial::host
