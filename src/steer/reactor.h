// When to steer: the reactor's mind, without its hands. It is told what happened
// and when, and says what to do next; the caller listens to netlink, looks at the
// kernel and changes the wire. No I/O and no clock.
//
// The caller's loop: feed every event that is there; then while next(now) gives
// an action, do it and answer it; then sleep until an event or wake_at(). At most
// one action is unanswered at a time.
//
//   look    dump the FIB, observe the wire; answer seen() or look_failed()
//   place   one or more set operations, in the delta's order; applied() or
//           apply_failed(), also when a part was done
//
// The first event after a quiet while is acted on at once; those that follow
// within `gap` are one change. Events that arrive between a look's beginning and
// its answer are played again after it: the last event of a prefix is never older
// than the dump, so to repeat those that it holds does no harm. Lost events, a
// failed change, a wire that is new and the audit all lead to a look.
// Threading: none of its own.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "steer/steering.h"

namespace radial {

using SteerInstant = std::chrono::steady_clock::time_point;

struct SteerTiming {
  std::chrono::milliseconds gap{2};            // between changes of the wire, at least
  std::chrono::milliseconds audit{30'000};     // from one look to the next, at most
  std::chrono::milliseconds first_retry{10};   // after a failure, doubled with each
  std::chrono::milliseconds last_retry{1000};  // up to this
};

struct SteerAction {
  enum class Kind : std::uint8_t { look, place };
  Kind kind = Kind::look;
  SteerDelta delta;  // of place; never empty
};

class SteerReactor {
 public:
  explicit SteerReactor(const PublicKey& parking, const SteerTiming& timing = {});

  // ---- what happened ----
  // The wire's peers as they should be: at the start, and at each change. Peers
  // new to the wire are on it, without AllowedIPs, before next() is asked; peers
  // that go are taken off it after the change is applied.
  void set_peers(std::vector<SteerPeer> peers);
  // From one look to the next, at most; from the next look on.
  void set_audit(std::chrono::milliseconds audit) { timing_.audit = audit; }
  // The interface is there (again: another index is another wire), or it is not.
  void wire_appeared();
  void wire_vanished();
  // In the order of the kernel's messages; of any interface.
  void routes_changed(std::span<const RouteEvent> events);
  // ENOBUFS, or a message that could not be read, or somebody else's change of
  // the wire: what we know may be wrong.
  void events_lost();

  // ---- answers ----
  void seen(std::span<const FibRoute> fib, std::span<const PlacedPrefix> observed, SteerInstant now);
  void look_failed(SteerInstant now);
  void applied(SteerInstant now);
  void apply_failed(SteerInstant now);

  // ---- what to do ----
  [[nodiscard]] std::optional<SteerAction> next(SteerInstant now);
  // When to ask next() again if nothing happens before; nothing: only then.
  [[nodiscard]] std::optional<SteerInstant> wake_at() const;

  // As far as it has been told; of no meaning before the first look is answered.
  [[nodiscard]] const Steering& steering() const { return steering_; }
  // The wire holds what the FIB and the grants ask for, as far as is known.
  [[nodiscard]] bool settled() const;

 private:
  enum class Doing : std::uint8_t { nothing, looking, placing };

  [[nodiscard]] bool may_act() const { return wire_ && peers_known_ && doing_ == Doing::nothing; }
  [[nodiscard]] bool has_work() const { return stale_ || new_peers_ || !events_.empty() || !delta_.empty(); }
  void failed(SteerInstant now);

  Steering steering_;
  SteerTiming timing_;
  Doing doing_ = Doing::nothing;
  bool answer_counts_ = true;    // of the action that is unanswered: not when its wire has gone
  bool wire_ = false;
  bool peers_known_ = false;
  bool stale_ = true;            // look before anything else
  std::optional<std::vector<SteerPeer>> new_peers_;
  std::vector<RouteEvent> events_;
  SteerDelta delta_;             // computed, not yet handed out
  SteerInstant not_before_{};    // the gap, or the wait before a retry
  SteerInstant audit_at_{};
  std::chrono::milliseconds retry_{0};
};

}  // namespace radial
