#include "lab/netns.h"

#include <cstring>
#include <thread>

#include <fcntl.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>

#include "base/fd.h"

namespace radial::lab {

std::string netns_path(const std::string& netns) { return "/run/netns/" + netns; }

Status in_netns(const std::string& path, const std::function<Status()>& work) {
  const Fd netns(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!netns) return fail_errno(errno, fmt::format("cannot open the network namespace {}", path));
  Status status;
  std::thread([&] {
    if (::setns(netns.get(), CLONE_NEWNET) != 0)
      status = fail_errno(errno, fmt::format("cannot enter the network namespace {}", path));
    else
      status = work();
  }).join();
  return status;
}

void remove_netns_name(const std::string& netns) {
  const auto path = netns_path(netns);
  ::umount2(path.c_str(), MNT_DETACH);
  ::unlink(path.c_str());
}

Status set_offload(const std::string& netns, const std::string& interface, bool on) {
  return in_netns(netns_path(netns), [&]() -> Status {
    const Fd socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    // The kernel drops TSO and UDP segmentation by itself from an interface
    // that computes no checksums, and restores them with it.
    ethtool_value value{ETHTOOL_STXCSUM, on ? 1U : 0U};
    ifreq request{};
    std::strncpy(request.ifr_name, interface.c_str(), IFNAMSIZ - 1);
    request.ifr_data = reinterpret_cast<char*>(&value);
    if (!socket || ::ioctl(socket.get(), SIOCETHTOOL, &request) != 0)
      return fail_errno(errno, fmt::format("cannot switch the offload of {} in {}", interface, netns));
    return {};
  });
}

}  // namespace radial::lab
