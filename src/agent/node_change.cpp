#include "agent/node_change.h"

#include <algorithm>

#include <nlohmann/json.hpp>
#include <unistd.h>

#include "base/digest.h"
#include "base/file.h"
#include "base/log.h"
#include "compile/json.h"
#include "fabric/strict_json.h"

namespace radial::agent {
namespace {

using Json = nlohmann::json;
using namespace std::chrono_literals;

// An adjacency that has died looks alive for as long as its timer runs.
std::chrono::seconds settling_time(const NodeConfig& config) {
  int seconds = config.routing == RoutingEngine::ospf ? config.dead : 0;
  if (config.bgp.runs()) seconds = std::max<int>(seconds, config.bgp.settings.hold);
  return std::chrono::seconds(seconds) + 2s;
}

}  // namespace

NodeChange::NodeChange(boost::asio::io_context& loop, const Paths& paths, Hooks hooks)
    : paths_(paths), hooks_(std::move(hooks)), activation_(loop) {}

void NodeChange::recover() {
  const auto text = read_file(paths_.trial_mark(), 4096);
  if (!text) return;
  const auto json = parse_strict_json(*text);
  if (json && json->is_object())
    if (const auto change = json_integer<std::int64_t>(json->value("change", Json()), "change")) failed_ = *change;
  why_ = "radiald ended during the trial: the node restarted, or radiald did";
  spdlog::warn("change {} was on trial here when radiald ended: running the configuration before it", failed_);
  ::unlink(paths_.trial_mark().c_str());
}

control::NodeReport NodeChange::report() {
  control::NodeReport report;
  report.failed = failed_;
  report.why = why_;
  if (staged_) {
    report.staged = staged_->change.revision;
    report.changes = staged_->outcome.changes;
    report.problems = staged_->outcome.problems;
  }
  if (trial_) {
    report.trial = trial_->change.revision;
    report.healthy = trial_->healthy;
    report.why = trial_->why;
  }
  return report;
}

void NodeChange::obey(const control::Instruction& instruction) {
  using control::Step;
  const auto is = [&](const auto& what) { return what && what->change.revision == instruction.change; };
  switch (instruction.step) {
    case Step::none:
      if (!trial_) forget_staged();
      return;
    case Step::stage:
      if (instruction.send_config && !trial_) stage(instruction);
      return;
    case Step::activate:
      if (trial_ || !is(staged_) || staged_->counting_down) return;
      staged_->counting_down = true;
      activation_.expires_after(std::chrono::milliseconds(instruction.in_ms));
      activation_.async_wait([this, seconds = instruction.seconds](const boost::system::error_code& error) {
        if (!error) activate(seconds);
      });
      return;
    case Step::trial:
      if (is(trial_)) trial_->deadline = Clock::now() + std::chrono::seconds(instruction.seconds);
      return;
    case Step::keep:
      if (is(trial_)) keep();
      return;
    case Step::go_back:
      if (is(trial_)) go_back("it was taken back everywhere");
      else if (is(staged_)) forget_staged();
      return;
  }
}

// A configuration that is not on disk entire must not be activated: a full
// disk shows here, with the network untouched.
void NodeChange::stage(const control::Instruction& instruction) {
  forget_staged();
  auto config = node_config_from_json(instruction.config);
  const auto refuse = [&](const Error& error) {
    failed_ = instruction.change;
    why_ = error.message;
    spdlog::error("change {} cannot be staged: {}", instruction.change, error.message);
  };
  if (!config) return refuse(config.error());
  if (config->node != hooks_.present().config.node) return refuse({Errc::protocol, fmt::format("it is for {}", config->node), 0});
  Staged staged{{instruction.change, std::move(*config), hex_digest(instruction.config)}, {}, false};
  if (const auto rehearsal = save_staged(paths_, staged.change); !rehearsal) return refuse(rehearsal.error());
  staged.outcome = hooks_.compare(staged.change.config);
  staged_ = std::move(staged);
}

void NodeChange::forget_staged() {
  if (!staged_) return;
  activation_.cancel();
  staged_.reset();
  ::unlink(paths_.staged().c_str());
}

void NodeChange::activate(int seconds) {
  if (!staged_) return;
  const auto now = Clock::now();
  Trial trial{std::move(staged_->change), hooks_.present(), {}, now, now + std::chrono::seconds(seconds), "is settling", false};
  forget_staged();
  const auto revision = trial.change.revision;
  const Json mark{{"change", revision}};
  if (auto marked = write_file_atomically(paths_.trial_mark(), mark.dump() + "\n", 0600); !marked) {
    failed_ = revision;
    why_ = marked.error().message;
    return spdlog::error("change {} is not tried: {}", revision, marked.error().message);
  }
  trial.well = hooks_.look(trial.before.config);
  spdlog::info("change {} is on trial for at most {} s", revision, seconds);
  trial_ = std::move(trial);
  hooks_.run(trial_->change, true);
}

void NodeChange::tick(Clock::time_point now) {
  if (!trial_) return;
  if (now >= trial_->deadline) return go_back(fmt::format("no word from the controller in time; here: {}", trial_->healthy ? "all is well" : trial_->why));
  if (now - trial_->began < settling_time(trial_->change.config)) return;
  trial_->why = worse_than(trial_->well, hooks_.look(trial_->change.config));
  trial_->healthy = trial_->why.empty();
}

void NodeChange::keep() {
  const auto trial = std::move(*trial_);
  if (auto kept = hooks_.keep(trial.change); !kept) {
    // Without it on disk a restart would undo it: better now, and said.
    trial_ = trial;
    return go_back(kept.error().message);
  }
  trial_.reset();
  ::unlink(paths_.trial_mark().c_str());
  failed_ = 0;
  why_.clear();
  spdlog::info("change {} is kept", trial.change.revision);
  hooks_.run(trial.change, false);
}

void NodeChange::go_back(const std::string& why) {
  const auto trial = std::move(*trial_);
  trial_.reset();
  failed_ = trial.change.revision;
  why_ = why;
  spdlog::warn("change {} is taken back: {}", trial.change.revision, why);
  hooks_.run(trial.before, false);
  ::unlink(paths_.trial_mark().c_str());
}

}  // namespace radial::agent
