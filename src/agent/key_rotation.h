// The key that is to replace a node's own. It is made here and its private part
// never leaves; until every hub of the node knows its public part it waits in
// /etc/radial/private.key.next (mode 0600). Each step is one atomic change on
// the disk, so that a kill between any two leaves one that can go on.
#pragma once

#include "agent/paths.h"
#include "base/key.h"
#include "base/result.h"

namespace radial::agent {

// The public part of the waiting key; made if there is none.
[[nodiscard]] Result<PublicKey> waiting_key(const Paths& paths);
// The waiting key becomes the node's own, on disk; the one before is gone.
[[nodiscard]] Result<PrivateKey> take_waiting_key(const Paths& paths);

}  // namespace radial::agent
