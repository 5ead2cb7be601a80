// A whole fabric on one machine: the demo, the integration tests, and an
// operator's rehearsal of a change.
//
//   LAN host --- node (FRR, WireGuard, radiald) --- internet --- node --- LAN host
//
// Every node is a network, mount, PID and UTS namespace behind a tiny init
// (init.h) whose death takes all of the node with it; every LAN has a host
// behind it in a network namespace of its own; one namespace is the internet,
// where each node's link can be cut and made slow, lossy or narrow. Nothing is
// added to the root network namespace: no link, address, route or sysctl. What
// is visible outside: names in /run/netns (so that `ip netns exec` works), the
// state folder /run/radial-lab/NAME (0700), and empty mount points such as
// /etc/radial and /var/lib/radial where the machine lacked them. A node's keys and
// files live in a tmpfs that only the node has.
//
// Threading: one object, one thread; it starts threads of its own and joins
// them before it returns. Changing calls hold the lab's lock file against other
// programs. Root only. A program that calls up() or run() must call
// dispatch_lab_init() (init.h) first thing in main().
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include <sys/types.h>

#include "base/process.h"
#include "base/result.h"
#include "fabric/fabric.h"
#include "lab/faults.h"
#include "lab/ping.h"
#include "lab/plan.h"

namespace radial::lab {

class Lab;

struct LabOptions {
  std::string name;           // default: the fabric's
  std::string fabric_text;    // the operator's file; put in each node as /etc/radial/fabric.yaml
  std::string fabric_path;    // where it came from, for list(); may be empty
  bool replace = false;       // take down a lab of this name that is up

  // FRR of a node, by `major.minor`: empty is the machine's own. Another one
  // runs from a root folder of that Debian (tools/debian13-root for 10.3).
  std::string frr;
  std::map<std::string, std::string> frr_of;  // by node, before `frr`
  // Daemons to start besides zebra, staticd, (FRR 10) mgmtd, and those that
  // the fabric's nodes need for their routing.
  std::set<std::string> daemons = {"bfdd"};
  bool start_frr = true;

  // Machines as they are before Radial: no file of its, no radiald, and of FRR's
  // daemons none but those that always run.
  bool bare = false;

  bool start_radiald = true;
  std::filesystem::path radiald;      // default: radiald beside the running program

  // Called for each node when its network is there and before its FRR starts:
  // a test brings its own frr.conf, nftables or interfaces here. Calls may
  // come from several threads at once, each for another node.
  std::function<Status(const Lab&, const std::string& node)> prepare;
  unsigned parallel = 0;              // nodes at a time; 0: as many as there are processors, and one
};

// What up() is doing: a stage, and how many of its nodes are done. Called from
// several threads, one at a time.
using Progress = std::function<void(const std::string& stage, std::size_t done, std::size_t total)>;

enum class LabCondition : std::uint8_t {
  up,
  starting,  // an up() is at work on it
  broken,    // its creator died half-way, or nodes have died: up() rebuilds it
};
[[nodiscard]] std::string_view to_string(LabCondition condition);

struct LabSummary {
  std::string name;
  LabCondition condition = LabCondition::up;
  std::string fabric_path;
  std::size_t nodes = 0;
  std::size_t alive = 0;
  std::chrono::system_clock::time_point since;
};

struct NodeStatus {
  std::string node;
  bool alive = false;
  pid_t pid = 0;                              // of its init, in this PID namespace
  std::string frr;                            // "8.4", "10.3"; empty when none was started
  std::map<std::string, bool> daemons;        // FRR daemons asked for, and whether each runs
  std::optional<bool> radiald;                // whether it runs; nothing: not asked for
  LinkFaults faults;
};

class Lab {
 public:
  // Builds the lab. What a creator that was killed left under this name is
  // cleared away first. conflict: a lab of this name is up, or being changed.
  // A failure half-way takes down what was built. The nodes' daemons run when it
  // returns; whether they have converged is for the caller to ask them.
  [[nodiscard]] static Result<Lab> up(const Fabric& fabric, LabOptions options, const Progress& progress = {});
  // A lab that is there, whatever its condition. not_found names the labs there are.
  [[nodiscard]] static Result<Lab> open(const std::string& name);
  [[nodiscard]] static Result<std::vector<LabSummary>> list();
  // Removes everything of that name, half-built or whole; fine when there is nothing.
  // True when there was something.
  [[nodiscard]] static Result<bool> down(const std::string& name);

  [[nodiscard]] const std::string& name() const { return name_; }
  [[nodiscard]] const LabPlan& plan() const { return plan_; }
  [[nodiscard]] LabCondition condition() const;
  [[nodiscard]] std::vector<NodeStatus> status() const;
  [[nodiscard]] std::filesystem::path folder() const;  // the state folder
  [[nodiscard]] std::filesystem::path log_of(const std::string& node) const;  // radiald's

  // The process id of a node's init ("internet" is a node too here).
  [[nodiscard]] Result<pid_t> pid(const std::string& node) const;
  // A path of a node as this process can open it, sockets included:
  // path_in("berlin", "/run/radial/radiald.sock").
  [[nodiscard]] Result<std::filesystem::path> path_in(const std::string& node, const std::string& path) const;

  // `place` is a node, a LAN host ("berlin.lan0") or "internet".
  // run(): as run_process; a deadline kills the program inside as well.
  [[nodiscard]] Result<ProcessResult> run(const std::string& place, const std::vector<std::string>& argv,
                                          std::chrono::milliseconds deadline = std::chrono::seconds(60),
                                          std::string_view input = {}) const;
  // With this program's terminal and standard streams; the exit code, 128 +
  // the signal's number when one ended it.
  [[nodiscard]] Result<int> exec(const std::string& place, const std::vector<std::string>& argv) const;
  // A daemon of the node: its output goes to `log` (a path outside; appended
  // to), it ends with the node. Returns when it has been executed.
  [[nodiscard]] Status start(const std::string& place, const std::vector<std::string>& argv,
                             const std::filesystem::path& log) const;
  // Starts radiald in a node (again); up() does so by itself unless told not to.
  [[nodiscard]] Status start_radiald(const std::string& node, std::filesystem::path program = {}) const;

  // Faults of a node's link to the internet; they stay until changed or healed.
  [[nodiscard]] LinkFaults faults(const std::string& node) const;
  [[nodiscard]] Status set_faults(const std::string& node, const LinkFaults& faults);
  [[nodiscard]] Status cut(const std::string& node, bool carrier = false);
  [[nodiscard]] Status heal(const std::string& node);
  [[nodiscard]] Status heal_all();

  // Pings between every two LAN hosts of one family, all at once.
  [[nodiscard]] Result<PingMatrix> ping_matrix(const PingOptions& options = {}) const;
  // From one place (as run()) to one address.
  [[nodiscard]] Result<PingResult> ping(const std::string& place, const IpAddress& target,
                                        const PingOptions& options = {}) const;

 private:
  struct Build;
  Lab(std::string name, LabPlan plan) : name_(std::move(name)), plan_(std::move(plan)) {}
  [[nodiscard]] Status change_faults(const std::function<void(std::map<std::string, LinkFaults>&)>& change);
  [[nodiscard]] Result<std::vector<std::string>> enter_command(const std::string& place) const;

  std::string name_;
  LabPlan plan_;
  std::map<std::string, LinkFaults> faults_;  // by node; a healthy link has no entry
};

}  // namespace radial::lab
