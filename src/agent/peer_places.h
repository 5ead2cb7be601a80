// Where the peers of this node's wires were last seen, kept over a restart and a reboot. A hub whose machine
// comes back so speaks to its sites first, which would else send into nothing until
// WireGuard's own timers notice (15 s: WireGuard paper, 6.5); and a node whose hub has several endpoints begins
// with the one that answered last. A hint and no more: WireGuard believes no place before a packet from there has
// proven the peer's key, so a file that is lost or damaged costs those seconds and nothing else.
// Threading: plain object.
#pragma once

#include <chrono>
#include <filesystem>
#include <map>
#include <optional>
#include <set>

#include "base/ip.h"
#include "base/key.h"
#include "base/result.h"

namespace radial::agent {

class PeerPlaces {
 public:
  using Time = std::chrono::steady_clock::time_point;

  // What the file holds; nothing (and a line in the log) when it is damaged.
  explicit PeerPlaces(std::filesystem::path file);

  void remember(const PublicKey& peer, const Endpoint& place);  // numeric
  [[nodiscard]] std::optional<Endpoint> of(const PublicKey& peer) const;
  // Forgets all others.
  void keep_only(const std::set<PublicKey>& peers);

  // Writes what changed.
  [[nodiscard]] Status save();
  // Something changed, and this was not answered yes for a minute: sites roam, and a place that is a minute old mostly holds.
  [[nodiscard]] bool due(Time now);

 private:
  std::filesystem::path file_;
  std::map<PublicKey, Endpoint> places_;
  bool changed_ = false;
  std::optional<Time> was_due_;
};

}  // namespace radial::agent
