// A wire's AllowedIPs as WireGuard keeps them, done naively, and short ways to
// write keys, peers and routes in tests.
#pragma once

#include <map>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "steer/steering.h"

namespace radial::test {

inline PublicKey key(std::uint8_t number) {
  std::array<std::uint8_t, key_size> bytes{};
  bytes.fill(number);
  return PublicKey(bytes);
}
inline const PublicKey parking_key = key(255);

inline Prefix prefix(std::string_view text) { return Prefix::parse(text).value(); }
inline IpAddress address(std::string_view text) { return IpAddress::parse(text).value(); }

inline std::vector<Prefix> prefixes(std::initializer_list<std::string_view> texts) {
  std::vector<Prefix> all;
  for (const auto text : texts) all.push_back(prefix(text));
  return all;
}

inline FibRoute route_to(std::string_view to, std::initializer_list<std::string_view> gateways) {
  FibRoute route{prefix(to), {}};
  for (const auto gateway : gateways) route.gateways.push_back(address(gateway));
  return route;
}

class WireModel {
 public:
  // One step of a delta; throws when `from` is not whom the prefix has.
  void step(const Placement& placement) {
    const auto held = table_.find(placement.prefix);
    const std::optional<PublicKey> holder =
        held == table_.end() ? std::nullopt : std::optional<PublicKey>(held->second);
    if (holder != placement.from) throw std::logic_error("from: " + placement.prefix.to_string());
    if (placement.from == placement.to) throw std::logic_error("no change: " + placement.prefix.to_string());
    if (placement.to) table_[placement.prefix] = *placement.to;
    else table_.erase(placement.prefix);
  }
  void apply(const SteerDelta& delta) {
    for (const auto& placement : delta) step(placement);
  }

  // Takes a peer off the wire, and its prefixes with it.
  void remove_peer(const PublicKey& peer) {
    std::erase_if(table_, [&](const auto& entry) { return entry.second == peer; });
  }

  // Cryptokey routing; nothing for the parking peer, which nobody is.
  [[nodiscard]] std::optional<PublicKey> lookup(const IpAddress& destination) const {
    const std::pair<const Prefix, PublicKey>* best = nullptr;
    for (const auto& entry : table_)
      if (entry.first.contains(destination) && (best == nullptr || entry.first.length() > best->first.length()))
        best = &entry;
    if (best == nullptr || best->second == parking_key) return std::nullopt;
    return best->second;
  }

  [[nodiscard]] std::vector<PlacedPrefix> table() const {
    std::vector<PlacedPrefix> all;
    for (const auto& [at, peer] : table_) all.push_back({at, peer});
    return all;
  }

 private:
  std::map<Prefix, PublicKey> table_;
};

}  // namespace radial::test
