#include "agent/dialler.h"

#include <algorithm>

namespace radial::agent {
namespace {

using namespace std::chrono_literals;

// Each address gets time for a handshake and its repetition (WireGuard paper,
// 6.1: REKEY_TIMEOUT is 5 s).
constexpr auto turn = 6s;
// Fewer than a change is on trial for: an endpoint that is wrong shows by the hub's answers from another.
constexpr int settling_sights = 3;

bool contains(const std::vector<Endpoint>& candidates, const Endpoint& one) {
  return std::find(candidates.begin(), candidates.end(), one) != candidates.end();
}

}  // namespace

std::optional<Endpoint> Dialler::pick(const Line& line, const std::vector<Endpoint>& candidates, const std::optional<Endpoint>& before) {
  if (line.choice && contains(candidates, *line.choice)) return line.choice;
  if (!line.choice && before && contains(candidates, *before)) return before;
  return candidates.empty() ? std::nullopt : std::optional(candidates.front());
}

std::optional<Endpoint> Dialler::choose(const PublicKey& peer, const std::vector<Endpoint>& candidates,
                                        const std::optional<Endpoint>& before) {
  auto& line = lines_[peer];
  line.candidates = candidates;
  const auto picked = pick(line, candidates, before);
  if (!picked || picked == line.choice) return picked;
  line.settling = line.choice ? settling_sights : 0;
  line.choice = picked;
  line.answered = false;
  return picked;
}

std::optional<Endpoint> Dialler::would_choose(const PublicKey& peer, const std::vector<Endpoint>& candidates,
                                              const std::optional<Endpoint>& before) const {
  const auto line = lines_.find(peer);
  return pick(line == lines_.end() ? Line{} : line->second, candidates, before);
}

Dialler::Advice Dialler::seen(const PublicKey& peer, const Sight& sight, std::chrono::seconds patience, DialTime now) {
  auto& line = lines_[peer];
  auto advice = silence(line, sight, patience, now);
  if (line.settling > 0) {
    --line.settling;
    advice.insist = sight.at && !contains(line.candidates, *sight.at);
  }
  return advice;
}

Dialler::Advice Dialler::silence(Line& line, const Sight& sight, std::chrono::seconds patience, DialTime now) {
  const auto received = sight.received, sent = sight.sent;
  const bool first = !line.heard;
  if (first || received != line.received || sent == line.sent) {  // heard, or not spoken to
    line.answered = line.answered || (!first && received > line.received);
    line.received = received;  // less than before: the wire was made anew
    line.sent = sent;
    line.heard = now;
    line.looked_up = false;
    return {};
  }
  if (now - *line.heard < (line.answered ? DialTime::duration(patience) : DialTime::duration(turn))) return {};
  if (!line.looked_up) {  // the answer takes a moment; when it is another, choose() follows it
    line.looked_up = true;
    return {.look_up = true};
  }
  line.looked_up = false;
  line.heard = now;
  line.answered = false;
  if (line.candidates.empty()) return {};
  const auto before = line.choice;
  const auto at = std::find(line.candidates.begin(), line.candidates.end(), line.choice);
  line.choice = at == line.candidates.end() || at + 1 == line.candidates.end() ? line.candidates.front() : *(at + 1);
  return {.redial = line.choice != before};
}

}  // namespace radial::agent
