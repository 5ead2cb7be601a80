// Giving up what the engine does not need once its devices are open.
//
// After confine_engine() the process is an unprivileged user with two
// capabilities left, CAP_NET_ADMIN (SO_MARK and large socket buffers) and
// CAP_NET_BIND_SERVICE (a listen_port below 1024), in a seccomp filter under
// which they reach no further: it opens no file, starts no program, makes no
// socket but UDP ones, and sends nothing by its routing socket. What the
// filter does not know fails with EPERM rather than killing the process, since
// another C library may try another call first.
//
// Threading: drop_privileges() before any thread is started; restrict_calls()
// after, for all of them at once.
#pragma once

#include "base/result.h"

namespace radial::engine {

// No core dumps, and no /proc/PID/mem for others of the same user.
void forbid_dumps();

// Becomes the user `radial-wire` if there is one, else `nobody`, without
// supplementary groups. Does nothing when the process is not root (a
// container may start it so). Errors: a step that root was refused.
[[nodiscard]] Status drop_privileges();

// `routing_socket` is the netlink descriptor that may only be read.
[[nodiscard]] Status restrict_calls(int routing_socket);

// For the janitor.
void drop_all_capabilities();
[[nodiscard]] Status confine_janitor();

}  // namespace radial::engine
