#include "host/echo_probe.h"

#include <array>

#include <netinet/in.h>
#include <netinet/ip_icmp.h>
#include <sys/random.h>
#include <sys/socket.h>

#include "host/raw_ip_socket.h"
#include "host/wire_bytes.h"

namespace radial::host {
namespace {

constexpr std::size_t header_bytes = 8;

// Echo replies with our identifier, behind the IP header.
std::array<sock_filter, 7> only_replies_to(std::uint16_t identifier) {
  return {sock_filter{BPF_LDX | BPF_B | BPF_MSH, 0, 0, 0},
          sock_filter{BPF_LD | BPF_B | BPF_IND, 0, 0, 0},
          sock_filter{BPF_JMP | BPF_JEQ | BPF_K, 0, 3, ICMP_ECHOREPLY},
          sock_filter{BPF_LD | BPF_H | BPF_IND, 0, 0, 4},
          sock_filter{BPF_JMP | BPF_JEQ | BPF_K, 0, 1, identifier},
          sock_filter{BPF_RET | BPF_K, 0, 0, 128},
          sock_filter{BPF_RET | BPF_K, 0, 0, 0}};
}

}  // namespace

Result<EchoProbe> EchoProbe::open() {
  std::uint16_t identifier = 0;
  if (::getrandom(&identifier, sizeof identifier, 0) != sizeof identifier) return fail_errno(errno, "cannot get a random number");
  auto filter = only_replies_to(identifier);
  RADIAL_ASSIGN(auto fd, open_raw_ip(IPPROTO_ICMP, filter, "ICMP"));
  return EchoProbe(std::move(fd), identifier);
}

Status EchoProbe::send(int interface, const IpAddress& to) {
  std::array<std::uint8_t, header_bytes> packet{ICMP_ECHO, 0, 0, 0};
  put16(packet, 4, identifier_);
  put16(packet, 6, ++sequence_);
  put16(packet, 2, internet_checksum(packet));
  return send_raw_ip(fd_, interface, to, packet);
}

std::vector<EchoReply> EchoProbe::drain() {
  std::vector<EchoReply> replies;
  std::array<std::uint8_t, 128> packet{};
  while (const auto arrival = receive_raw_ip(fd_, packet))
    if (arrival->interface != 0) replies.push_back({arrival->interface, arrival->source});
  return replies;
}

}  // namespace radial::host
