// The machine's FRR as a service: which of its daemons start, and starting
// them. `init` and `join` need this once; packages never do it.
#pragma once

#include <filesystem>
#include <set>
#include <string>
#include <vector>

#include "base/result.h"
#include "compile/node_config.h"
#include "host/frr.h"
#include "observe/snapshot.h"

namespace radial::agent {

// /etc/frr/daemons with `wanted` set to yes. Pure; `enabled` names those that
// were not.
[[nodiscard]] std::string with_daemons(const std::string& file, const std::set<std::string>& wanted,
                                       std::set<std::string>& enabled);

// Another route to an IPv6 prefix: zebra takes the old one out of the kernel before it puts the new one in, and
// what comes between the two is lost, unless it was started with this. (Of IPv4 it always replaces in one step.)
inline constexpr std::string_view replaces_ipv6_in_place = "--v6-rr-semantics";

// /etc/frr/daemons with that among zebra_options; as it is where it says so already, or in
// a way that is not FRR's own (no "..." on one line). Pure.
[[nodiscard]] std::string with_ipv6_replaced_in_place(const std::string& file);

// Enables what the node's configuration needs, keeps the file as it was beside it, and restarts
// FRR when a daemon was enabled or does not run. What it did, a line each.
[[nodiscard]] Result<std::vector<std::string>> enable_frr_for(const NodeConfig& config);

// Where the zebra that runs now routes IPv6 and was started without that option.
[[nodiscard]] std::vector<observe::Finding> frr_start_findings(host::Frr& frr, const NodeConfig& config);

// Whether this machine's services are systemd's.
[[nodiscard]] bool has_systemd();

}  // namespace radial::agent
