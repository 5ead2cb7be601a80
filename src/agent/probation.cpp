#include "agent/probation.h"

#include <algorithm>

namespace radial::agent {
namespace {

// A machine that slept, or a change on trial meanwhile, was no silence of the controller.
constexpr std::chrono::seconds longest_tick{2};

}  // namespace

void Probation::begin(Assignment before, Assignment newer, ProbationTime now) {
  if (on_trial()) before = std::move(both_->before);
  both_ = Both{std::move(before), std::move(newer), now, now};
}

bool Probation::answered(ProbationTime asked) {
  if (!settled(asked)) return false;
  both_->silent = {};
  if (both_->back) {
    both_->answered_back = true;
    return false;
  }
  end();
  return true;
}

std::optional<Assignment> Probation::tick(ProbationTime now) {
  if (!both_) return std::nullopt;
  both_->silent += std::min<std::chrono::nanoseconds>(now - both_->ticked, longest_tick);
  both_->ticked = now;
  if (both_->silent < probation_patience) return std::nullopt;
  if (both_->back) {
    auto newer = std::move(both_->newer);
    end();
    return newer;
  }
  both_->back = true;
  both_->since = now;
  both_->silent = {};
  return both_->before;
}

}  // namespace radial::agent
