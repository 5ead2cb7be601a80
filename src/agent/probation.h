// A configuration that a node took outside a change: it was away while the others
// tried it, or nobody tried it (`--no-revert`). It is kept when the controller answers
// under it; when not, the node goes back to the one before, and holds the newer one back
// for as long as the one before leads to the controller. When neither does, the
// fault lies elsewhere, and the newer one stays.
//
// Pure: answers and the time come in. Threading: plain object.
#pragma once

#include <chrono>
#include <optional>
#include <utility>

#include "agent/assignment.h"

namespace radial::agent {

using ProbationTime = std::chrono::steady_clock::time_point;

inline constexpr std::chrono::seconds probation_settles{3};    // what was asked before may have been answered by the old way
inline constexpr std::chrono::seconds probation_patience{30};  // without an answer

class Probation {
 public:
  // `newer` runs from now on. While another is unproven, what ran before that one counts as `before`.
  void begin(Assignment before, Assignment newer, ProbationTime now);
  // The controller answered what was asked at `asked`, by a way that will be there after a restart too.
  // True: the newer one is proven by it, and all is over.
  bool answered(ProbationTime asked);
  void end() { both_.reset(); }

  // About once a second. What is to run from now on, when that is another.
  std::optional<Assignment> tick(ProbationTime now);

  // What was asked at `asked` was answered under the one that runs now.
  [[nodiscard]] bool settled(ProbationTime asked) const { return both_ && asked >= both_->since + probation_settles; }
  [[nodiscard]] bool on_trial() const { return both_ && !both_->back; }
  // Null: the newer one is not held back, or there is none.
  [[nodiscard]] const Assignment* held_back() const { return both_ && both_->back && both_->answered_back ? &both_->newer : nullptr; }
  // Not to be taken again.
  [[nodiscard]] bool refuses(const NodeConfig& config) const { return both_ && both_->back && both_->newer.config == config; }
  // Of both: null while on no trial.
  [[nodiscard]] const Assignment* before() const { return both_ ? &both_->before : nullptr; }

 private:
  struct Both {
    Assignment before;
    Assignment newer;
    ProbationTime since;                 // what runs now
    ProbationTime ticked;
    std::chrono::nanoseconds silent{0};  // for how long, as ticks came
    bool back = false;                   // `before` runs
    bool answered_back = false;
  };
  std::optional<Both> both_;
};

}  // namespace radial::agent
