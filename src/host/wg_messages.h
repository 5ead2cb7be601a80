// The messages of the kernel's WireGuard (generic netlink family "wireguard",
// linux/wireguard.h): a change of any size as SET_DEVICE messages, a device of
// any size from GET_DEVICE messages. No I/O here.
#pragma once

#include <cstdint>
#include <vector>

#include <linux/netlink.h>

#include "host/netlink_message.h"
#include "host/wg_operations.h"
#include "host/wireguard.h"

namespace radial::host {

// A nested attribute's length has 16 bits; half of that keeps messages few and
// a socket's send buffer far.
inline constexpr std::size_t wg_message_limit = 32 * 1024;

// In order, none longer than `limit` (at least 512). A peer whose allowed IPs do
// not fit goes on in the next message: by its key, for update only, without
// the flags and attributes that must not take effect twice. Empty for a
// change of nothing.
[[nodiscard]] std::vector<NetlinkMessage> encode_wg_change(std::uint16_t family, const WireChange& change,
                                                           const std::vector<PeerOperation>& operations,
                                                           std::size_t limit = wg_message_limit);

[[nodiscard]] NetlinkMessage encode_wg_get(std::uint16_t family, const std::string& interface);

// Collects the messages of one dump. A peer that continues in the next message
// (the same key again, with more allowed IPs) is put together.
class WgDeviceDecoder {
 public:
  void restart() { wire_ = {}; }
  Status read(const nlmsghdr& message);
  [[nodiscard]] ObservedWire finish();

 private:
  ObservedWire wire_;
};

}  // namespace radial::host
