#include "engine/tunnel/tun/link_monitor.h"

#include <array>
#include <cstdint>

#include <linux/if.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

namespace radial::engine {

Result<LinkMonitor> LinkMonitor::open() {
  Fd fd(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE));
  if (!fd) return fail_errno(errno, "cannot open a routing socket (netlink)");
  sockaddr_nl name{};
  name.nl_family = AF_NETLINK;
  name.nl_groups = RTMGRP_LINK | RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR;
  if (::bind(fd.get(), reinterpret_cast<const sockaddr*>(&name), sizeof name) != 0)
    return fail_errno(errno, "cannot watch links (netlink)");
  return LinkMonitor(std::move(fd));
}

LinkMonitor::Changes LinkMonitor::drain(int index) {
  Changes changes;
  alignas(nlmsghdr) std::array<std::uint8_t, 32768> buffer;
  for (;;) {
    const auto got = ::recv(fd_.get(), buffer.data(), buffer.size(), MSG_DONTWAIT);
    if (got < 0) {
      if (errno == EINTR) continue;
      if (errno == ENOBUFS) {
        changes.links = changes.addresses = true;
        continue;
      }
      return changes;
    }
    auto left = static_cast<unsigned>(got);
    for (auto* message = reinterpret_cast<nlmsghdr*>(buffer.data()); NLMSG_OK(message, left);
         message = NLMSG_NEXT(message, left)) {
      if (message->nlmsg_type == RTM_DELADDR) changes.addresses = true;
      if (message->nlmsg_type == RTM_NEWLINK || message->nlmsg_type == RTM_DELLINK) changes.links = true;
      if (message->nlmsg_type != RTM_NEWLINK || message->nlmsg_len < NLMSG_LENGTH(sizeof(ifinfomsg))) continue;
      const auto* const link = static_cast<const ifinfomsg*>(NLMSG_DATA(message));
      if (link->ifi_index == index && (link->ifi_flags & IFF_UP) == 0) changes.was_down = true;
    }
  }
}

}  // namespace radial::engine
