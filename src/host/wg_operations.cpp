#include "host/wg_operations.h"

#include <algorithm>

namespace radial::host {
namespace {

bool removes_prefixes_of(const PeerChange& peer) {
  return !peer.remove && !peer.replace_allowed_ips && !peer.remove_allowed_ips.empty();
}

PeerOperation addition(const PeerChange& peer) {
  PeerOperation operation;
  operation.public_key = peer.public_key;
  operation.update_only = !peer.add;
  operation.replace_allowed_ips = peer.replace_allowed_ips.has_value();
  operation.preshared_key = peer.preshared_key;
  operation.endpoint = peer.endpoint;
  operation.keepalive = peer.keepalive;
  if (peer.replace_allowed_ips)
    for (const auto& prefix : *peer.replace_allowed_ips) operation.allowed_ips.push_back({prefix, false});
  for (const auto& prefix : peer.add_allowed_ips) operation.allowed_ips.push_back({prefix, false});
  return operation;
}

bool adds_something(const PeerChange& peer) {
  return peer.add || peer.preshared_key != nullptr || peer.endpoint || peer.keepalive || peer.replace_allowed_ips ||
         !peer.add_allowed_ips.empty();
}

PeerOperation removal_of(const PublicKey& peer) {
  PeerOperation operation;
  operation.public_key = peer;
  operation.update_only = true;
  operation.remove = true;
  return operation;
}

}  // namespace

bool removes_prefixes(const WireChange& change) {
  return std::any_of(change.peers.begin(), change.peers.end(), removes_prefixes_of);
}

std::vector<PeerOperation> operations_of(const WireChange& change, bool can_remove_one_prefix,
                                         const PublicKey& passing_peer) {
  std::vector<PeerOperation> operations;
  for (const auto& peer : change.peers)
    if (!peer.remove && adds_something(peer)) operations.push_back(addition(peer));

  PeerOperation passing;
  passing.public_key = passing_peer;
  for (const auto& peer : change.peers) {
    if (!removes_prefixes_of(peer)) continue;
    if (!can_remove_one_prefix) {
      for (const auto& prefix : peer.remove_allowed_ips) passing.allowed_ips.push_back({prefix, false});
      continue;
    }
    PeerOperation operation;
    operation.public_key = peer.public_key;
    operation.update_only = true;
    for (const auto& prefix : peer.remove_allowed_ips) operation.allowed_ips.push_back({prefix, true});
    operations.push_back(std::move(operation));
  }
  if (!passing.allowed_ips.empty()) {
    operations.push_back(std::move(passing));
    operations.push_back(removal_of(passing_peer));
  }

  for (const auto& peer : change.peers)
    if (peer.remove) operations.push_back(removal_of(peer.public_key));
  return operations;
}

}  // namespace radial::host
