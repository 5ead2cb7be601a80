// lab: a whole fabric on this machine.
#include <cstdio>
#include <map>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>
#include <unistd.h>

#include "base/file.h"
#include "cli/commands.h"
#include "cli/lab_status.h"
#include "cli/table.h"
#include "fabric/parse.h"
#include "lab/lab.h"

namespace radial::cli {
namespace {

using Json = nlohmann::ordered_json;

int failed(const Error& error) {
  print_error(error.message);
  return 1;
}

// A line that rewrites itself on a terminal; otherwise (a log) a line for each
// stage that is done, and for each other text.
class ProgressLine {
 public:
  void stage(const std::string& name, std::size_t done, std::size_t total) {
    if (terminal_ || done == total) show(fmt::format("{}: {} of {}", name, done, total));
  }
  void show(const std::string& text) {
    if (text == last_) return;
    last_ = text;
    if (terminal_) fmt::print(stderr, "\r\033[K{}", text);
    else fmt::print(stderr, "{}\n", text);
    std::fflush(stderr);
  }
  void clear() {
    if (terminal_ && !last_.empty()) fmt::print(stderr, "\r\033[K");
    last_.clear();
  }
  ~ProgressLine() { clear(); }

 private:
  bool terminal_ = ::isatty(STDERR_FILENO) == 1;
  std::string last_;
};

struct UpOptions {
  std::string file;
  std::string name;
  std::vector<std::string> frr;  // "10.3" or "NODE=10.3"
  bool replace = false;
  bool no_wait = false;
  bool bare = false;
  int deadline = 120;
};

// What to type on bare machines, for the fabric that they were made from.
std::string first_steps(const std::string& lab, const Fabric& fabric) {
  const auto option = [](const std::vector<Lan>& lans) { return lans.empty() ? std::string() : fmt::format(" --lan {}", lans.front().prefix); };
  const auto& hub = fabric.hubs.front();
  auto steps = fmt::format("  radial lab exec {} {} -- radial init --endpoint {}{}\n", lab, hub.name, hub.endpoints.front().to_string(), option(hub.lans));
  if (fabric.sites.empty()) return steps;
  const auto& site = fabric.sites.front();
  return steps + fmt::format("  radial lab exec {0} {1} -- radial invite {2}{3}\n  radial lab exec {0} {2} -- radial join TOKEN\n", lab, hub.name,
                             site.name, option(site.lans));
}

int up(const UpOptions& options) {
  auto text = read_file(options.file, 4U << 20U);
  if (!text) return failed(text.error());
  auto parsed = parse_fabric(*text);
  if (const auto* mistakes = std::get_if<std::vector<Mistake>>(&parsed)) {
    for (const auto& mistake : *mistakes) fmt::print(stderr, "{}\n", to_string(mistake, options.file));
    return failed({Errc::invalid_argument, "the fabric file is not valid; nothing was changed", 0});
  }
  lab::LabOptions lab_options;
  lab_options.name = options.name;
  lab_options.fabric_text = *text;
  lab_options.fabric_path = options.file;
  lab_options.replace = options.replace;
  lab_options.bare = options.bare;
  for (const auto& choice : options.frr) {
    const auto equals = choice.find('=');
    if (equals == std::string::npos) lab_options.frr = choice;
    else lab_options.frr_of[choice.substr(0, equals)] = choice.substr(equals + 1);
  }
  const auto began = std::chrono::steady_clock::now();
  ProgressLine progress;
  auto lab = lab::Lab::up(std::get<Fabric>(parsed), std::move(lab_options),
                          [&](const std::string& stage, std::size_t done, std::size_t total) {
                            progress.stage(stage, done, total);
                          });
  if (!lab) {
    progress.clear();
    return failed(lab.error());
  }
  if (options.bare) {
    progress.clear();
    fmt::print("lab {} is up: {} machines with nothing of Radial's. The first steps on them:\n{}", lab->name(), lab->plan().nodes.size(),
               first_steps(lab->name(), std::get<Fabric>(parsed)));
    return 0;
  }
  if (options.no_wait) {
    progress.clear();
    fmt::print("lab {} is up ({} nodes), not waited for\n", lab->name(), lab->plan().nodes.size());
    return 0;
  }
  const auto state = wait_converged(*lab, std::chrono::seconds(options.deadline), [&](const auto& line) { progress.show(line); });
  progress.clear();
  const auto seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
  if (state.healthy && state.pings) {
    fmt::print("lab {} is up: {} nodes, every LAN reaches every LAN, after {:.1f} s\n", lab->name(), lab->plan().nodes.size(),
               seconds);
    return 0;
  }
  fmt::print("{}", fabric_status_text(lab->name(), state.nodes, false));
  return failed({Errc::timeout,
                 fmt::format("lab {} did not converge within {} s ({}); it stays up for you to look: radial lab status {}",
                             lab->name(), options.deadline, state.healthy ? "some pings fail" : "see above", lab->name()), 0});
}

int status(const std::string& name, bool routes, bool json) {
  auto lab = lab::Lab::open(name);
  if (!lab) return failed(lab.error());
  const auto nodes = lab_status(*lab);
  if (json) {
    auto array = Json::array();
    for (const auto& node : nodes)
      array.push_back(node.snapshot ? Json::parse(observe::to_json(*node.snapshot))
                                    : Json{{"node", node.node}, {"healthy", false}, {"error", node.snapshot.error().message}});
    fmt::print("{}\n", Json{{"lab", lab->name()}, {"healthy", all_healthy(nodes)}, {"nodes", std::move(array)}}.dump(
                           2, ' ', false, Json::error_handler_t::replace));
  } else {
    fmt::print("{}", fabric_status_text(lab->name(), nodes, routes));
    for (const auto& node : lab->status())
      if (!node.faults.healthy()) fmt::print("fault at {}: {}\n", node.node, lab::to_string(node.faults));
  }
  return all_healthy(nodes) ? 0 : 1;
}

int down(const std::string& name) {
  auto was = lab::Lab::down(name);
  if (!was) return failed(was.error());
  fmt::print("lab {} {}\n", name, *was ? "is down" : "was not up");
  return 0;
}

int list() {
  auto labs = lab::Lab::list();
  if (!labs) return failed(labs.error());
  if (labs->empty()) {
    fmt::print("no labs; make one with: radial lab up FABRIC.yaml\n");
    return 0;
  }
  Table table({"LAB", "CONDITION", "NODES", "SINCE", "FABRIC"});
  const auto now = std::chrono::system_clock::now();
  for (const auto& lab : *labs)
    table.add({lab.name, std::string(lab::to_string(lab.condition)), fmt::format("{}/{}", lab.alive, lab.nodes),
               duration_text(std::chrono::duration_cast<std::chrono::seconds>(now - lab.since).count()) + " ago", lab.fabric_path});
  fmt::print("{}", table.to_string());
  return 0;
}

int ping(const std::string& name) {
  auto lab = lab::Lab::open(name);
  if (!lab) return failed(lab.error());
  auto matrix = lab->ping_matrix();
  if (!matrix) return failed(matrix.error());
  Table table({"FROM", "TO", "ANSWERED", "ROUND TRIP"});
  for (const auto& result : matrix->results)
    table.add({result.from, result.to, fmt::format("{}/{}", result.received, result.sent),
               result.received > 0 ? fmt::format("{:.2f} ms", static_cast<double>(result.average.count()) / 1000.0) : "-"});
  const auto failures = matrix->failures().size();
  fmt::print("{}\n", table.to_string());
  if (failures == 0) fmt::print("every LAN reaches every other: {} of {} pings answered\n", matrix->results.size(), matrix->results.size());
  else fmt::print("{} of {} pairs have no connection\n", failures, matrix->results.size());
  return failures == 0 ? 0 : 1;
}

struct FaultOptions {
  std::string name;
  std::string node;
  bool carrier = false;
  std::string rate;
  double loss = -1;
  int mtu = 0;
  bool icmp = false;
};

int set_fault(const FaultOptions& options) {
  auto lab = lab::Lab::open(options.name);
  if (!lab) return failed(lab.error());
  auto faults = lab->faults(options.node);
  if (!options.rate.empty()) {
    auto rate = lab::parse_rate(options.rate);
    if (!rate) return failed(rate.error());
    faults.rate = *rate;
  }
  if (options.loss >= 0) faults.loss = options.loss;
  if (options.mtu > 0) {
    faults.mtu = options.mtu;
    faults.mtu_icmp = options.icmp;
  }
  if (options.carrier) faults.carrier = false;
  // Nothing more special asked for: a plain cut.
  if (options.rate.empty() && options.loss < 0 && options.mtu == 0 && !options.carrier) faults.cut = true;
  if (const auto set = lab->set_faults(options.node, faults); !set) return failed(set.error());
  fmt::print("{}: {}; undo with: radial lab heal {} {}\n", options.node, lab::to_string(faults), lab->name(), options.node);
  return 0;
}

int heal(const std::string& name, const std::string& node) {
  auto lab = lab::Lab::open(name);
  if (!lab) return failed(lab.error());
  const auto healed = node.empty() ? lab->heal_all() : lab->heal(node);
  if (!healed) return failed(healed.error());
  fmt::print("{}: healthy\n", node.empty() ? "every link" : node);
  return 0;
}

int exec(const std::string& name, const std::string& place, const std::vector<std::string>& argv) {
  auto lab = lab::Lab::open(name);
  if (!lab) return failed(lab.error());
  auto code = lab->exec(place, argv.empty() ? std::vector<std::string>{"bash"} : argv);
  if (!code) return failed(code.error());
  return *code;
}

}  // namespace

void add_lab_commands(CLI::App& app, int& exit_code) {
  auto* lab = app.add_subcommand("lab", "A whole fabric on this machine, in network namespaces: demo, test, rehearsal");
  lab->require_subcommand(1);
  auto name = std::make_shared<std::string>();
  const auto with_name = [name](CLI::App* command) {
    command->add_option("LAB", *name, "the lab's name (radial lab list)")->required();
    return command;
  };

  auto options = std::make_shared<UpOptions>();
  auto* up_command = lab->add_subcommand("up", "Bring a fabric up: a namespace a node, with real WireGuard, FRR and radiald");
  up_command->add_option("FABRIC", options->file, "the fabric file")->required();
  up_command->add_option("--name", options->name, "the lab's name; default: the fabric's");
  auto* frr = up_command->add_option("--frr", options->frr, "FRR version of all nodes (10.3) or of one (NODE=10.3); default: this machine's");
  up_command->add_flag("--replace", options->replace, "take down a lab of this name first");
  up_command->add_flag("--no-wait", options->no_wait, "do not wait until every LAN reaches every LAN");
  up_command->add_flag("--bare", options->bare, "only the machines: to rehearse radial init, invite and join on them")->excludes(frr);
  up_command->add_option("--deadline", options->deadline, "seconds to wait for that")->capture_default_str()->check(CLI::Range(1, 3600));
  up_command->callback([&exit_code, options] { exit_code = up(*options); });

  auto* down_command = with_name(lab->add_subcommand("down", "Take a lab down, whole or half-built"));
  down_command->callback([&exit_code, name] { exit_code = down(*name); });

  auto routes = std::make_shared<bool>(false);
  auto json = std::make_shared<bool>(false);
  auto* status_command = with_name(lab->add_subcommand("status", "Every node of a lab at a glance, and what is wrong with it"));
  status_command->add_flag("--routes", *routes, "also every wire, adjacency and route");
  status_command->add_flag("--json", *json, "for programs");
  status_command->callback([&exit_code, name, routes, json] { exit_code = status(*name, *routes, *json); });

  auto* list_command = lab->add_subcommand("list", "The labs on this machine");
  list_command->callback([&exit_code] { exit_code = list(); });

  auto* ping_command = with_name(lab->add_subcommand("ping", "Ping from every LAN to every other LAN"));
  ping_command->callback([&exit_code, name] { exit_code = ping(*name); });

  auto place = std::make_shared<std::string>();
  auto argv = std::make_shared<std::vector<std::string>>();
  auto* exec_command = with_name(lab->add_subcommand("exec", "Run a program in a node (fra1), behind its LAN (fra1.lan0), or in 'internet'"));
  exec_command->add_option("PLACE", *place, "where")->required();
  exec_command->add_option("COMMAND", *argv, "what, after -- where it has options: exec LAB fra1 -- vtysh -c 'show ip route'; default: bash");
  exec_command->callback([&exit_code, name, place, argv] { exit_code = exec(*name, *place, *argv); });

  auto fault = std::make_shared<FaultOptions>();
  auto* cut_command = lab->add_subcommand("cut", "Cut a node's link to the internet, or make it slow, lossy or narrow");
  cut_command->add_option("LAB", fault->name, "the lab's name")->required();
  cut_command->add_option("NODE", fault->node, "a node")->required();
  cut_command->add_flag("--carrier", fault->carrier, "the cable is out: the link loses its carrier (default: packets vanish)");
  cut_command->add_option("--rate", fault->rate, "limit it, e.g. 10mbit");
  cut_command->add_option("--loss", fault->loss, "lose this per cent of packets");
  auto* mtu = cut_command->add_option("--mtu", fault->mtu, "drop packets larger than this, silently");
  cut_command->add_flag("--icmp", fault->icmp, "with --mtu: answer them with 'fragmentation needed'")->needs(mtu);
  cut_command->callback([&exit_code, fault] { exit_code = set_fault(*fault); });

  auto healed = std::make_shared<std::string>();
  auto* heal_command = with_name(lab->add_subcommand("heal", "Put a node's link right again; without NODE, every link"));
  heal_command->add_option("NODE", *healed, "a node");
  heal_command->callback([&exit_code, name, healed] { exit_code = heal(*name, *healed); });
}

}  // namespace radial::cli
