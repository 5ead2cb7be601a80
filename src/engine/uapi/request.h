// The set operation of WireGuard's cross-platform userspace API
// (https://www.wireguard.com/xplatform/): `set=1`, then key=value lines, then
// an empty line.
//
// A request is read to its end before anything is done, so that one which is
// wrong anywhere changes nothing. Keys of our own begin with `radial_`.
//
// Device keys, before the first peer: private_key, listen_port, fwmark,
//   replace_peers, radial_multicast (true or false).
// Peer keys, after a public_key: remove, update_only, preshared_key, endpoint,
//   persistent_keepalive_interval, replace_allowed_ips, allowed_ip (with a
//   leading "-" it is taken from the peer), protocol_version.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "base/result.h"
#include "engine/noise/device.h"

namespace radial::engine::uapi {

struct SetRequest {
  DeviceChange device;
  std::optional<std::uint16_t> listen_port;  // 0: any
  std::optional<std::uint32_t> fwmark;       // 0: none
  std::optional<bool> multicast;             // copy link-local multicast to every live peer
};

// `body` is what stands between the line `set=1` and the empty line. Errors
// carry the errno to answer (EINVAL for a key or value, EPROTO for a line
// without "="), and name the line but never the value of a key.
[[nodiscard]] Result<SetRequest> parse_set(std::string_view body);

}  // namespace radial::engine::uapi
