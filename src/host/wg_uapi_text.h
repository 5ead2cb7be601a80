// The text of WireGuard's cross-platform userspace configuration protocol
// (wireguard.com/xplatform): what goes to and comes from a UAPI socket. Pure.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "host/wg_operations.h"
#include "host/wireguard.h"
#include "host/wiping_allocator.h"

namespace radial::host {

// "set=1 ... \n\n".
[[nodiscard]] SecretText render_uapi_set(const WireChange& change, const std::vector<PeerOperation>& operations);

// The answer to "get=1\n\n" or radial-wire's "radial_get=1\n\n", errno line included. Strict: a malformed line or
// value, a peer's key before any peer, or a missing errno is a protocol error;
// keys that are not known are passed over, as the protocol may grow. The
// interface's name is not in it and stays empty. Errors never hold a secret.
[[nodiscard]] Result<ObservedWire> parse_uapi_get(std::string_view answer);

// The answer to a set operation. `errno=` other than 0 is the error.
[[nodiscard]] Status parse_uapi_set(std::string_view answer);

// A peer roams to wherever a valid packet came from: a link-local address with
// its zone, port 0. That must not make a whole answer unreadable; what an
// Endpoint cannot say is none.
[[nodiscard]] std::optional<Endpoint> observed_endpoint(std::string_view value);

}  // namespace radial::host
