#include "steer/peer_book.h"

#include <algorithm>
#include <tuple>

#include "fabric/prefix_index.h"

namespace radial::steering {
namespace {

template <class Key>
PeerIndex look_up(const std::unordered_map<Key, PeerIndex>& map, const Key& key) {
  const auto found = map.find(key);
  return found == map.end() ? nobody : found->second;
}

bool holds(const std::vector<Prefix>& apart, const Prefix& prefix) {
  const auto after = std::upper_bound(apart.begin(), apart.end(), prefix);
  return after != apart.begin() && std::prev(after)->contains(prefix);
}

}  // namespace

PeerBook::PeerBook(std::vector<SteerPeer> peers) : peers_(std::move(peers)) {
  std::sort(peers_.begin(), peers_.end(),
            [](const auto& a, const auto& b) { return std::tie(a.node, a.key) < std::tie(b.node, b.key); });
  for (PeerIndex i = 0; i < size();) {
    if (!by_key_.emplace(peers_[i].key, i).second) {
      peers_.erase(peers_.begin() + i);
      continue;
    }
    keep_widest(peers_[i].grant.prefixes);
    for (const auto& address : peers_[i].addresses) by_address_.emplace(address, i);
    ++i;
  }
}

PeerIndex PeerBook::with_key(const PublicKey& key) const { return look_up(by_key_, key); }
PeerIndex PeerBook::with_address(const IpAddress& address) const { return look_up(by_address_, address); }

PeerIndex PeerBook::named(std::string_view node) const {
  const auto found = std::lower_bound(peers_.begin(), peers_.end(), node,
                                      [](const auto& peer, std::string_view wanted) { return peer.node < wanted; });
  return found != peers_.end() && found->node == node ? static_cast<PeerIndex>(found - peers_.begin()) : nobody;
}

bool PeerBook::granted(PeerIndex peer, const Prefix& prefix, bool with_any) const {
  const auto& grant = peers_[peer].grant;
  return (with_any && grant.any) || holds(grant.prefixes, prefix) ||
         (prefix.is_host() && with_address(prefix.address()) == peer);
}

bool PeerBook::may_announce(PeerIndex peer, const Prefix& prefix) const {
  return granted(peer, prefix, !prefix.is_default());
}

}  // namespace radial::steering
