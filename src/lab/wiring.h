// Cables and addresses: makes the links of a lab whose namespaces are there.
// Uses ip(8), tc(8) and nft(8), one batch a namespace. Private to the room.
#pragma once

#include "base/result.h"
#include "lab/faults.h"
#include "lab/plan.h"

namespace radial::lab {

// Text for `ip -batch`. Pure.
[[nodiscard]] std::string internet_links(const LabPlan& plan);   // in the internet: a veth to every node
[[nodiscard]] std::string node_links(const LabNode& node);       // in the node: uplink, LANs
[[nodiscard]] std::string lan_host_links(const LanHost& host);   // in the LAN host

// Runs `ip OPTIONS -batch -` in a named namespace.
[[nodiscard]] Status ip_batch(const std::string& netns, const std::string& batch,
                              const std::vector<std::string>& options = {});

// The links of the internet, then (for each node, in any order, also at the same
// time) those of the node and its LAN hosts.
[[nodiscard]] Status wire_internet(const LabPlan& plan);
[[nodiscard]] Status wire_node(const LabNode& node);

// Brings every link into the condition that `faults` describes. `changed` names
// the nodes whose own end may differ from before.
[[nodiscard]] Status apply_faults(const LabPlan& plan, const FaultMap& faults, const std::vector<std::string>& changed);

// Drops what nodes have learnt about path MTUs, which would outlive a fault by
// ten minutes.
[[nodiscard]] Status forget_path_mtus(const LabPlan& plan);

}  // namespace radial::lab
