#include "steer/reactor.h"

#include <algorithm>
#include <unordered_map>
#include <utility>

namespace radial {

SteerReactor::SteerReactor(const PublicKey& parking, const SteerTiming& timing)
    : steering_(parking), timing_(timing) {}

void SteerReactor::set_peers(std::vector<SteerPeer> peers) {
  new_peers_ = std::move(peers);
  peers_known_ = true;
}

void SteerReactor::wire_appeared() {
  wire_vanished();
  wire_ = true;
}

void SteerReactor::wire_vanished() {
  wire_ = false;
  stale_ = true;
  events_.clear();
  delta_.clear();
  answer_counts_ = false;
  not_before_ = {};
  retry_ = {};
}

void SteerReactor::routes_changed(std::span<const RouteEvent> events) {
  // A look that has not begun will see them by itself.
  if (stale_ && doing_ != Doing::looking) return;
  events_.insert(events_.end(), events.begin(), events.end());
}

void SteerReactor::events_lost() {
  stale_ = true;
  if (doing_ != Doing::looking) events_.clear();
}

void SteerReactor::seen(std::span<const FibRoute> fib, std::span<const PlacedPrefix> observed, SteerInstant now) {
  doing_ = Doing::nothing;
  if (!std::exchange(answer_counts_, true)) return;
  auto peers = new_peers_ ? std::exchange(new_peers_, std::nullopt).value() : steering_.peers();
  // Events of the meantime count as part of what was seen, so that a move that
  // they undo is never made.
  std::vector<FibRoute> merged;
  std::span<const FibRoute> known = fib;
  if (!events_.empty()) {
    std::unordered_map<Prefix, const RouteEvent*> last;
    for (const auto& event : events_) last[event.route.prefix] = &event;
    for (const auto& route : fib)
      if (!last.contains(route.prefix)) merged.push_back(route);
    for (const auto& [prefix, event] : last)
      if (!event->withdrawn) merged.push_back(event->route);
    known = merged;
  }
  delta_ = steering_.start(std::move(peers), known, observed);
  events_.clear();
  audit_at_ = now + timing_.audit;
  if (delta_.empty()) retry_ = {};
}

void SteerReactor::look_failed(SteerInstant now) {
  doing_ = Doing::nothing;
  if (std::exchange(answer_counts_, true)) failed(now);
}

void SteerReactor::applied(SteerInstant now) {
  doing_ = Doing::nothing;
  if (!std::exchange(answer_counts_, true)) return;
  retry_ = {};
  not_before_ = now + timing_.gap;
}

void SteerReactor::apply_failed(SteerInstant now) {
  doing_ = Doing::nothing;
  if (std::exchange(answer_counts_, true)) failed(now);
}

void SteerReactor::failed(SteerInstant now) {
  stale_ = true;
  events_.clear();
  delta_.clear();
  retry_ = retry_.count() == 0 ? timing_.first_retry : std::min(retry_ * 2, timing_.last_retry);
  not_before_ = now + retry_;
}

std::optional<SteerAction> SteerReactor::next(SteerInstant now) {
  if (!may_act()) return std::nullopt;
  // An audit waits for what there is to do, though not for ever.
  if (now >= audit_at_ + (has_work() ? timing_.audit : std::chrono::milliseconds{0})) stale_ = true;
  if (!has_work() || now < not_before_) return std::nullopt;

  answer_counts_ = true;
  if (stale_) {
    // From here on events are kept: the dump may have been taken before them.
    stale_ = false;
    events_.clear();
    delta_.clear();
    doing_ = Doing::looking;
    return SteerAction{SteerAction::Kind::look, {}};
  }
  if (delta_.empty() && new_peers_) delta_ = steering_.set_peers(std::exchange(new_peers_, std::nullopt).value());
  if (delta_.empty()) delta_ = steering_.apply(std::exchange(events_, {}));
  if (delta_.empty()) return std::nullopt;
  doing_ = Doing::placing;
  return SteerAction{SteerAction::Kind::place, std::exchange(delta_, {})};
}

std::optional<SteerInstant> SteerReactor::wake_at() const {
  if (!may_act()) return std::nullopt;
  return has_work() ? not_before_ : std::max(audit_at_, not_before_);
}

bool SteerReactor::settled() const { return wire_ && peers_known_ && doing_ == Doing::nothing && !has_work(); }

}  // namespace radial
