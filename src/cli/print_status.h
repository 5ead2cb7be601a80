// How a snapshot reads on a terminal of 80 columns.
#pragma once

#include <string>
#include <vector>

#include "observe/snapshot.h"

namespace radial::cli {

// One node, whole: wires, adjacencies, learned prefixes, findings, verdict.
[[nodiscard]] std::string status_text(const observe::Snapshot& snapshot);

// Findings with cause and fix; empty when there are none.
[[nodiscard]] std::string findings_text(const std::vector<observe::Finding>& findings, const std::string& node = {});

struct NodeStatus {
  std::string node;
  Result<observe::Snapshot> snapshot;
};

// Many nodes: a line each, then (when `detailed`) wires, adjacencies and
// routes of all; then what is wrong.
[[nodiscard]] std::string fabric_status_text(const std::string& fabric, const std::vector<NodeStatus>& nodes, bool detailed);

}  // namespace radial::cli
