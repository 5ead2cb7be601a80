// Where a node keeps things. All folders can be moved, for labs and tests.
#pragma once

#include <filesystem>

namespace radial::agent {

struct Paths {
  std::filesystem::path config = "/etc/radial";      // fabric.yaml, facts.json, node, private.key, secrets.json
  std::filesystem::path state = "/var/lib/radial";   // what we made, last good configuration
  std::filesystem::path run = "/run/radial";         // radiald.sock

  [[nodiscard]] std::filesystem::path fabric() const { return config / "fabric.yaml"; }
  [[nodiscard]] std::filesystem::path facts() const { return config / "facts.json"; }
  [[nodiscard]] std::filesystem::path node() const { return config / "node"; }
  [[nodiscard]] std::filesystem::path private_key() const { return config / "private.key"; }
  [[nodiscard]] std::filesystem::path next_private_key() const { return config / "private.key.next"; }
  [[nodiscard]] std::filesystem::path secrets() const { return config / "secrets.json"; }
  [[nodiscard]] std::filesystem::path controller_address() const { return config / "controller.json"; }
  [[nodiscard]] std::filesystem::path controller_store() const { return state / "controller.db"; }
  [[nodiscard]] std::filesystem::path assignment() const { return state / "assigned.json"; }
  [[nodiscard]] std::filesystem::path assignment_before() const { return state / "assigned.before.json"; }
  [[nodiscard]] std::filesystem::path probation() const { return state / "probation.json"; }
  [[nodiscard]] std::filesystem::path staged() const { return state / "staged.json"; }
  [[nodiscard]] std::filesystem::path trial_mark() const { return state / "trial.json"; }
  [[nodiscard]] std::filesystem::path pending_join() const { return state / "join.json"; }
  [[nodiscard]] std::filesystem::path owned() const { return state / "owned.json"; }
  [[nodiscard]] std::filesystem::path last_good() const { return state / "node-config.json"; }
  [[nodiscard]] std::filesystem::path last_good_before() const { return state / "node-config.before.json"; }
  [[nodiscard]] std::filesystem::path cut_offs() const { return state / "cut-off.json"; }
  [[nodiscard]] std::filesystem::path peer_places() const { return state / "peer-places.json"; }
  [[nodiscard]] std::filesystem::path down_marker() const { return state / "down"; }
  [[nodiscard]] std::filesystem::path socket() const { return run / "radiald.sock"; }
};

}  // namespace radial::agent
