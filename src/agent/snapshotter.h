// Takes a Snapshot of this machine: asks WireGuard, the kernel and FRR, and
// joins the answers with the configuration. What cannot be asked is left out
// and shows as a finding. Threading: as Reconciler.
#pragma once

#include "agent/reconciler.h"
#include "compile/node_config.h"
#include "host/ospf_mtu.h"
#include "observe/snapshot.h"

namespace radial::agent {

[[nodiscard]] observe::Snapshot take_snapshot(Host& machine, const NodeConfig& config, const host::OspfMtus& mtus);

}  // namespace radial::agent
