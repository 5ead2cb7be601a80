#include "host/bgp_listener.h"

#include <array>

#include <netinet/in.h>

#include "host/raw_ip_socket.h"
#include "host/wire_bytes.h"

namespace radial::host {
namespace {

constexpr std::uint32_t bgp_port = 179;
constexpr std::uint32_t fin_syn_rst = 0x07;

// Opens, closes, or carries something: but not one KEEPALIVE alone. A thousand sites say that
// every second, and a listener that woke for it would be the agent's whole work.
std::array<sock_filter, 20> all_but_keepalives() {
  return {sock_filter{BPF_LDX | BPF_B | BPF_MSH, 0, 0, 0},             // 0: x = IP header's length
          sock_filter{BPF_LD | BPF_H | BPF_IND, 0, 0, 0},              // 1: source port
          sock_filter{BPF_JMP | BPF_JEQ | BPF_K, 2, 0, bgp_port},      // 2
          sock_filter{BPF_LD | BPF_H | BPF_IND, 0, 0, 2},              // 3: destination port
          sock_filter{BPF_JMP | BPF_JEQ | BPF_K, 0, 14, bgp_port},     // 4: else 19
          sock_filter{BPF_LD | BPF_B | BPF_IND, 0, 0, 13},             // 5: flags
          sock_filter{BPF_JMP | BPF_JSET | BPF_K, 11, 0, fin_syn_rst}, // 6: 18
          sock_filter{BPF_LD | BPF_B | BPF_IND, 0, 0, 12},             // 7: TCP header's length
          sock_filter{BPF_ALU | BPF_AND | BPF_K, 0, 0, 0xf0},          // 8
          sock_filter{BPF_ALU | BPF_RSH | BPF_K, 0, 0, 2},             // 9
          sock_filter{BPF_ALU | BPF_ADD | BPF_X, 0, 0, 0},             // 10
          sock_filter{BPF_MISC | BPF_TAX, 0, 0, 0},                    // 11: x = where the payload starts
          sock_filter{BPF_LD | BPF_H | BPF_ABS, 0, 0, 2},              // 12: the packet's length
          sock_filter{BPF_ALU | BPF_SUB | BPF_X, 0, 0, 0},             // 13
          sock_filter{BPF_JMP | BPF_JEQ | BPF_K, 4, 0, 0},             // 14: nothing in it: 19
          sock_filter{BPF_JMP | BPF_JEQ | BPF_K, 0, 2, 19},            // 15: else 18
          sock_filter{BPF_LD | BPF_W | BPF_IND, 0, 0, 15},             // 16: end of marker, length, type
          sock_filter{BPF_JMP | BPF_JEQ | BPF_K, 1, 0, 0xff001304},    // 17: a KEEPALIVE: 19
          sock_filter{BPF_RET | BPF_K, 0, 0, 0xffff},                  // 18
          sock_filter{BPF_RET | BPF_K, 0, 0, 0}};                      // 19
}

}  // namespace

std::optional<HeardBgp> read_tcp_packet(std::span<const std::uint8_t> packet) {
  constexpr std::size_t tcp_header = 20;
  if (packet.empty()) return std::nullopt;
  const std::size_t ip_header = std::size_t{4} * (packet[0] & 0x0f);
  if (packet[0] >> 4 != 4 || ip_header < 20 || packet.size() < ip_header + tcp_header) return std::nullopt;
  const auto tcp = packet.subspan(ip_header);
  const std::size_t header = std::size_t{4} * (tcp[12] >> 4);
  if (header < tcp_header || tcp.size() < header) return std::nullopt;
  HeardBgp heard;
  heard.sender = IpAddress::from_bytes(packet.subspan(12, 4));
  heard.their_port = u16(tcp, 0);
  heard.our_port = u16(tcp, 2);
  heard.segment.sequence = static_cast<std::uint32_t>(u16(tcp, 4)) << 16 | u16(tcp, 6);
  heard.segment.opens = (tcp[13] & 0x02) != 0;
  heard.segment.closes = (tcp[13] & 0x05) != 0;
  heard.segment.payload.assign(tcp.begin() + static_cast<std::ptrdiff_t>(header), tcp.end());
  return heard;
}

Result<BgpListener> BgpListener::open() {
  auto filter = all_but_keepalives();
  RADIAL_ASSIGN(auto fd, open_raw_ip(IPPROTO_TCP, filter, "TCP"));
  make_room_for_a_flood(fd);
  return BgpListener(std::move(fd));
}

std::vector<HeardBgp> BgpListener::drain(std::size_t most) {
  std::vector<HeardBgp> result;
  for (std::size_t i = 0; i < most; ++i) {
    const auto arrival = receive_raw_ip(fd_, buffer_);
    if (!arrival) break;
    auto heard = read_tcp_packet({buffer_.data(), arrival->size});
    if (!heard) continue;
    heard->interface = interface_name(arrival->interface);
    result.push_back(std::move(*heard));
  }
  return result;
}

}  // namespace radial::host
