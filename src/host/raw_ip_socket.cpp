#include "host/raw_ip_socket.h"

#include <array>
#include <cstring>

#include <net/if.h>
#include <netinet/in.h>
#include <sys/socket.h>

namespace radial::host {

namespace {

template <class Info>
Info content_of(cmsghdr* header) {
  Info info{};
  std::memcpy(&info, CMSG_DATA(header), sizeof info);
  return info;
}

IpAddress address_of(const sockaddr_storage& source) {
  if (source.ss_family != AF_INET6) {
    sockaddr_in v4{};
    std::memcpy(&v4, &source, sizeof v4);
    return IpAddress::from_v4(ntohl(v4.sin_addr.s_addr));
  }
  sockaddr_in6 v6{};
  std::memcpy(&v6, &source, sizeof v6);
  return IpAddress::from_bytes(v6.sin6_addr.s6_addr);
}

}  // namespace

Result<Fd> open_raw_ip(int protocol, std::span<sock_filter> filter, std::string_view name, Family family) {
  const bool v6 = family == Family::v6;
  Fd fd(::socket(v6 ? AF_INET6 : AF_INET, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol));
  if (!fd) return fail_errno(errno, fmt::format("cannot open a raw {} socket", name));
  const sock_fprog program{static_cast<unsigned short>(filter.size()), filter.data()};
  const int on = 1;
  if (::setsockopt(fd.get(), SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program) != 0 ||
      ::setsockopt(fd.get(), v6 ? IPPROTO_IPV6 : IPPROTO_IP, v6 ? IPV6_RECVPKTINFO : IP_PKTINFO, &on, sizeof on) != 0)
    return fail_errno(errno, fmt::format("cannot set up the raw {} socket", name));
  return fd;
}

void make_room_for_a_flood(const Fd& fd) {
  constexpr int bytes = 4 << 20;
  if (::setsockopt(fd.get(), SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof bytes) != 0)
    ::setsockopt(fd.get(), SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes);
}

std::optional<RawArrival> receive_raw_ip(const Fd& fd, std::span<std::uint8_t> buffer) {
  for (;;) {
    alignas(cmsghdr) std::array<std::uint8_t, 128> control{};
    sockaddr_storage source{};
    iovec data{buffer.data(), buffer.size()};
    msghdr message{};
    message.msg_name = &source;
    message.msg_namelen = sizeof source;
    message.msg_iov = &data;
    message.msg_iovlen = 1;
    message.msg_control = control.data();
    message.msg_controllen = control.size();
    const auto got = ::recvmsg(fd.get(), &message, 0);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return std::nullopt;  // EAGAIN: all read
    RawArrival arrival{0, address_of(source), static_cast<std::size_t>(got)};
    for (auto* header = CMSG_FIRSTHDR(&message); header != nullptr; header = CMSG_NXTHDR(&message, header)) {
      if (header->cmsg_level == IPPROTO_IP && header->cmsg_type == IP_PKTINFO)
        arrival.interface = content_of<in_pktinfo>(header).ipi_ifindex;
      if (header->cmsg_level == IPPROTO_IPV6 && header->cmsg_type == IPV6_PKTINFO)
        arrival.interface = static_cast<int>(content_of<in6_pktinfo>(header).ipi6_ifindex);
    }
    return arrival;
  }
}

Status send_raw_ip(const Fd& fd, int interface, const IpAddress& to, std::span<const std::uint8_t> packet) {
  sockaddr_in target{};
  target.sin_family = AF_INET;
  target.sin_addr.s_addr = htonl(to.to_v4());
  iovec data{const_cast<std::uint8_t*>(packet.data()), packet.size()};  // sendmsg(2) only reads it
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
  if (::sendmsg(fd.get(), &message, MSG_NOSIGNAL) < 0) return fail_errno(errno, fmt::format("cannot send to {}", to));
  return {};
}

std::string interface_name(int index) {
  std::array<char, IF_NAMESIZE> name{};
  return ::if_indextoname(static_cast<unsigned>(index), name.data()) != nullptr ? name.data() : "";
}

}  // namespace radial::host
