// Fabric -> what each node must have. Pure: same input, same output.
#pragma once

#include "base/result.h"
#include "compile/node_config.h"
#include "fabric/fabric.h"
#include "fabric/facts.h"

namespace radial {

// `facts.addresses` must hold the plan of this fabric (plan_addresses).
// Fails when the node is not in the fabric (naming the nearest name).
[[nodiscard]] Result<NodeConfig> compile_node(const Fabric& fabric, const FabricFacts& facts, std::string_view node);
// Its wires alone. Nothing else of a node fails: where this succeeds compile_node does, at a cost that grows with the fabric.
[[nodiscard]] Result<std::vector<Wire>> compile_wires(const Fabric& fabric, const FabricFacts& facts, std::string_view node);

}  // namespace radial
