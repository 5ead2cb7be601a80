// The AllowedIPs of a multipoint wire as its configuration starts them. Pure.
//
// On one interface a prefix belongs to one peer, and setting it on another
// moves it silently. So each peer has its own tunnel addresses and its grant;
// a prefix that stands in several grants goes to the first peer by name that
// has a key, until steering gives it to the one that the FIB prefers. Prefixes
// that nest are not equal and both stand: the lookup is longest match.
#pragma once

#include <vector>

#include "compile/node_config.h"

namespace radial {

// Fills in allowed_ips of every peer from its addresses, grant and LANs. `peers`
// must be sorted by name. A grant of `any`
// stands as 0.0.0.0/0 and ::/0: which routes may use it is for the FIB's
// filter to say.
void assign_allowed_ips(std::vector<WirePeer>& peers);

// 0.0.0.0/0 and ::/0: all that a point-to-point wire's one peer may send.
[[nodiscard]] std::vector<Prefix> everything();

}  // namespace radial
