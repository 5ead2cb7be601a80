// What must hold in a draft beyond each value by itself. Each rule adds every
// breach it finds; absent values (their mistakes are told) are passed over.
#pragma once

#include <vector>

#include "fabric/file/draft.h"

namespace radial::file {

// Names are unique, hubs of sites exist.
void check_names(const Draft& draft, MistakeList& mistakes);

// MTUs fit, interface names leave room, IPv6 LANs have an IPv6 tunnel.
void check_settings(const Draft& draft, MistakeList& mistakes);

// A hub with `wire: dedicated` has a port and a name for the interface of every
// address in its tunnel prefix, and shares none with another hub at its endpoint.
void check_dedicated(const Draft& draft, MistakeList& mistakes);

// LANs, grants, tunnel prefixes and endpoints do not get in each other's way.
void check_prefixes(const Draft& draft, MistakeList& mistakes);

// Every claim of a prefix by two nodes is deliberate on both sides: see
// docs/fabric-file.md, "Sharing a prefix".
void check_sharing(const Draft& draft, MistakeList& mistakes);

// Pinned tunnel addresses are usable and unique, and all nodes find room.
void check_addresses(const Draft& draft, MistakeList& mistakes);

// The hubs that a site dials, unknown ones left out. Borrows.
[[nodiscard]] std::vector<const DraftHub*> hubs_of(const Draft& draft, const DraftSite& site);

}  // namespace radial::file
