#include "cli/lab_status.h"

#include <algorithm>
#include <thread>

#include "agent/paths.h"
#include "cli/api_client.h"

namespace radial::cli {
namespace {

Result<observe::Snapshot> node_snapshot(const lab::Lab& lab, const std::string& node) {
  RADIAL_ASSIGN(const auto socket, lab.path_in(node, agent::Paths{}.socket().string()));
  RADIAL_ASSIGN(const auto body, api_body(socket, "GET", "/v1/status"));
  return observe::snapshot_from_json(body);
}

}  // namespace

std::vector<NodeStatus> lab_status(const lab::Lab& lab) {
  std::vector<NodeStatus> nodes;
  for (const auto& node : lab.plan().nodes) nodes.push_back({node.name, node_snapshot(lab, node.name)});
  return nodes;
}

bool all_healthy(const std::vector<NodeStatus>& nodes) {
  return std::all_of(nodes.begin(), nodes.end(),
                     [](const auto& node) { return node.snapshot && node.snapshot->healthy(); });
}

Convergence wait_converged(const lab::Lab& lab, std::chrono::seconds deadline,
                           const std::function<void(const std::string&)>& tell) {
  const auto end = std::chrono::steady_clock::now() + deadline;
  Convergence state;
  std::string told;
  for (;;) {
    state.nodes = lab_status(lab);
    state.healthy = all_healthy(state.nodes);
    std::size_t full = 0, expected = 0;
    for (const auto& node : state.nodes) {
      if (!node.snapshot) continue;
      for (const auto& adjacency : node.snapshot->adjacencies) {
        ++expected;
        full += adjacency.serves() ? 1 : 0;
      }
    }
    if (const auto text = fmt::format("{} of {} adjacencies up", full, expected); text != told) tell(told = text);
    if (state.healthy) {
      const auto pings = lab.ping_matrix();
      state.pings = pings && pings->ok();
    }
    if ((state.healthy && state.pings) || std::chrono::steady_clock::now() > end) return state;
    std::this_thread::sleep_for(std::chrono::milliseconds(200));
  }
}

}  // namespace radial::cli
