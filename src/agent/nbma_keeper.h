// Keeps OSPF whole on an NBMA wire, the mode of a hub whose FRR has no other
// (8.4): what goes wrong there and why this cures it stands in
// host/frr_nbma_repair.h, which decides. Threading: as Reconciler.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "compile/node_config.h"
#include "host/frr.h"
#include "host/frr_nbma_repair.h"

namespace radial::agent {

class NbmaKeeper {
 public:
  explicit NbmaKeeper(host::Frr& frr) : frr_(frr) {}  // borrowed

  // To be called about once a second. Returns what it did, or nothing.
  std::optional<std::string> step(std::chrono::steady_clock::time_point now, const NodeConfig& config);

 private:
  void tune();
  std::optional<std::string> mend(std::chrono::steady_clock::time_point now, const Wire& wire);
  [[nodiscard]] static std::optional<IpAddress> hub_address(const Wire& wire);

  host::Frr& frr_;
  std::optional<std::int64_t> tuned_;  // the ospfd process that removes withdrawn LSAs at once
  std::map<std::string, host::NbmaRepair> repairs_;  // by interface
};

}  // namespace radial::agent
