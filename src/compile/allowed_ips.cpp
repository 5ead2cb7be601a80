#include "compile/allowed_ips.h"

#include <algorithm>
#include <unordered_map>

namespace radial {
namespace {

std::vector<Prefix> granted(const Grant& grant) {
  auto prefixes = grant.prefixes;
  if (grant.any) {
    const auto all = everything();
    prefixes.insert(prefixes.end(), all.begin(), all.end());
  }
  return prefixes;
}

// Which peer has each prefix.
class Owners {
 public:
  bool take(const Prefix& prefix, std::size_t peer) { return owner_.emplace(prefix, peer).second; }

  // WireGuard's lookup, for all of a prefix: the longest that holds it.
  [[nodiscard]] std::optional<std::size_t> lookup(const Prefix& prefix) const {
    for (int length = prefix.length(); length >= 0; --length)
      if (const auto found = owner_.find(Prefix::of(prefix.address(), length)); found != owner_.end())
        return found->second;
    return std::nullopt;
  }

 private:
  std::unordered_map<Prefix, std::size_t> owner_;
};

}  // namespace

void assign_allowed_ips(std::vector<WirePeer>& peers) {
  Owners owners;
  const auto give = [&](const Prefix& prefix, std::size_t i) {
    if (owners.take(prefix, i)) peers[i].allowed_ips.push_back(prefix);
  };
  // Peers that can speak come first: one without a key must not hold a
  // contested prefix that another could serve.
  std::vector<std::size_t> order;
  for (const bool with_key : {true, false})
    for (std::size_t i = 0; i < peers.size(); ++i)
      if (peers[i].public_key.has_value() == with_key) order.push_back(i);

  for (const auto i : order) {
    peers[i].allowed_ips.clear();
    for (const auto& address : peers[i].addresses) give(Prefix::host(address), i);
  }
  for (const auto i : order)
    for (const auto& prefix : granted(peers[i].grant)) give(prefix, i);
  for (const auto i : order)
    for (const auto& lan : peers[i].lans)
      if (owners.lookup(lan) != i) give(lan, i);
  for (auto& peer : peers) std::sort(peer.allowed_ips.begin(), peer.allowed_ips.end());
}

std::vector<Prefix> everything() { return {Prefix::any(Family::v4), Prefix::any(Family::v6)}; }

}  // namespace radial
