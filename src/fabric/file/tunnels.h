// Tunnel prefixes of the hubs that name none of their own.
#pragma once

#include "fabric/file/draft.h"
#include "fabric/file/section.h"

namespace radial::file {

// Reads the fabric's `tunnel` and `tunnel6` (default: 10.255.0.0/24, and a
// prefix of RFC 4193 derived from the fabric's name) and gives the k-th hub of
// the file the k-th prefix from there on, if it names none. Counting all hubs,
// one added at the end moves no other.
void share_tunnels(const Section& root, Draft& draft, MistakeList& mistakes);

}  // namespace radial::file
