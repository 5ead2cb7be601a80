#include "host/netlink_group_socket.h"

#include <cstddef>

#include <libmnl/libmnl.h>
#include <sys/socket.h>

#include "host/netlink_socket.h"

namespace radial::host {

Result<NetlinkGroupSocket> NetlinkGroupSocket::open(const std::vector<int>& groups, int receive_buffer) {
  Fd fd(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE));
  if (!fd) return fail_errno(errno, "cannot open an rtnetlink socket");
  sockaddr_nl self{};
  self.nl_family = AF_NETLINK;
  if (::bind(fd.get(), reinterpret_cast<const sockaddr*>(&self), sizeof self) != 0)
    return fail_errno(errno, "cannot bind an rtnetlink socket");
  // FORCE needs CAP_NET_ADMIN; without it the system's limit applies and an
  // overflow is only more likely.
  if (::setsockopt(fd.get(), SOL_SOCKET, SO_RCVBUFFORCE, &receive_buffer, sizeof receive_buffer) != 0)
    (void)::setsockopt(fd.get(), SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
  for (const int group : groups)
    if (::setsockopt(fd.get(), SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &group, sizeof group) != 0)
      return fail_errno(errno, fmt::format("cannot join the rtnetlink group {}", group));
  return NetlinkGroupSocket(std::move(fd));
}

Status NetlinkGroupSocket::drain(const std::function<void(const nlmsghdr&)>& reader, bool& lost) {
  alignas(nlmsghdr) static thread_local std::byte buffer[netlink_buffer_size];
  for (;;) {
    sockaddr_nl from{};
    socklen_t from_size = sizeof from;
    const auto got =
        ::recvfrom(fd_.get(), buffer, sizeof buffer, MSG_TRUNC, reinterpret_cast<sockaddr*>(&from), &from_size);
    if (got < 0) {
      if (errno == EINTR) continue;
      if (errno == EAGAIN) return {};
      if (errno != ENOBUFS) return fail_errno(errno, "cannot read from rtnetlink");
      lost = true;
      continue;
    }
    if (from.nl_pid != 0) continue;  // another process: not the kernel's word
    if (static_cast<std::size_t>(got) > sizeof buffer) {
      lost = true;
      continue;
    }
    int left = static_cast<int>(got);
    for (const auto* message = reinterpret_cast<const nlmsghdr*>(buffer); mnl_nlmsg_ok(message, left);
         message = mnl_nlmsg_next(message, &left))
      reader(*message);
  }
}

}  // namespace radial::host
