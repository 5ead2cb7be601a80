#include <array>

#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <sys/socket.h>

#include "host/firewall.h"

namespace radial::host {

FirewallMonitor::FirewallMonitor(Fd fd) : fd_(std::move(fd)) {}

Result<FirewallMonitor> FirewallMonitor::open() {
  Fd fd(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_NETFILTER));
  if (!fd) return fail_errno(errno, "cannot open a netlink socket for nftables");
  sockaddr_nl address{};
  address.nl_family = AF_NETLINK;
  address.nl_groups = 1U << (NFNLGRP_NFTABLES - 1);
  if (::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
    return fail_errno(errno, "cannot listen to changes of nftables");
  return FirewallMonitor(std::move(fd));
}

int FirewallMonitor::fd() const { return fd_.get(); }

bool FirewallMonitor::drain() {
  bool changed = false;
  // What the messages say does not matter: a reader compares the whole table.
  // ENOBUFS means that some were lost, which is a change as well.
  std::array<char, 8192> message{};
  for (;;) {
    const auto got = ::recv(fd_.get(), message.data(), message.size(), 0);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0 && errno != ENOBUFS) return changed;
    changed = true;
  }
}

}  // namespace radial::host
