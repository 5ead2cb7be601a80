// The client's end of a UAPI socket: one connection an operation, as a set
// that fails leaves the server in the middle of our text.
// Threading: free functions without state; blocking, a few seconds at most.
#pragma once

#include <string>
#include <string_view>

#include "base/fd.h"
#include "base/result.h"
#include "host/wiping_allocator.h"

namespace radial::host {

// "/var/run/wireguard/NAME.sock": where wg(8) and every implementation look.
[[nodiscard]] std::string uapi_socket_path(std::string_view interface);

// Sends a whole operation and reads the answer up to its blank line.
// not_found: nobody serves this interface (the file is absent, or was left by
// a process that is gone: then sys_errno is ECONNREFUSED).
[[nodiscard]] Result<SecretText> exchange_uapi(std::string_view interface, std::string_view operation);

// Sends a whole operation and leaves the answer, and what may follow it, to
// the caller; the descriptor blocks, for a few seconds at most.
[[nodiscard]] Result<Fd> open_uapi(std::string_view interface, std::string_view operation);

}  // namespace radial::host
