#include "agent/nbma_keeper.h"

#include "base/log.h"

namespace radial::agent {

std::optional<std::string> NbmaKeeper::step(std::chrono::steady_clock::time_point now, const NodeConfig& config) {
  std::optional<std::string> done;
  for (const auto& wire : config.wires) {
    if (wire.ospf != OspfMode::nbma_hub && wire.ospf != OspfMode::nbma_site) continue;
    tune();
    if (auto mended = mend(now, wire)) done = std::move(mended);
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

std::optional<IpAddress> NbmaKeeper::hub_address(const Wire& wire) {
  if (wire.ospf == OspfMode::nbma_hub) {
    for (const auto& own : wire.addresses)
      if (own.address.is_v4()) return own.address;
    return std::nullopt;
  }
  for (const auto& peer : wire.peers)
    if (const auto address = ipv4_of(peer)) return address;
  return std::nullopt;
}

std::optional<std::string> NbmaKeeper::mend(std::chrono::steady_clock::time_point now, const Wire& wire) {
  const auto hub = hub_address(wire);
  if (!hub) return std::nullopt;
  const auto neighbors = frr_.ospf_neighbors();
  const auto known = frr_.has_network_lsa(*hub);
  if (!neighbors || !known) return std::nullopt;
  host::NbmaObservation seen;
  seen.network_lsa = *known;
  const host::OspfNeighbor* full = nullptr;
  for (const auto& neighbor : *neighbors) {
    if (neighbor.interface != wire.interface) continue;
    if (neighbor.state == "Full") full = &neighbor;
    ++(neighbor.state == "Full" ? seen.full : seen.not_full);
  }
  const bool site = wire.ospf == OspfMode::nbma_site;
  auto& repair = repairs_.try_emplace(wire.interface, site ? host::NbmaRepair::of_site() : host::NbmaRepair()).first->second;
  const auto action = repair.step(now, seen);
  if (action == host::NbmaAction::none || full == nullptr) return std::nullopt;
  const bool gentle = action == host::NbmaAction::clear_neighbor;
  const auto status = gentle ? frr_.clear_ospf_neighbor(full->router_id) : frr_.clear_ospf_process();
  if (!status) return status.error().message;
  return fmt::format("{}: {}; {}", wire.interface,
                     site ? "the hub's network-LSA never came" : "ospfd lost its network-LSA after a restart",
                     gentle ? fmt::format("cleared the neighbour {}", full->address) : "cleared its process");
}

}  // namespace radial::agent
