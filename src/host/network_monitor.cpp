#include <linux/rtnetlink.h>

#include "host/netlink_group_socket.h"
#include "host/network.h"

namespace radial::host {
namespace {

// Room for some thousand messages while the reader is busy.
constexpr int receive_buffer = 8 << 20;

void note(const nlmsghdr& message, NetworkMonitor::Events& events) {
  switch (message.nlmsg_type) {
    case RTM_NEWLINK:
    case RTM_DELLINK: events.links = true; break;
    case RTM_NEWADDR:
    case RTM_DELADDR: events.addresses = true; break;
    case RTM_NEWNETCONF: events.sysctls = true; break;
    default: break;
  }
}

}  // namespace

NetworkMonitor::NetworkMonitor(std::unique_ptr<NetlinkGroupSocket> socket) : socket_(std::move(socket)) {}
NetworkMonitor::NetworkMonitor(NetworkMonitor&&) noexcept = default;
NetworkMonitor& NetworkMonitor::operator=(NetworkMonitor&&) noexcept = default;
NetworkMonitor::~NetworkMonitor() = default;

Result<NetworkMonitor> NetworkMonitor::open() {
  RADIAL_ASSIGN(auto socket,
                NetlinkGroupSocket::open({RTNLGRP_LINK, RTNLGRP_IPV4_IFADDR, RTNLGRP_IPV6_IFADDR, RTNLGRP_IPV4_NETCONF,
                                          RTNLGRP_IPV6_NETCONF},
                                         receive_buffer));
  return NetworkMonitor(std::make_unique<NetlinkGroupSocket>(std::move(socket)));
}

int NetworkMonitor::fd() const { return socket_->fd(); }

Result<NetworkMonitor::Events> NetworkMonitor::drain() {
  Events events;
  RADIAL_TRY(socket_->drain([&](const nlmsghdr& message) { note(message, events); }, events.overflow));
  return events;
}

}  // namespace radial::host
