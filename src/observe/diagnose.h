// Pure rules: from a snapshot and the node's configuration to findings, each
// with its likely cause and a fix. No I/O, no clock.
#pragma once

#include "compile/node_config.h"
#include "observe/snapshot.h"

namespace radial::observe {

// Fills snapshot.findings (most fundamental first: a missing wire explains an
// absent adjacency, so the latter is not reported as well) and its verdict.
void diagnose(const NodeConfig& config, Snapshot& snapshot, std::vector<Finding> found = {});

}  // namespace radial::observe
