// Doing things in another network namespace from a thread of its own, and the
// names of namespaces in /run/netns. Private to the room.
#pragma once

#include <functional>
#include <string>

#include "base/result.h"

namespace radial::lab {

[[nodiscard]] std::string netns_path(const std::string& netns);  // "/run/netns/NAME"

// Runs `work` in a new thread inside that network namespace, and waits for it.
// Sockets that it opens belong to the namespace for good.
[[nodiscard]] Status in_netns(const std::string& path, const std::function<Status()>& work);

// Removes a name; the namespace goes when nobody is in it. Fine when there is none.
void remove_netns_name(const std::string& netns);

// Checksum and with it segmentation offload of an interface: without it the
// packets on a veth are the packets of a wire, one by one.
[[nodiscard]] Status set_offload(const std::string& netns, const std::string& interface, bool on);

}  // namespace radial::lab
