// The kernel's WireGuard behind a netlink conversation that the caller brings:
// open_kernel_wireguard() brings the kernel's, tests bring a model of it.
#pragma once

#include <cstdint>
#include <memory>

#include "host/netlink_socket.h"
#include "host/wg_messages.h"
#include "host/wireguard.h"

namespace radial::host {

// `generic`: NETLINK_GENERIC. `family`: the number of "wireguard" there.
[[nodiscard]] std::unique_ptr<WireGuard> make_kernel_wireguard(NetlinkSocket generic, std::uint16_t family,
                                                               std::size_t message_limit = wg_message_limit);

}  // namespace radial::host
