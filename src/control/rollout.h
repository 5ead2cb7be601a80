// One change of the fabric on its way to the nodes: staged at every node,
// activated at all of them at one moment, tried, and then kept by all or by
// none. Or a plan: staged, and the nodes' answers read.
//
// A node reports about once a second and gets an instruction for an answer;
// nothing is ever pushed, since sites only dial. The moment of activation is
// told as a time from now, so no clocks need to agree. A node that hears
// nothing more goes back alone (agent/node_change.h): every deadline here ends
// before the node's own.
//
// A state machine without I/O or clock: times are milliseconds of one
// monotonic clock, given in. Threading: a plain value.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"

namespace radial::control {

using Millis = std::int64_t;

// What a node says of itself.
struct NodeReport {
  std::int64_t staged = 0;   // the change whose configuration it holds and has compared with what is; 0: none
  std::int64_t trial = 0;    // the change that it runs on trial
  std::int64_t failed = 0;   // the change that it could not stage, or went back from
  bool healthy = false;      // on trial: all that was well before is well
  std::string why;           // not healthy, or failed
  std::vector<std::string> changes;   // when staged: what the change would do
  std::vector<std::string> problems;
  bool operator==(const NodeReport&) const = default;
};
[[nodiscard]] std::string to_json(const NodeReport& report);
[[nodiscard]] Result<NodeReport> node_report_from_json(std::string_view text);

enum class Step : std::uint8_t {
  none,      // nothing is asked of this node
  stage,     // hold the configuration, compare, report
  activate,  // run it on trial in `in_ms`, and go back alone `seconds` after that
  trial,     // go on with the trial; go back alone when nothing is heard for `seconds` from now
  keep,      // it is confirmed
  go_back,   // it is not
};
[[nodiscard]] std::string_view to_string(Step step);

struct Instruction {
  Step step = Step::none;
  std::int64_t change = 0;
  Millis in_ms = 0;
  int seconds = 0;
  bool send_config = false;  // this node lacks the configuration
  std::string config;        // then: the NodeConfig's JSON
};
[[nodiscard]] std::string to_json(const Instruction& instruction);
[[nodiscard]] Result<Instruction> instruction_from_json(std::string_view text);

enum class Phase : std::uint8_t { staging, planned, counting_down, trial, waiting, confirmed, reverted };
[[nodiscard]] std::string_view to_string(Phase phase);

struct RolloutOptions {
  int seconds = 60;           // after which a trial that is not healthy is taken back
  int operator_seconds = 0;   // more than 0: the operator confirms within this time, or it is taken back
  bool force = false;         // also when a node that is away would be stranded
  bool plan = false;
};

struct RolloutNode {
  std::string name;
  bool away = false;          // known not to be in contact
  bool stranded = false;      // without this change it could not reach the controller afterwards
};

// How much longer than the controller's own deadline a node waits alone.
inline constexpr int lonely_seconds = 6;

class Rollout {
 public:
  struct Node {
    RolloutNode who;
    bool answered = false;    // it has staged
    bool away = false;        // not taken part: left out
    NodeReport last;
    std::optional<Millis> heard;
  };

  Rollout(std::int64_t change, const RolloutOptions& options, std::vector<RolloutNode> nodes, Millis now);

  // A node's report, and what it should do. Then step().
  void hear(const std::string& node, const NodeReport& report, Millis now);
  [[nodiscard]] Instruction instruct(const std::string& node, const NodeReport& report, Millis now) const;
  void step(Millis now);

  void confirm() { operator_agrees_ = true; }
  void give_up(const std::string& why);
  // Confirmed, but the store could not take it; before any node was told.
  void overrule(const std::string& why) {
    phase_ = Phase::reverted;
    reason_ = why;
  }

  [[nodiscard]] std::int64_t change() const { return change_; }
  [[nodiscard]] Phase phase() const { return phase_; }
  [[nodiscard]] bool over() const { return phase_ == Phase::planned || phase_ == Phase::confirmed || phase_ == Phase::reverted; }
  [[nodiscard]] const std::string& reason() const { return reason_; }  // of reverted
  [[nodiscard]] const std::map<std::string, Node>& nodes() const { return nodes_; }
  [[nodiscard]] int seconds_left(Millis now) const;  // of the trial

 private:
  [[nodiscard]] Millis deadline() const;
  [[nodiscard]] std::string what_is_wrong(Millis now) const;
  void finish_staging(Millis now);

  std::int64_t change_;
  RolloutOptions options_;
  std::map<std::string, Node> nodes_;
  Phase phase_ = Phase::staging;
  Millis began_;
  Millis activation_ = 0;
  Millis waiting_since_ = 0;
  bool operator_agrees_ = false;
  std::string reason_;
};

}  // namespace radial::control
