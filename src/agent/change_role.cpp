#include "agent/change_role.h"

#include <chrono>
#include <ctime>

#include <nlohmann/json.hpp>

#include "agent/api_route.h"
#include "base/log.h"
#include "compile/json.h"

namespace radial::agent {
namespace {

using Json = nlohmann::ordered_json;
using control::Millis;

// A node that runs reports every two seconds.
constexpr Millis silence = 12'000;

Millis now_ms() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

std::string state_of(const control::Rollout& rollout, const control::Rollout::Node& node) {
  using control::Phase;
  if (node.away) return "away";
  if (rollout.phase() == Phase::staging) return node.answered ? "staged" : "waiting";
  if (rollout.phase() == Phase::planned) return node.answered ? "staged" : "failed";
  if (node.last.failed == rollout.change()) return "went back";
  if (node.last.trial == rollout.change()) return node.last.healthy ? "healthy" : "on trial";
  return "staged";
}

}  // namespace

ChangeRole::ChangeRole(control::Controller& controller, std::string hub, std::function<void()> kept)
    : controller_(controller), hub_(std::move(hub)), kept_(std::move(kept)), began_(now_ms()) {}

const control::Candidate* ChangeRole::candidate() const {
  if (plan_) return planned_ ? &*planned_ : nullptr;
  return controller_.proposed() ? &*controller_.proposed() : nullptr;
}

// Just started, we know nobody: then every node is waited for.
bool ChangeRole::in_contact(const std::string& node, Millis now) const {
  if (node == hub_ || now - began_ < silence) return true;
  const auto found = heard_.find(node);
  return found != heard_.end() && now - found->second < silence;
}

Result<Response> ChangeRole::begin(const Wish& wish) {
  if (rollout_ && !rollout_->over())
    return fail(Errc::conflict, "another change is under way: 'radial change' shows it");
  RADIAL_ASSIGN(auto candidate, controller_.candidate(wish.yaml, wish.file_name));
  const auto now = now_ms();
  RADIAL_ASSIGN(const auto without_agent, controller_.without_agent());
  const auto stranded = controller_.stranded_by(candidate);
  std::vector<control::RolloutNode> nodes;
  bystanders_.clear();
  for (const auto& [name, facts] : controller_.facts().nodes) {
    if (!facts.public_key) continue;
    if (!control::is_node_of(controller_.fabric(), name)) continue;
    const bool by_hand = without_agent.contains(name);
    if (!control::is_node_of(candidate.fabric, name))
      bystanders_[name] = {"leaves", by_hand ? "leaves the fabric; its router keeps its configuration until you take it out"
                                             : "leaves the fabric; what still runs there ends by 'radial down' there"};
    else if (!by_hand)
      nodes.push_back({name, !in_contact(name, now), stranded.contains(name)});
    else if (controller_.changes(name, candidate))
      bystanders_[name] = {"by hand", fmt::format("no radiald; its configuration changes: radial export {}", name)};
  }
  plan_ = wish.options.plan;
  std::int64_t change = -static_cast<std::int64_t>(std::time(nullptr));  // of a plan: no revision has it
  if (plan_) {
    planned_ = std::move(candidate);
  } else {
    RADIAL_ASSIGN(change, controller_.propose(std::move(candidate), wish.author, wish.reason, std::time(nullptr)));
    spdlog::info("revision {} is being tried", change);
  }
  rollout_.emplace(change, wish.options, std::move(nodes), now);
  finished_ = false;
  step();
  return status();
}

Response ChangeRole::status() const {
  if (!rollout_) return {200, written({{"phase", "none"}, {"revision", controller_.revision()}, {"nodes", Json::array()}})};
  Json nodes = Json::array();
  for (const auto& [name, node] : rollout_->nodes()) {
    Json one{{"node", name}, {"state", state_of(*rollout_, node)}, {"why", node.last.why},
             {"changes", node.last.changes}, {"problems", node.last.problems}};
    if (one["state"] == "healthy" || one["state"] == "staged") one["why"] = "";
    nodes.push_back(std::move(one));
  }
  for (const auto& [name, one] : bystanders_)
    nodes.push_back({{"node", name}, {"state", one.state}, {"why", one.why}, {"changes", Json::array()}, {"problems", Json::array()}});
  return {200, written({{"phase", std::string(to_string(rollout_->phase()))},
                        {"revision", plan_ ? controller_.revision() : rollout_->change()},
                        {"reason", rollout_->reason()},
                        {"seconds_left", rollout_->over() ? 0 : rollout_->seconds_left(now_ms())},
                        {"nodes", std::move(nodes)}})};
}

Result<Response> ChangeRole::confirm(const std::string& author) {
  if (!rollout_ || plan_ || rollout_->over()) return fail(Errc::not_found, "no change waits to be confirmed");
  spdlog::info("revision {} is confirmed by {}", rollout_->change(), author);
  rollout_->confirm();
  step();
  return status();
}

control::Instruction ChangeRole::from_store(const control::NodeReport& report) {
  control::Instruction answer;
  answer.change = report.trial != 0 ? report.trial : report.staged;
  if (answer.change == 0) return answer;
  answer.step = control::Step::go_back;
  if (report.trial > 0)
    if (const auto revision = controller_.earlier(report.trial); revision && revision->state == control::RevisionState::active)
      answer.step = control::Step::keep;
  return answer;
}

control::Instruction ChangeRole::instruct(const std::string& node, const control::NodeReport& report) {
  const auto known = [&](std::int64_t change) { return change == 0 || (rollout_ && change == rollout_->change()); };
  if (!rollout_ || !known(report.trial) || !known(report.staged)) {
    auto answer = from_store(report);
    if (answer.step != control::Step::none) return answer;
  }
  if (!rollout_) return {};
  auto answer = rollout_->instruct(node, report, now_ms());
  if (!answer.send_config) return answer;
  const auto* wanted = candidate();
  const auto config = wanted == nullptr ? Result<NodeConfig>(fail(Errc::internal, "there is no candidate")) : controller_.config_for(node, *wanted);
  if (!config) {
    spdlog::error("{}", config.error().message);
    return {};
  }
  answer.config = to_json(*config);
  return answer;
}

Result<Response> ChangeRole::hear(const std::string& node, const std::string& body) {
  RADIAL_ASSIGN(const auto report, control::node_report_from_json(body));
  const auto now = now_ms();
  heard_[node] = now;
  if (rollout_) {
    rollout_->hear(node, report, now);
    step();
  }
  return Response{200, control::to_json(instruct(node, report))};
}

void ChangeRole::step() {
  if (!rollout_ || !part_.report) return;
  rollout_->hear(hub_, part_.report(), now_ms());
  rollout_->step(now_ms());
  if (rollout_->over() && !finished_) finish();
  part_.obey(instruct(hub_, part_.report()));
}

void ChangeRole::finish() {
  using control::Phase;
  finished_ = true;
  if (rollout_->phase() == Phase::planned) {
    planned_.reset();
    return;
  }
  const auto now = static_cast<std::int64_t>(std::time(nullptr));
  if (rollout_->phase() == Phase::confirmed) {
    if (auto kept = controller_.keep(now); !kept) rollout_->overrule(kept.error().message);  // nobody was told yet
    else {
      spdlog::info("revision {} is kept", rollout_->change());
      return kept_();
    }
  }
  spdlog::warn("revision {} is taken back: {}", rollout_->change(), rollout_->reason());
  if (auto dropped = controller_.drop(rollout_->reason(), now); !dropped) spdlog::error("{}", dropped.error().message);
}

}  // namespace radial::agent
