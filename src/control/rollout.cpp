#include "control/rollout.h"

#include <algorithm>

#include <fmt/ranges.h>

namespace radial::control {
namespace {

// A node in contact reports every two seconds; and each is sent its configuration, some hundred kilobytes in a large fabric.
constexpr Millis staging_limit = 12'000;
constexpr Millis longer_for_a_node = 30;
constexpr Millis countdown = 2'500;       // every node reports at least once meanwhile

constexpr std::array phases = {std::pair{Phase::staging, "staging"},     std::pair{Phase::planned, "planned"},
                               std::pair{Phase::counting_down, "counting down"}, std::pair{Phase::trial, "trial"},
                               std::pair{Phase::waiting, "waiting"},     std::pair{Phase::confirmed, "confirmed"},
                               std::pair{Phase::reverted, "reverted"}};

}  // namespace

std::string_view to_string(Phase phase) {
  for (const auto& [value, name] : phases)
    if (value == phase) return name;
  return "?";
}

Rollout::Rollout(std::int64_t change, const RolloutOptions& options, std::vector<RolloutNode> nodes, Millis now)
    : change_(change), options_(options), began_(now) {
  for (auto& one : nodes) {
    const bool away = one.away;
    auto name = one.name;
    nodes_.emplace(std::move(name), Node{std::move(one), false, away, {}, {}});
  }
}

void Rollout::give_up(const std::string& why) {
  if (over()) return;
  phase_ = Phase::reverted;
  reason_ = why;
}

void Rollout::hear(const std::string& node, const NodeReport& report, Millis now) {
  const auto found = nodes_.find(node);
  if (found == nodes_.end() || over()) return;
  auto& one = found->second;
  one.heard = now;
  one.last = report;
  if (phase_ == Phase::staging) {
    one.away = false;  // it is back in time
    one.answered = report.staged == change_;
    if (report.failed == change_ && !options_.plan) return give_up(fmt::format("{} cannot take it: {}", node, report.why));
  } else if (!one.away && report.failed == change_) {
    give_up(fmt::format("{} went back: {}", node, report.why));
  }
}

void Rollout::finish_staging(Millis now) {
  const bool late = now - began_ >= staging_limit + longer_for_a_node * static_cast<Millis>(nodes_.size());
  for (auto& [name, one] : nodes_) {
    if (one.answered || one.away) continue;
    if (options_.plan && one.last.failed == change_) continue;
    if (!late) return;
    one.away = true;
  }
  if (options_.plan) {
    phase_ = Phase::planned;
    return;
  }
  std::vector<std::string> stranded;
  for (const auto& [name, one] : nodes_)
    if (one.away && one.who.stranded) stranded.push_back(name);
  if (!stranded.empty() && !options_.force)
    return give_up(fmt::format("{} cannot be reached now and could not find the hub afterwards; wait for it, or say --force",
                               fmt::join(stranded, ", ")));
  activation_ = now + countdown;
  phase_ = Phase::counting_down;
}

Millis Rollout::deadline() const {
  if (phase_ == Phase::waiting) return waiting_since_ + options_.operator_seconds * Millis{1000};
  return activation_ + options_.seconds * Millis{1000};
}

int Rollout::seconds_left(Millis now) const { return static_cast<int>(std::max<Millis>(0, deadline() - now) / 1000); }

// Empty: every node that takes part is well.
std::string Rollout::what_is_wrong(Millis now) const {
  std::vector<std::string> wrong;
  for (const auto& [name, one] : nodes_) {
    if (one.away || (one.last.trial == change_ && one.last.healthy)) continue;
    if (one.last.trial == change_ && one.heard && now - *one.heard < 8000) wrong.push_back(fmt::format("{}: {}", name, one.last.why));
    else wrong.push_back(fmt::format("{}: not heard since the change", name));
  }
  return fmt::format("{}", fmt::join(wrong, "; "));
}

void Rollout::step(Millis now) {
  if (phase_ == Phase::staging) finish_staging(now);
  if (phase_ == Phase::counting_down && now >= activation_) phase_ = Phase::trial;
  if (phase_ == Phase::trial) {
    const auto wrong = what_is_wrong(now);
    if (wrong.empty()) {
      phase_ = options_.operator_seconds > 0 ? Phase::waiting : Phase::confirmed;
      waiting_since_ = now;
    } else if (now >= deadline()) {
      give_up(fmt::format("after {} s: {}", options_.seconds, wrong));
    }
  }
  if (phase_ == Phase::waiting) {
    if (operator_agrees_) phase_ = Phase::confirmed;
    else if (now >= deadline()) give_up("nobody confirmed it in time");
  }
}

Instruction Rollout::instruct(const std::string& node, const NodeReport& report, Millis now) const {
  const auto found = nodes_.find(node);
  if (found == nodes_.end()) return {};
  const auto& one = found->second;
  Instruction answer;
  answer.change = change_;
  if (phase_ == Phase::confirmed || phase_ == Phase::reverted || phase_ == Phase::planned) {
    if (report.trial == change_ || report.staged == change_) answer.step = phase_ == Phase::confirmed && report.trial == change_ ? Step::keep : Step::go_back;
    return answer;
  }
  if (one.away || report.failed == change_) return {};
  if (phase_ == Phase::staging) {
    answer.step = Step::stage;
    answer.send_config = report.staged != change_;
    return answer;
  }
  if (report.trial == change_) {
    answer.step = Step::trial;
    answer.seconds = seconds_left(now) + lonely_seconds;
    return answer;
  }
  if (report.staged != change_) return {};
  answer.step = Step::activate;
  answer.in_ms = std::max<Millis>(0, activation_ - now);
  answer.seconds = options_.seconds + lonely_seconds - static_cast<int>(std::max<Millis>(0, now - activation_) / 1000);
  return answer;
}

}  // namespace radial::control
