// Which of a peer's endpoints to dial. A hub may have several, each a name that
// stands for several addresses of both families and may stand for others
// tomorrow; WireGuard itself keeps the one it was given for ever. So a wire that
// has fallen silent is noticed here: the names are asked for again, and the
// next address is tried in turn until one answers. The session stays: a hub that
// moved knows it still, and a new one is WireGuard's own business.
//
// Nor does WireGuard keep what it was given while a session lives: one packet that the hub sent
// to our old path, before it had one of ours by the new, and the peer is back where it was. So a choice
// that changed is made again for some seconds; after that, where the hub answers from is where it is.
//
// Pure: addresses, counters and the time come in. Threading: plain object.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "base/ip.h"
#include "base/key.h"

namespace radial::agent {

using DialTime = std::chrono::steady_clock::time_point;

class Dialler {
 public:
  struct Advice {
    bool look_up = false;  // the names again: what they say may be old
    bool redial = false;   // the choice is another one
    bool insist = false;   // the choice is new, and the peer went back to what it was: set it again
  };
  struct Sight {  // of a peer, by WireGuard
    std::uint64_t received = 0;
    std::uint64_t sent = 0;
    std::optional<Endpoint> at = {};
  };

  // What to dial of `candidates` (all addresses, first preferred): the present
  // choice while it is among them, else the first; at the very start the one that answered `before`. Nothing
  // when there are none.
  [[nodiscard]] std::optional<Endpoint> choose(const PublicKey& peer, const std::vector<Endpoint>& candidates,
                                               const std::optional<Endpoint>& before = {});
  // The same, and nothing is chosen by it: for a plan.
  [[nodiscard]] std::optional<Endpoint> would_choose(const PublicKey& peer, const std::vector<Endpoint>& candidates,
                                                     const std::optional<Endpoint>& before = {}) const;

  // About once a second for each peer that is dialled. `patience`: how long it may be silent while we send to it.
  Advice seen(const PublicKey& peer, const Sight& sight, std::chrono::seconds patience, DialTime now);

 private:
  struct Line {
    std::vector<Endpoint> candidates;
    std::optional<Endpoint> choice;
    int settling = 0;                // sights for which the choice, another than before, is insisted on
    bool answered = false;           // since the choice was made
    std::uint64_t received = 0;
    std::uint64_t sent = 0;          // when it was heard last
    std::optional<DialTime> heard;   // or the choice was made
    bool looked_up = false;          // in this silence
  };
  static std::optional<Endpoint> pick(const Line& line, const std::vector<Endpoint>& candidates, const std::optional<Endpoint>& before);
  static Advice silence(Line& line, const Sight& sight, std::chrono::seconds patience, DialTime now);
  std::map<PublicKey, Line> lines_;
};

}  // namespace radial::agent
