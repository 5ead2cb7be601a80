#include "host/echo_probe.h"

#include <array>
#include <cstring>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/ip_icmp.h>
#include <sys/random.h>
#include <sys/socket.h>

#include "host/raw_ip_socket.h"

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

// RFC 1071.
std::uint16_t internet_checksum(const std::array<std::uint8_t, header_bytes>& data) {
  std::uint32_t sum = 0;
  for (std::size_t i = 0; i < data.size(); i += 2) sum += static_cast<std::uint32_t>(data[i] << 8 | data[i + 1]);
  while (sum >> 16 != 0) sum = (sum & 0xffff) + (sum >> 16);
  return static_cast<std::uint16_t>(~sum);
}

void put16(std::array<std::uint8_t, header_bytes>& data, std::size_t at, std::uint16_t value) {
  data[at] = static_cast<std::uint8_t>(value >> 8);
  data[at + 1] = static_cast<std::uint8_t>(value & 0xff);
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
  sockaddr_in target{};
  target.sin_family = AF_INET;
  target.sin_addr.s_addr = htonl(to.to_v4());
  iovec data{packet.data(), packet.size()};
  in_pktinfo info{};
  info.ipi_ifindex = interface;
  alignas(cmsghdr) std::array<std::uint8_t, CMSG_SPACE(sizeof info)> control{};
  msghdr message{};
  message.msg_name = &target;
  message.msg_namelen = sizeof target;
  message.msg_iov = &data;
  message.msg_iovlen = 1;
  message.msg_control = control.data();
  message.msg_controllen = control.size();
  auto* header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = IPPROTO_IP;
  header->cmsg_type = IP_PKTINFO;
  header->cmsg_len = CMSG_LEN(sizeof info);
  std::memcpy(CMSG_DATA(header), &info, sizeof info);
  if (::sendmsg(fd_.get(), &message, MSG_NOSIGNAL) < 0) return fail_errno(errno, fmt::format("cannot ping {}", to));
  return {};
}

std::vector<EchoReply> EchoProbe::drain() {
  std::vector<EchoReply> replies;
  std::array<std::uint8_t, 128> packet{};
  while (const auto arrival = receive_raw_ip(fd_, packet))
    if (arrival->interface != 0) replies.push_back({arrival->interface, arrival->source});
  return replies;
}

}  // namespace radial::host
