// Dumps of rtnetlink, shared by those who look at the network. Each blocks for
// the kernel's answer and repeats a dump that a change interrupted.
#pragma once

#include <vector>

#include <linux/rtnetlink.h>

#include "base/result.h"
#include "host/netlink_socket.h"
#include "host/rtnetlink_message.h"

namespace radial::host::rtnetlink {

// Dumps that are put together are begun again when they do not fit, this often.
inline constexpr int consistent_attempts = 16;

// A NETLINK_ROUTE socket with strict checking, where the kernel has it (4.20).
[[nodiscard]] Result<NetlinkSocket> open_socket();

[[nodiscard]] Result<std::vector<Link>> dump_links(NetlinkSocket& socket);
// The main table.
[[nodiscard]] Result<std::vector<RouteMessage>> dump_routes(NetlinkSocket& socket, Family family);
[[nodiscard]] Result<Nexthops> dump_nexthops(NetlinkSocket& socket);

// RTM_GETLINK and its kin.
[[nodiscard]] NetlinkMessage link_request(std::uint16_t type, std::uint16_t flags, const ifinfomsg& header);

}  // namespace radial::host::rtnetlink
