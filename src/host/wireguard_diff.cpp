#include <algorithm>
#include <iterator>
#include <set>
#include <unordered_map>
#include <unordered_set>

#include <fmt/ranges.h>
#include <sodium.h>

#include "host/wireguard.h"

namespace radial::host {
namespace {

const PresharedKey no_preshared_key;

// Nothing: leave it. A zero key clears.
const PresharedKey* preshared_key_to_set(const PresharedKey* desired, const ObservedPeer* observed) {
  const bool wanted = desired != nullptr && !desired->is_zero();
  const bool held = observed != nullptr && observed->has_preshared_key;
  if (!wanted) return held ? &no_preshared_key : nullptr;
  if (!held) return desired;
  const bool other = observed->preshared_digest && *observed->preshared_digest != digest_of(*desired);
  return other ? desired : nullptr;
}

std::optional<Endpoint> endpoint_to_set(const DesiredPeer& desired, const ObservedPeer* observed,
                                        const Endpoints& previous) {
  if (!desired.endpoint) return std::nullopt;
  if (observed == nullptr || !observed->endpoint) return desired.endpoint;
  if (*desired.endpoint == *observed->endpoint) return std::nullopt;
  const auto before = previous.find(desired.public_key);
  const bool changed = before != previous.end() && before->second != *desired.endpoint;
  return changed ? desired.endpoint : std::nullopt;
}

std::vector<Prefix> sorted(std::vector<Prefix> prefixes) {
  std::sort(prefixes.begin(), prefixes.end());
  prefixes.erase(std::unique(prefixes.begin(), prefixes.end()), prefixes.end());
  return prefixes;
}

std::vector<Prefix> difference(const std::vector<Prefix>& from, const std::vector<Prefix>& without) {
  std::vector<Prefix> result;
  std::set_difference(from.begin(), from.end(), without.begin(), without.end(), std::back_inserter(result));
  return result;
}

bool changes_nothing(const PeerChange& peer) {
  return !peer.add && !peer.remove && peer.preshared_key == nullptr && !peer.endpoint && !peer.keepalive &&
         peer.add_allowed_ips.empty() && peer.remove_allowed_ips.empty() && !peer.replace_allowed_ips;
}

void describe_peer(const PeerChange& peer, std::vector<std::string>& lines) {
  const auto line = [&](std::string_view text) { lines.push_back(fmt::format("peer {} {}", peer.public_key, text)); };
  if (peer.remove) return line("remove");
  if (peer.add) line("add");
  if (peer.preshared_key != nullptr)
    line(peer.preshared_key->is_zero() ? "preshared-key (none)" : "preshared-key (hidden)");
  if (peer.endpoint) line(fmt::format("endpoint {}", *peer.endpoint));
  if (peer.keepalive)
    line(*peer.keepalive == 0 ? std::string("persistent-keepalive off")
                              : fmt::format("persistent-keepalive {}", *peer.keepalive));
  if (peer.replace_allowed_ips) {
    line(peer.replace_allowed_ips->empty() ? std::string("allowed-ips (none)")
                                           : fmt::format("allowed-ips {}", fmt::join(*peer.replace_allowed_ips, ",")));
  }
  for (const auto& prefix : peer.add_allowed_ips) line(fmt::format("allowed-ips +{}", prefix));
  for (const auto& prefix : peer.remove_allowed_ips) line(fmt::format("allowed-ips -{}", prefix));
}

}  // namespace

KeyDigest digest_of(const PresharedKey& key) {
  static const Secret process_key = Secret::random();
  KeyDigest digest{};
  crypto_generichash(digest.data(), digest.size(), key.bytes().data(), key.bytes().size(), process_key.bytes().data(),
                     process_key.bytes().size());
  return digest;
}

std::vector<std::string> WireChange::describe() const {
  std::vector<std::string> lines;
  if (private_key != nullptr) lines.emplace_back("private-key (hidden)");
  if (listen_port) lines.push_back(fmt::format("listen-port {}", *listen_port));
  if (fwmark) lines.push_back(*fwmark == 0 ? std::string("fwmark off") : fmt::format("fwmark {:#x}", *fwmark));
  if (multicast) lines.push_back(fmt::format("multicast {}", *multicast ? "to every peer" : "off"));
  for (const auto& peer : peers) describe_peer(peer, lines);
  return lines;
}

WireChange diff_wire(const DesiredWire& desired, const ObservedWire& observed, const Endpoints& previous_endpoints) {
  WireChange change;
  change.interface = desired.interface;
  if (desired.private_key != nullptr && observed.public_key != desired.private_key->public_key())
    change.private_key = desired.private_key;
  if (desired.listen_port != 0 && desired.listen_port != observed.listen_port) change.listen_port = desired.listen_port;
  if (desired.fwmark != observed.fwmark) change.fwmark = desired.fwmark;
  if (observed.multicast && *observed.multicast != desired.multicast) change.multicast = desired.multicast;

  std::unordered_map<PublicKey, const ObservedPeer*> held;
  for (const auto& peer : observed.peers) held.emplace(peer.public_key, &peer);

  std::unordered_set<PublicKey> kept;
  std::unordered_set<Prefix> moved;  // added somewhere: WireGuard takes it from whoever has it
  for (const auto& peer : desired.peers) {
    if (!kept.insert(peer.public_key).second) continue;
    const auto found = held.find(peer.public_key);
    const auto* before = found == held.end() ? nullptr : found->second;
    PeerChange part;
    part.public_key = peer.public_key;
    part.add = before == nullptr;
    part.preshared_key = preshared_key_to_set(peer.preshared_key, before);
    part.endpoint = endpoint_to_set(peer, before, previous_endpoints);
    if (peer.keepalive != (before == nullptr ? 0 : before->keepalive)) part.keepalive = peer.keepalive;
    const auto wanted = sorted(peer.allowed_ips);
    const auto present = before == nullptr ? std::vector<Prefix>{} : sorted(before->allowed_ips);
    part.add_allowed_ips = difference(wanted, present);
    part.remove_allowed_ips = difference(present, wanted);
    moved.insert(part.add_allowed_ips.begin(), part.add_allowed_ips.end());
    change.peers.push_back(std::move(part));
  }
  for (auto& part : change.peers)
    std::erase_if(part.remove_allowed_ips, [&](const Prefix& prefix) { return moved.contains(prefix); });
  std::erase_if(change.peers, changes_nothing);
  for (const auto& peer : observed.peers) {
    if (kept.contains(peer.public_key)) continue;
    PeerChange part;
    part.public_key = peer.public_key;
    part.remove = true;
    change.peers.push_back(std::move(part));
  }
  return change;
}

}  // namespace radial::host
