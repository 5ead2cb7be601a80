#include "agent/arrived_keys.h"

#include <utility>

namespace radial::agent {

std::set<PublicKey> awaited_keys(const NodeConfig& config) {
  std::set<PublicKey> keys;
  for (const auto& wire : config.wires)
    for (const auto& peer : wire.peers)
      if (peer.next_key) keys.insert(*peer.next_key);
  return keys;
}

NodeConfig with_arrived_keys(NodeConfig config, const std::set<PublicKey>& arrived) {
  for (auto& wire : config.wires)
    for (auto& peer : wire.peers)
      if (peer.next_key && peer.public_key && arrived.contains(*peer.next_key)) std::swap(*peer.public_key, *peer.next_key);
  return config;
}

}  // namespace radial::agent
