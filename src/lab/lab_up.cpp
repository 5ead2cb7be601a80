// Lab::up: from a fabric to running nodes.
#include <algorithm>
#include <thread>

#include "base/file.h"
#include "base/key.h"
#include "compile/compile.h"
#include "fabric/address_plan.h"
#include "fabric/facts.h"
#include "host/wireguard.h"
#include "lab/frr_daemons.h"
#include "lab/init.h"
#include "lab/lab.h"
#include "lab/parallel.h"
#include "lab/remains.h"
#include "lab/state.h"
#include "lab/wiring.h"

namespace radial::lab {
namespace {

using namespace std::chrono_literals;

constexpr auto frr_patience = 20s;

std::filesystem::path beside_this_program(std::string_view program) {
  std::error_code ignored;
  return std::filesystem::read_symlink("/proc/self/exe", ignored).parent_path() / program;
}

// A Debian machine as it boots: no forwarding, loose reverse path filter
// (systemd's 50-default.conf). Said outright, as a new namespace inherits the
// machine's own.
std::vector<std::pair<std::string, std::string>> node_sysctls() {
  return {{"net.ipv4.ip_forward", "0"},
          {"net.ipv4.conf.all.rp_filter", "0"},
          {"net.ipv4.conf.default.rp_filter", "2"},
          {"net.ipv6.conf.all.forwarding", "0"}};
}

std::vector<std::pair<std::string, std::string>> internet_sysctls() {
  return {{"net.ipv4.ip_forward", "1"},
          {"net.ipv4.conf.all.rp_filter", "0"},
          {"net.ipv4.conf.default.rp_filter", "0"},
          {"net.ipv6.conf.all.forwarding", "1"},
          {"net.ipv4.fwmark_reflect", "1"},  // faults.cpp tells silent links by a mark
          {"net.ipv6.fwmark_reflect", "1"},
          // A path MTU must be told to every sender, however many there are at once.
          {"net.ipv4.icmp_ratelimit", "0"},
          {"net.ipv6.icmp.ratelimit", "0"}};
}

}  // namespace

// One up(), from its options to a lab. Members are set in the order of the
// stages; parallel stages touch only their own node.
struct Lab::Build {
  const Fabric& fabric;
  LabOptions options;
  const Progress& progress;

  LabState state;
  FabricFacts facts;
  std::vector<PrivateKey> keys;        // by node of the plan
  std::vector<FrrChoice> frr;          // likewise
  std::string hosts;

  [[nodiscard]] std::size_t count() const { return state.plan.nodes.size(); }

  Status decide() {
    if (options.bare) {
      options.start_radiald = false;
      options.daemons.clear();
    }
    RADIAL_ASSIGN(state.plan, plan_lab(fabric, options.name));
    state.fabric_path = options.fabric_path;
    state.since = std::chrono::system_clock::to_time_t(std::chrono::system_clock::now());
    state.with_radiald = options.start_radiald;
    if (options.radiald.empty()) options.radiald = beside_this_program("radiald");
    if (options.start_radiald && !std::filesystem::exists(options.radiald))
      return fail(Errc::not_found, "{} is not there; build it, or name another", options.radiald.string());
    for (const auto& [node, version] : options.frr_of)
      if (fabric.find_hub(node) == nullptr && fabric.find_site(node) == nullptr)
        return fail(Errc::not_found, "FRR {} was asked for {}, which is no node of this fabric", version, node);
    RADIAL_ASSIGN(facts.addresses, plan_addresses(fabric, {}));
    std::string wireguard;  // what each radiald will choose
    if (options.start_radiald) {
      RADIAL_ASSIGN(const auto chosen, host::open_wireguard(host::userspace_wireguards(options.radiald.parent_path())));
      wireguard = chosen->implementation();
    }
    std::map<std::string, FrrChoice> known;
    for (auto& node : state.plan.nodes) {
      keys.push_back(PrivateKey::generate());
      auto& fact = facts.nodes[node.name];
      fact.public_key = keys.back().public_key();
      fact.wireguard = wireguard;
      frr.emplace_back();
      if (!options.start_frr) continue;
      const auto wish = options.frr_of.find(node.name);
      const auto& wanted = wish == options.frr_of.end() ? options.frr : wish->second;
      if (!known.contains(wanted)) { RADIAL_ASSIGN(known[wanted], choose_frr(wanted)); }
      frr.back() = known[wanted];
      node.frr = frr.back().version;
      node.frr_root = frr.back().root;
      RADIAL_ASSIGN(fact.frr, FrrVersion::parse(node.frr));
    }
    hosts = hosts_file(state.plan);
    if (options.start_frr && !options.bare) RADIAL_TRY(add_needed_daemons());
    return {};
  }

  // As `radial init` and `radial join` would enable them; the same at every node.
  Status add_needed_daemons() {
    for (const auto& node : state.plan.nodes) {
      RADIAL_ASSIGN(const auto config, compile_node(fabric, facts, node.name));
      for (const auto& stanza : config.frr)
        if (!is_always_there(stanza.daemon)) options.daemons.insert(stanza.daemon);
    }
    state.daemons = options.daemons;
    return {};
  }

  Status make_state_folder() {
    RADIAL_TRY(make_directories(state_base(), 0700));
    RADIAL_TRY(make_directories(state_folder(options.name), 0700));
    for (const auto* node : state.plan.everybody()) RADIAL_TRY(make_directories(state_folder(options.name) / node->name, 0700));
    return save_state(state);
  }

  // For a stage's nodes, done in parallel, with progress told.
  Status stage(const std::string& name, const std::function<Status(std::size_t)>& work) {
    return for_each_parallel(count(), options.parallel, work, [&](std::size_t done) {
      if (progress) progress(name, done, count());
    });
  }

  InitSpec base_spec(const LabNode& node) {
    InitSpec spec;
    spec.hostname = node.name;
    spec.netns = node.netns;
    spec.folders = {{"/run/netns", 0755, false, false}, {"/run/lock", 0755, false, false}};
    // Without a name server that answers, a name that is not in hosts fails at once.
    spec.files = {{"/etc/hosts", hosts, 0644, false}, {"/etc/resolv.conf", "nameserver 127.0.0.1\noptions timeout:1 attempts:1\n", 0644, false}};
    return spec;
  }

  InitSpec node_spec(std::size_t i) {
    const auto& node = state.plan.nodes[i];
    auto spec = base_spec(node);
    for (const auto& host : node.lans) spec.lan_netns.push_back(host.netns);
    spec.sysctls = node_sysctls();
    for (const auto* path : {"/run/wireguard", "/run/radial", "/etc/radial", "/var/lib/radial"})
      spec.folders.push_back({path, 0700, false, false});
    if (!options.bare) {
      spec.files.push_back({"/etc/radial/fabric.yaml", options.fabric_text, 0644, false});
      spec.files.push_back({"/etc/radial/facts.json", facts.to_json(), 0644, false});
      spec.files.push_back({"/etc/radial/node", node.name + "\n", 0644, false});
    }
    if (options.start_frr) add_frr(spec, frr[i], options.daemons);
    return spec;
  }

  Status start_node(LabNode& node, const InitSpec& spec) {
    RADIAL_ASSIGN(const auto init, start_init(options.name, node.name, spec));
    node.pid = init.pid;
    node.start_time = init.start_time;
    return {};
  }

  Status place_key(const Lab& lab, std::size_t i) {
    RADIAL_ASSIGN(const auto path, lab.path_in(state.plan.nodes[i].name, "/etc/radial/private.key"));
    auto text = keys[i].reveal_base64() + "\n";
    auto written = write_file_atomically(path, text, 0600);
    wipe(text);
    return written;
  }

  Status start_frr(const Lab& lab, std::size_t i) {
    const auto& node = state.plan.nodes[i].name;
    RADIAL_ASSIGN(const auto started, lab.run(node, {"lab-frr", "start"}));
    const auto end = std::chrono::steady_clock::now() + frr_patience;
    for (const auto& daemon : running_daemons(frr[i], options.daemons)) {
      RADIAL_ASSIGN(const auto socket, lab.path_in(node, fmt::format("/run/frr/{}.vty", daemon)));
      while (!std::filesystem::exists(socket)) {
        if (std::chrono::steady_clock::now() > end)
          return fail(Errc::timeout, "{} of FRR {} did not start in {}: {}{}", daemon, frr[i].version, node, started.out, started.err);
        std::this_thread::sleep_for(5ms);
      }
    }
    return {};
  }

  Result<Lab> run() {
    auto& plan = state.plan;
    RADIAL_TRY(make_state_folder());
    auto internet_spec = base_spec(plan.internet);
    internet_spec.sysctls = internet_sysctls();
    RADIAL_TRY(start_node(plan.internet, internet_spec));
    RADIAL_TRY(stage("namespaces", [&](std::size_t i) { return start_node(plan.nodes[i], node_spec(i)); }));
    RADIAL_TRY(save_state(state));
    Lab lab(options.name, plan);
    RADIAL_TRY(wire_internet(plan));
    RADIAL_TRY(stage("links", [&](std::size_t i) { return wire_node(plan.nodes[i]); }));
    if (!options.bare)
      for (std::size_t i = 0; i < count(); ++i) RADIAL_TRY(place_key(lab, i));
    if (options.prepare)
      RADIAL_TRY(stage("preparation", [&](std::size_t i) { return options.prepare(lab, plan.nodes[i].name); }));
    if (options.start_frr) RADIAL_TRY(stage("FRR", [&](std::size_t i) { return start_frr(lab, i); }));
    if (options.start_radiald)
      RADIAL_TRY(stage("radiald", [&](std::size_t i) { return lab.start_radiald(plan.nodes[i].name, options.radiald); }));
    state.complete = true;
    RADIAL_TRY(save_state(state));
    return lab;
  }
};

Status Lab::start_radiald(const std::string& node, std::filesystem::path program) const {
  if (program.empty()) program = beside_this_program("radiald");
  return start(node, {program.string(), "--config", "/etc/radial", "--state", "/var/lib/radial", "--run", "/run/radial"},
               log_of(node));
}

Result<Lab> Lab::up(const Fabric& fabric, LabOptions options, const Progress& progress) {
  if (!lab_init_available())
    return fail(Errc::internal, "this program does not call dispatch_lab_init() first thing in main()");
  if (::geteuid() != 0) return fail(Errc::permission_denied, "a lab needs namespaces: run as root");
  if (options.name.empty()) options.name = fabric.name;
  RADIAL_TRY(check_lab_name(options.name));
  const auto name = options.name;
  const bool replace = options.replace;
  Build build{.fabric = fabric, .options = std::move(options), .progress = progress, .state = {}, .facts = {},
              .keys = {}, .frr = {}, .hosts = {}};
  RADIAL_TRY(build.decide());
  RADIAL_ASSIGN(const auto lock, lock_lab(name, 2s));
  if (const auto before = open(name); before && !replace && before->condition() == LabCondition::up)
    return fail(Errc::conflict, "lab '{}' is up already; take it down first, or replace it with --replace", name);
  RADIAL_TRY(remove_remains(name));
  auto lab = build.run();
  if (lab) return lab;
  // The reason comes first; what cannot be cleared away now, the next up() finds.
  if (auto cleared = remove_remains(name); !cleared)
    return forward_error(std::move(lab.error()).within(fmt::format("({})", cleared.error().message)));
  remove_lock_file(name);
  return forward_error(std::move(lab.error()).within(fmt::format("lab '{}'", name)));
}

}  // namespace radial::lab
