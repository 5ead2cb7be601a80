// The state of a lab's nodes, asked of each node's own radiald.
#pragma once

#include <chrono>
#include <vector>

#include "cli/print_status.h"
#include "lab/lab.h"

namespace radial::cli {

// In the order of the lab's plan.
[[nodiscard]] std::vector<NodeStatus> lab_status(const lab::Lab& lab);

[[nodiscard]] bool all_healthy(const std::vector<NodeStatus>& nodes);

// Asks again and again until every node is healthy and every LAN host reaches
// every other, or the deadline passes. Returns the last answers. `tell` is
// called with a short sentence when there is progress.
struct Convergence {
  std::vector<NodeStatus> nodes;
  bool healthy = false;
  bool pings = false;
};
[[nodiscard]] Convergence wait_converged(const lab::Lab& lab, std::chrono::seconds deadline,
                                         const std::function<void(const std::string&)>& tell);

}  // namespace radial::cli
