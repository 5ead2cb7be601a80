// The peers of one wire, by name, and what each may hold. Built once.
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "steer/values.h"

namespace radial::steering {

using PeerIndex = std::uint32_t;
inline constexpr PeerIndex nobody = std::numeric_limits<PeerIndex>::max();

class PeerBook {
 public:
  PeerBook() = default;
  // Of peers with the same key, and of the same address at two peers, the first
  // by name (then key) counts.
  explicit PeerBook(std::vector<SteerPeer> peers);

  [[nodiscard]] const std::vector<SteerPeer>& peers() const { return peers_; }
  [[nodiscard]] PeerIndex size() const { return static_cast<PeerIndex>(peers_.size()); }
  [[nodiscard]] const SteerPeer& operator[](PeerIndex peer) const { return peers_[peer]; }

  [[nodiscard]] PeerIndex with_key(const PublicKey& key) const;          // or nobody
  [[nodiscard]] PeerIndex with_address(const IpAddress& address) const;  // or nobody
  [[nodiscard]] PeerIndex named(std::string_view node) const;            // the first so named, or nobody

  // Whether the peer may have this destination: an address of its own or within
  // its grant. `any` counts only where `with_any` says so.
  [[nodiscard]] bool granted(PeerIndex peer, const Prefix& prefix, bool with_any) const;
  // Whether it may announce this route: `any` covers every one but a default.
  [[nodiscard]] bool may_announce(PeerIndex peer, const Prefix& prefix) const;

 private:
  std::vector<SteerPeer> peers_;  // by node, then key; their grants' prefixes sorted and apart
  std::unordered_map<PublicKey, PeerIndex> by_key_;
  std::unordered_map<IpAddress, PeerIndex> by_address_;
};

}  // namespace radial::steering
