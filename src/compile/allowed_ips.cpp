#include "compile/allowed_ips.h"

#include <algorithm>
#include <unordered_set>

namespace radial {
namespace {

// Peers that can speak come first: a peer without a key must not hold a
// contested prefix that another could serve.
std::vector<WirePeer*> by_precedence(std::vector<WirePeer>& peers) {
  std::vector<WirePeer*> order;
  order.reserve(peers.size());
  for (auto& peer : peers) order.push_back(&peer);
  std::stable_partition(order.begin(), order.end(), [](const auto* peer) { return peer->public_key.has_value(); });
  return order;
}

std::vector<Prefix> granted(const Grant& grant) {
  auto prefixes = grant.prefixes;
  if (grant.any) {
    const auto all = everything();
    prefixes.insert(prefixes.end(), all.begin(), all.end());
  }
  return prefixes;
}

}  // namespace

void assign_allowed_ips(std::vector<WirePeer>& peers) {
  std::unordered_set<Prefix> taken;
  for (auto& peer : peers) {
    peer.allowed_ips.clear();
    for (const auto& address : peer.addresses) {
      peer.allowed_ips.push_back(Prefix::host(address));
      taken.insert(Prefix::host(address));
    }
  }
  for (auto* peer : by_precedence(peers)) {
    for (const auto& prefix : granted(peer->grant))
      if (taken.insert(prefix).second) peer->allowed_ips.push_back(prefix);
    std::sort(peer->allowed_ips.begin(), peer->allowed_ips.end());
  }
}

std::vector<Prefix> everything() { return {Prefix::any(Family::v4), Prefix::any(Family::v6)}; }

}  // namespace radial
