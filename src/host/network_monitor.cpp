#include <cstddef>
#include <vector>

#include <libmnl/libmnl.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include "host/network.h"

namespace radial::host {
namespace {

// Room for some thousand route messages while the reader is busy; memory is
// charged only when it is used.
constexpr int receive_buffer = 8 << 20;
constexpr std::size_t largest_datagram = std::size_t{64} * 1024;

Status join(int fd, int group) {
  if (::setsockopt(fd, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &group, sizeof group) != 0)
    return fail_errno(errno, fmt::format("cannot join the rtnetlink group {}", group));
  return {};
}

void note(const nlmsghdr& message, NetworkMonitor::Events& events) {
  switch (message.nlmsg_type) {
    case RTM_NEWLINK:
    case RTM_DELLINK: events.links = true; break;
    case RTM_NEWADDR:
    case RTM_DELADDR: events.addresses = true; break;
    case RTM_NEWROUTE:
    case RTM_DELROUTE:
    case RTM_NEWNEXTHOP:
    case RTM_DELNEXTHOP: events.routes = true; break;
    default: break;
  }
}

}  // namespace

NetworkMonitor::NetworkMonitor(Fd fd) : fd_(std::move(fd)) {}

Result<NetworkMonitor> NetworkMonitor::open() {
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
  for (const int group : {RTNLGRP_LINK, RTNLGRP_IPV4_IFADDR, RTNLGRP_IPV6_IFADDR, RTNLGRP_IPV4_ROUTE,
                          RTNLGRP_IPV6_ROUTE, RTNLGRP_NEXTHOP})
    RADIAL_TRY(join(fd.get(), group));
  return NetworkMonitor(std::move(fd));
}

int NetworkMonitor::fd() const { return fd_.get(); }

Result<NetworkMonitor::Events> NetworkMonitor::drain() {
  Events events;
  std::vector<std::byte> buffer(largest_datagram);
  for (;;) {
    sockaddr_nl from{};
    socklen_t from_size = sizeof from;
    const auto got = ::recvfrom(fd_.get(), buffer.data(), buffer.size(), MSG_TRUNC,
                                reinterpret_cast<sockaddr*>(&from), &from_size);
    if (got < 0) {
      if (errno == EINTR) continue;
      if (errno == EAGAIN) return events;
      if (errno != ENOBUFS) return fail_errno(errno, "cannot read from rtnetlink");
      events.overflow = true;
      continue;
    }
    if (from.nl_pid != 0) continue;  // another process: not the kernel's word
    if (static_cast<std::size_t>(got) > buffer.size()) {
      events.overflow = true;
      continue;
    }
    int left = static_cast<int>(got);
    for (const auto* message = reinterpret_cast<const nlmsghdr*>(buffer.data()); mnl_nlmsg_ok(message, left);
         message = mnl_nlmsg_next(message, &left))
      note(*message, events);
  }
}

}  // namespace radial::host
