#include "host/raw_ip_socket.h"

#include <array>
#include <cstring>

#include <net/if.h>
#include <netinet/in.h>
#include <sys/socket.h>

namespace radial::host {

Result<Fd> open_raw_ip(int protocol, std::span<sock_filter> filter, std::string_view name) {
  Fd fd(::socket(AF_INET, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol));
  if (!fd) return fail_errno(errno, fmt::format("cannot open a raw {} socket", name));
  const sock_fprog program{static_cast<unsigned short>(filter.size()), filter.data()};
  const int on = 1;
  if (::setsockopt(fd.get(), SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program) != 0 ||
      ::setsockopt(fd.get(), IPPROTO_IP, IP_PKTINFO, &on, sizeof on) != 0)
    return fail_errno(errno, fmt::format("cannot set up the raw {} socket", name));
  return fd;
}

std::optional<RawArrival> receive_raw_ip(const Fd& fd, std::span<std::uint8_t> buffer) {
  for (;;) {
    alignas(cmsghdr) std::array<std::uint8_t, 128> control{};
    sockaddr_in source{};
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
    RawArrival arrival{0, IpAddress::from_v4(ntohl(source.sin_addr.s_addr)), static_cast<std::size_t>(got)};
    for (auto* header = CMSG_FIRSTHDR(&message); header != nullptr; header = CMSG_NXTHDR(&message, header)) {
      if (header->cmsg_level != IPPROTO_IP || header->cmsg_type != IP_PKTINFO) continue;
      in_pktinfo info{};
      std::memcpy(&info, CMSG_DATA(header), sizeof info);
      arrival.interface = info.ipi_ifindex;
    }
    return arrival;
  }
}

std::string interface_name(int index) {
  std::array<char, IF_NAMESIZE> name{};
  return ::if_indextoname(static_cast<unsigned>(index), name.data()) != nullptr ? name.data() : "";
}

}  // namespace radial::host
