// A node's part of a change of the fabric: holds what is staged, runs it on
// trial at the moment that is told, says whether all that was well before is
// well, and goes back alone when it hears nothing in time. Every node has one,
// the controller's own hub too.
//
// What makes going back safe: nothing of a trial is kept but a mark. The kept
// configuration on disk and FRR's saved one stay the ones before until the
// change is confirmed, so that a node that dies in between starts with them.
//
// Threading: the io_context's thread.
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <string>

#include <boost/asio/steady_timer.hpp>

#include "agent/assignment.h"
#include "agent/complaints.h"
#include "agent/paths.h"
#include "agent/reconciler.h"
#include "control/rollout.h"

namespace radial::agent {

class NodeChange {
 public:
  using Clock = std::chrono::steady_clock;

  struct Hooks {
    std::function<const Assignment&()> present;
    std::function<Outcome(const NodeConfig&)> compare;         // what it would change; changes nothing
    std::function<Complaints(const NodeConfig&)> look;         // this node against a configuration
    std::function<void(const Assignment&, bool on_trial)> run; // makes it the present one
    std::function<Status(const Assignment&)> keep;             // it is confirmed: on disk
  };

  NodeChange(boost::asio::io_context& loop, const Paths& paths, Hooks hooks);

  // A mark of a trial that radiald, or the machine, did not survive: what it is
  // told as the reason. The configuration before is in use already.
  void recover();

  [[nodiscard]] control::NodeReport report();
  // An instruction of the controller, heard just now.
  void obey(const control::Instruction& instruction);
  // Once a second.
  void tick(Clock::time_point now);

  [[nodiscard]] bool on_trial() const { return trial_.has_value(); }
  [[nodiscard]] bool busy() const { return trial_ || staged_; }

 private:
  struct Staged {
    Assignment change;
    Outcome outcome;
    bool counting_down = false;
  };
  struct Trial {
    Assignment change;
    Assignment before;
    Complaints well;  // what was not, before
    Clock::time_point began;
    Clock::time_point deadline;
    std::string why = "is settling";  // it is not well (yet)
    bool healthy = false;
  };

  void stage(const control::Instruction& instruction);
  void activate(int seconds);
  void keep();
  void go_back(const std::string& why);
  void forget_staged();

  const Paths& paths_;
  Hooks hooks_;
  boost::asio::steady_timer activation_;
  std::optional<Staged> staged_;
  std::optional<Trial> trial_;
  std::int64_t failed_ = 0;
  std::string why_;
};

}  // namespace radial::agent
