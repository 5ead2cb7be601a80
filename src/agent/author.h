// Who asks for a change, as revisions and the log name him. Only root may change things, but root is
// somebody who logged in: the kernel knows who (loginuid, set by pam_loginuid(8); sudo and su keep it).
// Threading: free functions.
#pragma once

#include <optional>
#include <string>

#include <sys/types.h>

namespace radial::agent {

// Who logged in and became this process; nothing where nobody did (a daemon, a container) or the kernel does not say.
[[nodiscard]] std::optional<uid_t> login_of(pid_t process);

// "root", or "alice (root)". Names are those of /etc/passwd alone: a name service could be behind the network that is being changed.
[[nodiscard]] std::string author_of(uid_t uid, std::optional<uid_t> login);

}  // namespace radial::agent
