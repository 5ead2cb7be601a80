#include "agent/peer_endpoints.h"

#include <algorithm>
#include <set>

#include <spdlog/spdlog.h>

namespace radial::agent {
namespace {

const observe::PeerHealth* find_health(const observe::Snapshot& snapshot, const std::string& interface, const std::string& node) {
  for (const auto& wire : snapshot.wires) {
    if (wire.interface != interface) continue;
    for (const auto& peer : wire.peers)
      if (peer.node == node) return &peer;
  }
  return nullptr;
}

// How long a peer may be silent while we send to it: a router says hello.
std::chrono::seconds patience_with(const WirePeer& peer, const NodeConfig& config) {
  return std::chrono::seconds(peer.trust == Trust::routed ? std::max<int>(config.dead, 3) : 2 * peer.keepalive + 10);
}

}  // namespace

PeerEndpoints::PeerEndpoints(boost::asio::io_context& loop, std::filesystem::path places, std::function<void()> resolved)
    : resolver_(loop, std::move(resolved)), places_(std::move(places)) {}

// While a name has no address (a moment after the start; or its name server is down) it may be
// that of the place where the peer was last.
std::vector<Endpoint> PeerEndpoints::addresses(const PublicKey& peer, const std::vector<Endpoint>& endpoints) {
  auto known = resolver_.resolve(endpoints);
  const auto before = places_.of(peer);
  if (before && !resolver_.knows_all(endpoints) && std::find(known.begin(), known.end(), *before) == known.end())
    known.push_back(*before);
  return known;
}

std::optional<Endpoint> PeerEndpoints::choose(const PublicKey& peer, const std::vector<Endpoint>& endpoints) {
  if (endpoints.empty()) return places_.of(peer);
  return dialler_.choose(peer, addresses(peer, endpoints), places_.of(peer));
}

std::optional<Endpoint> PeerEndpoints::would_choose(const PublicKey& peer, const std::vector<Endpoint>& endpoints) {
  if (endpoints.empty()) return places_.of(peer);
  return dialler_.would_choose(peer, addresses(peer, endpoints), places_.of(peer));
}

PeerEndpoints::Watch PeerEndpoints::watch(const NodeConfig& config, host::WireGuard& wireguard, DialTime now) {
  Watch watch;
  for (const auto& wire : config.wires) {
    if (wire.shape != WireShape::point_to_point) continue;
    std::optional<host::ObservedWire> observed;
    for (const auto& peer : wire.peers) {
      if (!peer.public_key || peer.endpoints.empty()) continue;
      if (!observed) {
        auto seen = wireguard.observe(wire.interface);
        if (!seen) break;
        observed = std::move(*seen);
      }
      for (const auto& one : observed->peers) {
        if (one.public_key != *peer.public_key) continue;
        const auto advice = dialler_.seen(one.public_key, {one.rx_bytes, one.tx_bytes, one.endpoint}, patience_with(peer, config), now);
        if (advice.look_up) resolver_.refresh(peer.endpoints);
        watch.redial |= advice.redial;
        if (advice.insist) watch.insist.push_back({wire, peer, *one.endpoint});
      }
    }
  }
  return watch;
}

void PeerEndpoints::save_when_due(const NodeConfig& config, PeerPlaces::Time now) {
  if (!places_.due(now)) return;
  std::set<PublicKey> peers;
  for (const auto& wire : config.wires)
    for (const auto& peer : wire.peers)
      for (const auto& key : {peer.public_key, peer.next_key})
        if (key) peers.insert(*key);
  places_.keep_only(peers);
  save();
}

void PeerEndpoints::save() {
  if (const auto saved = places_.save(); !saved) spdlog::warn("{}", saved.error().message);
}

Complaints PeerEndpoints::complaints(const NodeConfig& config, const observe::Snapshot& snapshot) {
  Complaints complaints;
  for (const auto& wire : config.wires) {
    for (const auto& peer : wire.peers) {
      if (peer.endpoints.empty()) continue;
      const auto* health = find_health(snapshot, wire.interface, peer.node);
      if (health == nullptr || !health->endpoint) continue;
      const auto declared = resolver_.resolve(peer.endpoints);
      if (std::find(declared.begin(), declared.end(), *health->endpoint) == declared.end())
        complaints.emplace("endpoint of " + peer.node, fmt::format("{} answers from {}, which is none of its endpoints in the fabric",
                                                                   peer.node, *health->endpoint));
    }
  }
  return complaints;
}

std::vector<std::string> PeerEndpoints::problems() const {
  std::vector<std::string> problems;
  for (const auto& [name, failure] : resolver_.failures())
    problems.push_back(fmt::format("cannot resolve the endpoint name {}: {}", name, failure.why));
  return problems;
}

}  // namespace radial::agent
