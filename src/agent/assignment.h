// What a site got from its controller: its configuration, kept so that it
// starts, steers and fails over without the controller for as long as need be.
//
// Two files: the newest and the one before. Each is written atomically and
// carries a checksum; a torn or altered one is passed over for the other.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>

#include "agent/paths.h"
#include "base/ip.h"
#include "base/result.h"
#include "compile/node_config.h"

namespace radial::agent {

struct Assignment {
  std::int64_t revision = 0;
  NodeConfig config;
  std::string digest;  // by which the controller knows `config`: a newer one's says more than this version reads
};

// not_found: this node has none. The warning says why the newest was passed over.
[[nodiscard]] Result<Assignment> load_assignment(const Paths& paths, std::string& warning);
[[nodiscard]] Status save_assignment(const Paths& paths, const Assignment& assignment);

// One that has yet to prove itself (probation.h): what was proven last stays the one before, and
// is what load_on_probation() gives until the mark is removed.
[[nodiscard]] Status save_on_probation(const Paths& paths, const Assignment& assignment);
[[nodiscard]] std::optional<Assignment> load_on_probation(const Paths& paths);
void end_probation(const Paths& paths);

// The same for the configuration that was last applied without a problem, on a
// node that compiles its own; used when its files are unusable.
[[nodiscard]] Result<NodeConfig> load_last_good(const Paths& paths, std::string& warning);
[[nodiscard]] Status save_last_good(const Paths& paths, const NodeConfig& config);

// What is to be tried, as it will be kept: shows early whether the disk takes it.
[[nodiscard]] Status save_staged(const Paths& paths, const Assignment& assignment);

// Where the controller is, inside the tunnel (/etc/radial/controller.json, and a copy of it).
struct ControllerAddress {
  std::string hub;
  IpAddress address;
  std::uint16_t port = 0;
};
// Nothing: this node has no controller elsewhere.
[[nodiscard]] Result<std::optional<ControllerAddress>> load_controller_address(const Paths& paths);
[[nodiscard]] Status save_controller_address(const Paths& paths, const ControllerAddress& address);

}  // namespace radial::agent
