#include "agent/nbma_keeper.h"

#include <algorithm>

#include "base/log.h"

namespace radial::agent {

std::optional<std::string> NbmaKeeper::step(std::chrono::steady_clock::time_point now, const NodeConfig& config) {
  std::optional<std::string> done;
  for (const auto& wire : config.wires) {
    if (wire.ospf != OspfMode::nbma_hub && wire.ospf != OspfMode::nbma_site) continue;
    tune();
    if (wire.ospf == OspfMode::nbma_hub) done = mend(now, wire);
  }
  return done;
}

// FRR does not show this setting, so it is told to every new ospfd.
void NbmaKeeper::tune() {
  const auto incarnation = frr_.incarnation("ospfd");
  if (!incarnation || incarnation == tuned_) return;
  if (auto told = frr_.hasten_lsa_removal(); told) tuned_ = incarnation;
  else spdlog::debug("ospfd does not take its LSA removal delay yet: {}", told.error().message);
}

std::optional<std::string> NbmaKeeper::mend(std::chrono::steady_clock::time_point now, const Wire& wire) {
  const auto neighbors = frr_.ospf_neighbors();
  const auto own = std::find_if(wire.addresses.begin(), wire.addresses.end(),
                                [](const auto& address) { return address.address.is_v4(); });
  if (!neighbors || own == wire.addresses.end()) return std::nullopt;
  const auto originates = frr_.originates_network_lsa(own->address);
  if (!originates) return std::nullopt;
  host::NbmaObservation seen;
  seen.originates_network_lsa = *originates;
  const host::OspfNeighbor* full = nullptr;
  for (const auto& neighbor : *neighbors) {
    if (neighbor.interface != wire.interface) continue;
    if (neighbor.state == "Full") full = &neighbor;
    ++(neighbor.state == "Full" ? seen.full : seen.not_full);
  }
  const auto action = repair_.step(now, seen);
  if (action == host::NbmaAction::none || full == nullptr) return std::nullopt;
  const bool gentle = action == host::NbmaAction::clear_neighbor;
  const auto status = gentle ? frr_.clear_ospf_neighbor(full->router_id) : frr_.clear_ospf_process();
  if (!status) return status.error().message;
  return fmt::format("{}: ospfd lost its network-LSA after a restart; {}", wire.interface,
                     gentle ? fmt::format("cleared the neighbour {}", full->address) : "cleared its process");
}

}  // namespace radial::agent
