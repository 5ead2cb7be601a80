#include "lab/lab.h"

#include <algorithm>
#include <charconv>
#include <thread>

#include <spawn.h>
#include <sys/wait.h>

#include "base/file.h"
#include "lab/frr_daemons.h"
#include "lab/init.h"
#include "lab/netns.h"
#include "lab/parallel.h"
#include "lab/remains.h"
#include "lab/state.h"
#include "lab/wiring.h"

extern char** environ;

namespace radial::lab {
namespace {

using namespace std::chrono_literals;

constexpr auto fault_patience = 10s;  // another fault being applied takes milliseconds

ProcessIdentity init_of(const LabNode& node) { return {node.pid, node.start_time}; }

bool is_whole(const LabPlan& plan) {
  return std::ranges::all_of(plan.everybody(), [](const auto* node) { return is_running(init_of(*node)); });
}

LabCondition condition_of(const LabState& state) {
  if (state.complete && is_whole(state.plan)) return LabCondition::up;
  return !state.complete && is_locked(state.plan.lab) ? LabCondition::starting : LabCondition::broken;
}

// Names of the programs that run in a node (comm, at most 15 letters).
std::set<std::string> programs_in(const LabNode& node) {
  std::set<std::string> names;
  std::error_code ignored;
  const auto proc = fmt::format("/proc/{}/root/proc", node.pid);
  for (const auto& entry : std::filesystem::directory_iterator(proc, ignored)) {
    if (!std::isdigit(static_cast<unsigned char>(entry.path().filename().string().front()))) continue;
    auto name = read_file(entry.path() / "comm");
    if (name && !name->empty()) names.insert(name->substr(0, name->size() - 1));
  }
  return names;
}

// The part of a place's name before the first dot: node names hold none
// that is followed by "lanK".
struct Place {
  const LabNode* node = nullptr;
  const LanHost* host = nullptr;
};

Result<Place> find_place(const LabPlan& plan, const std::string& place) {
  if (const auto* node = plan.find(place)) return Place{node, nullptr};
  for (const auto& node : plan.nodes)
    for (const auto& host : node.lans)
      if (host.name == place) return Place{&node, &host};
  std::string there = std::string(internet);
  for (const auto& node : plan.nodes) {
    there += ", " + node.name;
    for (const auto& host : node.lans) there += ", " + host.name;
  }
  return fail(Errc::not_found, "there is no '{}' in lab '{}'; there is: {}", place, plan.lab, there);
}

std::string netns_of(const Place& place) { return netns_path(place.host != nullptr ? place.host->netns : place.node->netns); }

}  // namespace

std::string_view to_string(LabCondition condition) {
  switch (condition) {
    case LabCondition::up: return "up";
    case LabCondition::starting: return "starting";
    case LabCondition::broken: return "broken";
  }
  return "?";
}

Result<Lab> Lab::open(const std::string& name) {
  RADIAL_TRY(check_lab_name(name));
  RADIAL_ASSIGN(auto state, load_state(name));
  Lab lab(name, std::move(state.plan));
  lab.faults_ = std::move(state.faults);
  return lab;
}

Result<std::vector<LabSummary>> Lab::list() {
  std::vector<LabSummary> labs;
  for (const auto& name : labs_on_disk()) {
    LabSummary summary;
    summary.name = name;
    summary.condition = LabCondition::broken;  // of one whose state cannot be read
    if (const auto state = load_state(name)) {
      summary.condition = condition_of(*state);
      summary.fabric_path = state->fabric_path;
      summary.nodes = state->plan.nodes.size();
      summary.alive = static_cast<std::size_t>(
          std::ranges::count_if(state->plan.nodes, [](const auto& node) { return is_running(init_of(node)); }));
      summary.since = std::chrono::system_clock::time_point(std::chrono::seconds(state->since));
    }
    labs.push_back(std::move(summary));
  }
  return labs;
}

Result<bool> Lab::down(const std::string& name) {
  RADIAL_TRY(check_lab_name(name));
  RADIAL_ASSIGN(const auto lock, lock_lab(name, 2s));
  RADIAL_ASSIGN(const bool something, remove_remains(name));
  remove_lock_file(name);
  return something;
}

LabCondition Lab::condition() const {
  const auto state = load_state(name_);
  return state ? condition_of(*state) : LabCondition::broken;
}

std::vector<NodeStatus> Lab::status() const {
  const auto state = load_state(name_);
  std::vector<NodeStatus> all;
  for (const auto& node : plan_.nodes) {
    NodeStatus status;
    status.node = node.name;
    status.alive = is_running(init_of(node));
    status.pid = static_cast<pid_t>(node.pid);
    status.faults = faults(node.name);
    const auto programs = status.alive ? programs_in(node) : std::set<std::string>{};
    if (!node.frr.empty() && state) {
      status.frr = node.frr;
      for (const auto& daemon : running_daemons({node.frr, node.frr_root}, state->daemons))
        status.daemons[daemon] = programs.contains(daemon);
    }
    if (state && state->with_radiald) status.radiald = programs.contains("radiald");
    all.push_back(std::move(status));
  }
  return all;
}

std::filesystem::path Lab::folder() const { return state_folder(name_); }
std::filesystem::path Lab::log_of(const std::string& node) const { return folder() / node / "radiald.log"; }

Result<pid_t> Lab::pid(const std::string& node) const {
  const auto* found = plan_.find(node);
  if (found == nullptr) return forward_error(std::move(find_place(plan_, node).error()));
  if (!is_running(init_of(*found)))
    return fail(Errc::unavailable, "node {} of lab '{}' is dead; rebuild the lab with `radial lab up`", node, name_);
  return static_cast<pid_t>(found->pid);
}

Result<std::filesystem::path> Lab::path_in(const std::string& node, const std::string& path) const {
  RADIAL_ASSIGN(const auto init, pid(node));
  return std::filesystem::path(fmt::format("/proc/{}/root{}", init, path));
}

namespace {

Result<EnterSpec> enter_spec(const Lab& lab, const std::string& place, EnterSpec::Mode mode) {
  if (!lab_init_available())
    return fail(Errc::internal, "this program does not call dispatch_lab_init() first thing in main()");
  RADIAL_ASSIGN(const auto found, find_place(lab.plan(), place));
  RADIAL_TRY(lab.pid(found.node->name));
  EnterSpec spec;
  spec.init = init_of(*found.node);
  spec.mode = mode;
  if (found.host != nullptr) {
    spec.netns = found.host->netns;
    spec.hostname = found.host->name;
  }
  return spec;
}

std::vector<std::string> command_of(const EnterSpec& spec, const std::vector<std::string>& argv) {
  auto command = enter_arguments(spec);
  command.insert(command.end(), argv.begin(), argv.end());
  return command;
}

}  // namespace

Result<ProcessResult> Lab::run(const std::string& place, const std::vector<std::string>& argv,
                               std::chrono::milliseconds deadline, std::string_view input) const {
  RADIAL_ASSIGN(const auto spec, enter_spec(*this, place, EnterSpec::Mode::captured));
  auto result = run_process(command_of(spec, argv), deadline, input);
  if (!result && result.error().code == Errc::timeout)
    return fail(Errc::timeout, "{} in {} did not end within {} ms", argv.front(), place, deadline.count());
  return result;
}

Result<int> Lab::exec(const std::string& place, const std::vector<std::string>& argv) const {
  RADIAL_ASSIGN(const auto spec, enter_spec(*this, place, EnterSpec::Mode::foreground));
  const auto command = command_of(spec, argv);
  std::vector<char*> words;
  for (const auto& word : command) words.push_back(const_cast<char*>(word.c_str()));
  words.push_back(nullptr);
  pid_t child = -1;
  if (const int error = ::posix_spawn(&child, words[0], nullptr, nullptr, words.data(), environ); error != 0)
    return fail_errno(error, fmt::format("cannot run {}", argv.front()));
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

Status Lab::start(const std::string& place, const std::vector<std::string>& argv, const std::filesystem::path& log) const {
  RADIAL_ASSIGN(auto spec, enter_spec(*this, place, EnterSpec::Mode::daemon));
  spec.log = log;
  RADIAL_ASSIGN(const auto started, run_process(command_of(spec, argv)));
  if (started.ok()) return {};
  return fail(Errc::io, "cannot start {} in {}: {}", argv.front(), place, started.err.substr(0, started.err.find('\n')));
}

LinkFaults Lab::faults(const std::string& node) const {
  const auto found = faults_.find(node);
  return found == faults_.end() ? LinkFaults{} : found->second;
}

Status Lab::change_faults(const std::function<void(FaultMap&)>& change) {
  RADIAL_ASSIGN(const auto lock, lock_lab(name_, fault_patience));
  RADIAL_ASSIGN(auto state, load_state(name_));  // another program may have changed others
  auto before = state.faults;
  change(state.faults);
  std::vector<std::string> changed;
  bool mtu_changed = false;
  for (const auto& node : plan_.nodes) {
    const auto& was = before[node.name];
    const auto& is = state.faults[node.name];
    if (was == is) continue;
    changed.push_back(node.name);
    mtu_changed = mtu_changed || was.mtu != is.mtu || was.mtu_icmp != is.mtu_icmp;
  }
  std::erase_if(state.faults, [](const auto& entry) { return entry.second.healthy(); });
  RADIAL_TRY(save_state(state));
  faults_ = state.faults;
  RADIAL_TRY(apply_faults(plan_, faults_, changed));
  return mtu_changed ? forget_path_mtus(plan_) : Status{};
}

Status Lab::set_faults(const std::string& node, const LinkFaults& faults) {
  RADIAL_TRY(check(faults));
  RADIAL_TRY(pid(node));
  if (node == internet) return fail(Errc::invalid_argument, "the internet has no link of its own; name a node");
  return change_faults([&](FaultMap& all) { all[node] = faults; });
}

Status Lab::cut(const std::string& node, bool carrier) {
  auto changed = faults(node);
  if (carrier) changed.carrier = false;
  else changed.cut = true;
  return set_faults(node, changed);
}

Status Lab::heal(const std::string& node) { return set_faults(node, LinkFaults{}); }

Status Lab::heal_all() {
  return change_faults([](FaultMap& all) { all.clear(); });
}

Result<PingResult> Lab::ping(const std::string& place, const IpAddress& target, const PingOptions& options) const {
  RADIAL_ASSIGN(const auto found, find_place(plan_, place));
  RADIAL_ASSIGN(auto results, ping_from(place, netns_of(found), {{target.to_string(), target}}, options));
  return std::move(results.front());
}

Result<PingMatrix> Lab::ping_matrix(const PingOptions& options) const {
  std::vector<const LanHost*> hosts;
  for (const auto* host : plan_.lan_hosts())
    if (host->address) hosts.push_back(host);
  std::vector<std::vector<PingResult>> rows(hosts.size());
  // Threads that wait cost little: all sources at once, up to a bound.
  constexpr unsigned most_threads = 64;
  RADIAL_TRY(for_each_parallel(hosts.size(), most_threads, [&](std::size_t i) -> Status {
    std::vector<PingTarget> targets;
    for (const auto* other : hosts)
      if (other != hosts[i] && other->prefix.family() == hosts[i]->prefix.family())
        targets.push_back({other->name, *other->address});
    if (targets.empty()) return {};
    RADIAL_ASSIGN(rows[i], ping_from(hosts[i]->name, netns_path(hosts[i]->netns), targets, options));
    return {};
  }));
  PingMatrix matrix;
  for (auto& row : rows) std::ranges::move(row, std::back_inserter(matrix.results));
  return matrix;
}

}  // namespace radial::lab
