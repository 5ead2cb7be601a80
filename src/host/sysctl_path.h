// Where a sysctl lives. Threading: plain function.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace radial::host {

// "net.ipv4.conf.eth0.100.rp_filter" -> "/proc/sys/net/ipv4/conf/eth0.100/rp_filter":
// an interface's name may hold dots (VLANs), so in net.FAMILY.conf and
// net.FAMILY.neigh all that stands between there and the last part is one
// name. Refuses a key that could leave /proc/sys.
[[nodiscard]] Result<std::string> sysctl_path(std::string_view key);

}  // namespace radial::host
