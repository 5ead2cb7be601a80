#include "agent/daemon.h"

#include <algorithm>
#include <chrono>
#include <csignal>
#include <ctime>
#include <list>
#include <set>

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <malloc.h>
#include <nlohmann/json.hpp>
#include <sys/stat.h>

#include "agent/api_route.h"
#include "agent/bgp_watch.h"
#include "agent/change_member.h"
#include "agent/clock_finding.h"
#include "agent/controller_role.h"
#include "agent/frr_service.h"
#include "agent/guard.h"
#include "agent/http_server.h"
#include "agent/hub_talk.h"
#include "agent/key_arrivals.h"
#include "agent/liveness.h"
#include "agent/machine.h"
#include "agent/member_role.h"
#include "agent/nbma_keeper.h"
#include "agent/node_change.h"
#include "agent/openapi.h"
#include "agent/ospf_relay.h"
#include "agent/peer_endpoints.h"
#include "agent/reconciler.h"
#include "agent/route_reader.h"
#include "agent/settings.h"
#include "agent/snapshotter.h"
#include "agent/steerer.h"
#include "agent/wire_listener.h"
#include "base/file.h"
#include "base/log.h"
#include "base/version.h"
#include "compile/json.h"
#include "observe/diagnose.h"

namespace radial::agent {
namespace {

namespace asio = boost::asio;
using Json = nlohmann::ordered_json;
using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

// What brings no event of its own (a line of FRR) is found by looking; events
// bring the rest sooner.
constexpr auto audit_interval = 5s;
// After a change: mgmtd (FRR 10) says that it is made before zebra has it, and now and then in place of that.
constexpr auto look_again = 1s;
// Looking costs in proportion to the fabric: a large one is looked at less
// often, so that it takes a thousandth part of a processor at most; but a small
// one on a slow machine not much later.
constexpr int audit_share = 1000;
constexpr std::chrono::milliseconds least_longest_audit_interval = 30s;
constexpr auto longer_for_a_peer = 90ms;  // 2 minutes with 1,000
constexpr auto worth_trimming = 20ms;
constexpr auto tick_interval = 1s;
constexpr auto settle = 50ms;   // a burst of events is one reconciliation
constexpr auto retry_after_problem = 2s;
constexpr auto turmoil = 60s;   // after a change, until routers have nothing to say of it any more
constexpr auto report_interval = 5s;    // of a controller's hub to itself
constexpr std::chrono::milliseconds least_served_interval = 4s;  // what a hub serves of its sites, for the log
constexpr std::chrono::milliseconds longest_served_interval = 60s;
constexpr std::size_t most_findings_told = 32;
constexpr std::size_t most_moves_logged = 20;  // of one steering step

// A descriptor of somebody else's that wakes the loop; not closed here.
class Watched {
 public:
  Watched(asio::io_context& loop, int fd, std::function<void()> readable)
      : descriptor_(loop, fd), readable_(std::move(readable)) {
    wait();
  }
  ~Watched() { descriptor_.release(); }
  Watched(const Watched&) = delete;
  Watched& operator=(const Watched&) = delete;

 private:
  void wait() {
    descriptor_.async_wait(asio::posix::stream_descriptor::wait_read, [this](const boost::system::error_code& error) {
      if (error) return;
      readable_();
      wait();
    });
  }
  asio::posix::stream_descriptor descriptor_;
  std::function<void()> readable_;
};

Response outcome_response(const Outcome& outcome, bool dry_run) {
  return {200, written({{"dry_run", dry_run}, {"changes", outcome.changes}, {"problems", outcome.problems}})};
}

// Of this process, so far.
std::chrono::nanoseconds processor_time() {
  timespec spent{};
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &spent);
  return std::chrono::seconds(spent.tv_sec) + std::chrono::nanoseconds(spent.tv_nsec);
}

class Daemon {
 public:
  // What every node answers on its UNIX socket.
  static const auto& table() {
    using Row = ServedRoute<Daemon>;
    static constexpr std::array rows = {
        Row{{"POST", "/v1/apply", Where::node, Caller::root}, &Daemon::apply},
        Row{{"GET", "/v1/config", Where::node, Caller::reader}, &Daemon::config},
        Row{{"POST", "/v1/down", Where::node, Caller::root}, &Daemon::down},
        Row{{"GET", "/v1/openapi.json", Where::node, Caller::reader}, &Daemon::description},
        Row{{"POST", "/v1/plan", Where::node, Caller::root}, &Daemon::plan},
        Row{{"POST", "/v1/readmit", Where::node, Caller::root}, &Daemon::readmit},
        Row{{"GET", "/v1/routes", Where::node, Caller::reader}, &Daemon::routes},
        Row{{"GET", "/v1/status", Where::node, Caller::reader}, &Daemon::status},
        Row{{"POST", "/v1/up", Where::node, Caller::root}, &Daemon::up},
    };
    return rows;
  }

  Daemon(const Paths& paths, Identity identity, Host machine, host::NetworkMonitor network, host::FirewallMonitor firewall,
         host::RouteWatch routes, std::vector<host::OspfListener> ospf, host::BgpListener bgp, CutOffs cut_offs,
         host::EchoProbe echo)
      : paths_(paths),
        identity_(std::move(identity)),
        host_(std::move(machine)),
        network_monitor_(std::move(network)),
        firewall_monitor_(std::move(firewall)),
        endpoints_(loop_, paths_.peer_places(), [this] { reconcile_in(0ms); }),
        key_arrivals_(loop_, *host_.wireguard, [this] { move_to_arrived_keys(); }),
        steerer_(host_, std::move(routes)),
        reconciler_(host_, paths_, identity_.key, endpoints_,
                    [this](const Wire& wire, const auto& observed) { return steerer_.allowed_ips(wire, observed); }),
        reconcile_timer_(loop_),
        steer_timer_(loop_),
        tick_timer_(loop_),
        report_timer_(loop_),
        guard_(host_.frr, paths_, std::move(ospf), std::move(cut_offs)),
        hub_talk_(loop_, [this](const IpAddress& hub, const HubMessage& message) { hub_said(hub, message); }),
        bgp_watch_(host_.frr, std::move(bgp)),
        liveness_(std::move(echo)),
        signals_(loop_, SIGTERM, SIGINT),
        change_(loop_, paths_, change_hooks()) {}

  // The configuration to start with: from the files, or the last good one.
  // Where it comes from: a controller here, a controller elsewhere, or a file.
  Status load() {
    change_.recover();
    auto role = ControllerRole::open(paths_, identity_.node, [this] { controller_changed(); });
    if (!role) return without_store(role.error());
    controller_ = std::move(*role);
    if (controller_) {
      controller_->changes().set_hub({[this] { return change_.report(); }, [this](const auto& instruction) { change_.obey(instruction); }});
      controller_->on_switch([this] { key_arrivals_.watch(); });
      return follow_controller();
    }
    RADIAL_ASSIGN(const auto elsewhere, load_controller_address(paths_));
    if (elsewhere) return load_assigned(*elsewhere);
    return load_files();
  }

  Status take_keyring() {
    RADIAL_ASSIGN(auto keyring, load_keyring(paths_.secrets()));
    reconciler_.set_keyring(std::move(keyring));
    return {};
  }

  // A store that cannot be read is no reason to leave the sites alone: the hub
  // goes on with what it last ran, and says that nobody can change it.
  Status without_store(const Error& why) {
    auto last = load_last_good(paths_, startup_problem_);
    if (!last) return Unexpected(why);
    RADIAL_TRY(take_keyring());
    startup_problem_ = fmt::format("no controller here: {}. Running the last good configuration; 'radial restore' of a backup "
                                   "brings the controller back", why.message);
    spdlog::error("{}", startup_problem_);
    config_ = std::move(*last);
    return {};
  }

  Status load_assigned(const ControllerAddress& controller) {
    RADIAL_TRY(take_keyring());
    RADIAL_ASSIGN(auto keyring, load_keyring(paths_.secrets()));
    RADIAL_ASSIGN(auto assignment, load_assignment(paths_, startup_problem_));
    take(assignment);
    MemberRole::Node node;
    node.report = [this] { return report(); };
    node.served = [this] { return served(); };
    node.changed = [this](const Assignment& newer, std::optional<Keyring> keys) {
      if (keys) reconciler_.set_keyring(std::move(*keys));
      if (!change_.on_trial()) take(newer);
    };
    node.rekeyed = [this](PrivateKey key) {
      identity_.key = std::move(key);
      reconcile();
    };
    node.poked = [this] {
      key_arrivals_.watch();
      if (change_member_) change_member_->soon();
    };
    node.busy = [this] { return change_.on_trial(); };
    node.astray = [this](const NodeConfig& before, const NodeConfig& now) {
      const auto snapshot = take_snapshot(host_, now, guard_.mtus());
      return worse_than(endpoints_.complaints(before, snapshot), endpoints_.complaints(now, snapshot));
    };
    member_ = std::make_unique<MemberRole>(loop_, paths_, controller, std::move(keyring), std::move(assignment), std::move(node));
    change_member_ = std::make_unique<ChangeMember>(loop_, *member_, change_);
    return {};
  }

  Status load_files() {
    RADIAL_TRY(take_keyring());
    auto compiled = compile_from_files();
    if (compiled) {
      config_ = std::move(compiled->config);
      return keep_facts(compiled->facts);
    }
    auto last = load_last_good(paths_, startup_problem_);
    if (!last) return forward_error(std::move(compiled.error()));
    startup_problem_ = fmt::format("the files in {} are unusable, running the last good configuration: {}",
                                   paths_.config.string(), compiled.error().message);
    spdlog::error("{}", startup_problem_);
    config_ = std::move(*last);
    return {};
  }

  Status run() {
    down_ = std::filesystem::exists(paths_.down_marker());
    RADIAL_ASSIGN(server_, HttpServer::listen(loop_, paths_.socket(), [this](const Request& request) { return handle(request); }));
    if (controller_) RADIAL_TRY(controller_->serve(loop_));
    const Watched network(loop_, network_monitor_.fd(), [this] { network_changed(); });
    const Watched firewall(loop_, firewall_monitor_.fd(), [this] {
      if (firewall_monitor_.drain()) reconcile_in(settle);
    });
    const Watched routes(loop_, steerer_.fd(), [this] { steer(); });
    std::list<Watched> ospf;
    for (const int fd : guard_.fds())
      ospf.emplace_back(loop_, fd, [this] {
        if (guard_.hear(Clock::now()) && !down_) reconcile();
      });
    const Watched bgp(loop_, bgp_watch_.fd(), [this] { bgp_watch_.hear(Clock::now()); });
    const Watched echo(loop_, liveness_.fd(), [this] {
      if (liveness_.hear(Clock::now()) && !down_) reconcile();
    });
    signals_.async_wait([this](const boost::system::error_code& error, int) {
      if (!error) loop_.stop();
    });
    spdlog::info("node {} of fabric {}, WireGuard by {}", config_.node, config_.fabric, host_.wireguard->implementation());
    reconcile_in(0ms);
    tick();
    loop_.run();
    spdlog::info("stopping; the network stays as it is");
    endpoints_.save();
    server_.reset();
    return {};
  }

 private:
  using Body = nlohmann::json;

  void take(const Assignment& assigned) {
    assigned_ = assigned;
    key_arrivals_.follow(assigned_.config);
    (void)key_arrivals_.look();
    auto config = key_arrivals_.with_arrived(assigned_.config);
    if (config != config_) applied_once_ = false;
    config_ = std::move(config);
    key_arrivals_.watch();
    reconcile_in(0ms);
  }

  NodeChange::Hooks change_hooks() {
    NodeChange::Hooks hooks;
    hooks.present = [this]() -> const Assignment& { return assigned_; };
    hooks.compare = [this](const NodeConfig& config) { return reconciler_.reconcile(in_force(config), Mode::dry_run); };
    hooks.look = [this](const NodeConfig& config) { return look(config); };
    hooks.run = [this](const Assignment& change, bool on_trial) { run_change(change, on_trial); };
    hooks.keep = [this](const Assignment& change) -> Status {
      if (!member_) return {};  // the controller's store has it
      return member_->adopt(change);
    };
    return hooks;
  }

  // A controller's hub goes back to what its store says now: somebody may have
  // been revoked meanwhile.
  void run_change(const Assignment& change, bool on_trial) {
    reconciler_.set_saving(!on_trial);
    guard_.expect_turmoil(Clock::now() + turmoil);
    assigned_ = change;
    key_arrivals_.follow(change.config);
    config_ = key_arrivals_.with_arrived(change.config);
    applied_once_ = false;
    if (controller_ && !on_trial) controller_changed();
    reconcile();
  }

  Complaints look(const NodeConfig& config) {
    auto snapshot = take_snapshot(host_, config, guard_.mtus());
    if (down_) snapshot.state = "down";
    snapshot.problems = outcome_.problems;
    observe::diagnose(config, snapshot, {});
    auto complaints = complaints_of(snapshot);
    complaints.merge(endpoints_.complaints(config, snapshot));
    return complaints;
  }

  // A site that changed to its new key: what belongs to it moves there.
  void move_to_arrived_keys() {
    if (down_ || !key_arrivals_.look()) return;
    config_ = key_arrivals_.with_arrived(assigned_.config);
    reconcile();
  }

  control::Report report() {
    control::Report report;
    report.key = identity_.key.public_key();
    report.applied = applied_digest_;
    if (const auto version = host_.frr.version())
      if (const auto parsed = FrrVersion::parse(*version)) report.frr = *parsed;
    report.wireguard = host_.wireguard->implementation();
    report.radial = version();
    if (member_) report.held_back = member_->held_back_revision();
    if (config_.role != NodeRole::hub) return report;
    for (const auto& finding : routing_findings()) {
      if (report.findings.size() >= most_findings_told) break;
      report.findings.push_back(fmt::format("{} {}; {}", finding.subject, finding.what, finding.cause));
    }
    return report;
  }

  // Of a hub, and not more often than is cheap; nothing: it was told a moment ago.
  std::optional<control::ServedSites> served() {
    if (config_.role != NodeRole::hub || Clock::now() < next_served_) return std::nullopt;
    const auto before = processor_time();
    auto sites = served_sites(host_, config_);
    const auto spent = std::chrono::duration_cast<std::chrono::milliseconds>(processor_time() - before);
    next_served_ = Clock::now() + std::clamp<std::chrono::milliseconds>(spent * audit_share, least_served_interval, longest_served_interval);
    return sites;
  }

  void report_to_self() {
    next_report_ = Clock::now() + report_interval;
    controller_->heard_from_self(report(), served());
  }

  void hub_said(const IpAddress& hub, const HubMessage& message) {
    if (!message.answers) hub_talk_.send(hub, guard_.answer(message));
    else if (guard_.answered(Clock::now(), hub, message) && !down_) reconcile();
  }

  // What this node refuses, and whom it cut off.
  std::vector<observe::Finding> routing_findings() {
    auto found = guard_.findings();
    for (auto& finding : bgp_watch_.findings()) found.push_back(std::move(finding));
    for (const auto& finding : steerer_.findings())
      found.push_back({observe::Severity::warning, fmt::format("prefix {}", finding.prefix),
                       "is in the FIB of this hub, and its wire will not carry it", describe(finding),
                       "ip route show " + finding.prefix.to_string() + " says who installed it"});
    return found;
  }

  // This hub as its controller's store has it.
  Status follow_controller() {
    RADIAL_ASSIGN(const auto config, change_.on_trial() ? controller_->trial_config() : controller_->config());
    RADIAL_ASSIGN(auto keyring, controller_->keyring());
    keep_keyring(keyring);
    RADIAL_ASSIGN(auto quarantine, controller_->quarantine());
    std::set<PublicKey> guests;
    for (const auto& guest : quarantine.guests) guests.insert(guest.public_key);
    steerer_.set_guests(std::move(guests));
    reconciler_.set_keyring(std::move(keyring));
    reconciler_.set_quarantine(std::move(quarantine));
    take({0, config, control::digest_of_config(config)});  // revisions are the store's
    return {};
  }

  // For the day when the store cannot be read.
  void keep_keyring(const Keyring& keyring) {
    const auto kept = load_keyring(paths_.secrets());
    if (kept && kept->equals(keyring)) return;
    if (auto saved = save_keyring(paths_.secrets(), keyring); !saved) spdlog::error("{}", saved.error().message);
  }

  void controller_changed() {
    if (auto followed = follow_controller(); !followed) spdlog::error("{}", followed.error().message);
  }

  Result<Compiled> compile_from_files() {
    RADIAL_ASSIGN(const auto text, read_file(paths_.fabric(), 4U << 20U));
    RADIAL_ASSIGN(auto facts, load_facts(paths_));
    return compile_for(identity_.node, text, paths_.fabric().string(), std::move(facts));
  }

  Status keep_facts(const FabricFacts& facts) {
    RADIAL_ASSIGN(const auto on_disk, load_facts(paths_));
    if (on_disk == facts) return {};
    return write_file_atomically(paths_.facts(), facts.to_json(), 0644);
  }

  void network_changed() {
    auto events = network_monitor_.drain();
    if (!events || events->links || events->addresses || events->sysctls || events->overflow) reconcile_in(settle);
  }

  // At most one reconciliation is ever waiting; the earliest wish wins.
  void reconcile_in(std::chrono::milliseconds delay) {
    const auto when = Clock::now() + delay;
    if (waiting_ && reconcile_timer_.expiry() <= when) return;
    waiting_ = true;
    reconcile_timer_.expires_at(when);
    reconcile_timer_.async_wait([this](const boost::system::error_code& error) {
      if (error) return;  // moved to an earlier moment
      waiting_ = false;
      reconcile();
    });
  }

  void reconcile() {
    if (down_) return;
    const auto before = processor_time();
    note(make_it_so());
    const auto spent = std::chrono::duration_cast<std::chrono::milliseconds>(processor_time() - before);
    remember_daemons();
    tell_applied();
    steerer_.follow(config_);
    steer();
    listener_.follow(config_);
    reconcile_in(until_next_audit(spent));
  }

  // What was just changed is looked at again soon.
  [[nodiscard]] std::chrono::milliseconds until_next_audit(std::chrono::milliseconds spent) const {
    if (!outcome_.problems.empty()) return retry_after_problem;
    if (!outcome_.changes.empty() || outcome_.unsettled) return look_again;
    // FRR's configuration of a large fabric was megabytes; glibc would keep them.
    if (spent > worth_trimming) ::malloc_trim(0);
    auto longest = least_longest_audit_interval;
    for (const auto& wire : config_.wires) longest += longer_for_a_peer * static_cast<int>(wire.peers.size());
    return std::clamp<std::chrono::milliseconds>(spent * audit_share, audit_interval, longest);
  }

  void steer() {
    const auto step = steerer_.step(Clock::now());
    for (std::size_t i = 0; i < step.moved.size() && i < most_moves_logged; ++i) spdlog::info("steered {}", step.moved[i]);
    if (step.moved.size() > most_moves_logged) spdlog::info("steered {} more", step.moved.size() - most_moves_logged);
    for (const auto& problem : step.problems) spdlog::warn("{}", problem);
    if (!step.wake_at) {
      steer_timer_.cancel();
      return;
    }
    steer_timer_.expires_at(*step.wake_at);
    steer_timer_.async_wait([this](const boost::system::error_code& error) {
      if (!error) steer();
    });
  }

  Outcome make_it_so() {
    guard_.configure(config_);
    if (const auto talks = hub_talk_.configure(config_); !talks) spdlog::warn("{}", talks.error().message);
    if (const auto relays = ospf_relay_.configure(config_); !relays) spdlog::warn("{}", relays.error().message);
    bgp_watch_.configure(config_);
    liveness_.configure(config_, Clock::now());
    return reconciler_.reconcile(in_force(config_), Mode::apply);
  }

  // The configuration less what is cut off, and what leads to a dead end.
  NodeConfig in_force(NodeConfig config) const {
    return without_silent(guard_.guarded(std::move(config)), liveness_.silent());
  }

  void note(Outcome outcome) {
    const char* verb = applied_once_ ? "repaired" : "applied";
    for (const auto& change : outcome.changes) spdlog::info("{}: {}", verb, change);
    if (outcome.problems != outcome_.problems)
      for (const auto& problem : outcome.problems) spdlog::warn("{}", problem);
    if (outcome.problems.empty() && !applied_once_ && !change_.on_trial()) {
      if (auto saved = save_last_good(paths_, config_); !saved) spdlog::error("{}", saved.error().message);
      applied_once_ = true;
    }
    outcome_ = std::move(outcome);
  }

  // The controller learns at once that a configuration runs here: a revocation
  // or a new key may wait for it. What counts is that the wires are right.
  void tell_applied() {
    const auto of_wire = [](const std::string& problem) { return problem.starts_with("wire "); };
    if (std::any_of(outcome_.problems.begin(), outcome_.problems.end(), of_wire) || applied_digest_ == assigned_.digest) return;
    applied_digest_ = assigned_.digest;
    if (member_) member_->soon();
    if (!controller_) return;
    report_timer_.expires_after(0ms);  // not in the midst of a change
    report_timer_.async_wait([this](const boost::system::error_code& error) {
      if (!error) report_to_self();
    });
  }

  void watch_dialled() {
    const auto watch = endpoints_.watch(config_, *host_.wireguard, Clock::now());
    for (const auto& [wire, peer, at] : watch.insist) {
      spdlog::info("wg {}: {} went back to {}, dialled again", wire.interface, peer.node, at);
      if (auto dialled = reconciler_.dial(wire, peer); !dialled) spdlog::warn("{}", dialled.error().message);
    }
    if (watch.redial) reconcile();
  }

  // FRR's daemons by process: a new one comes up with what was saved, or with
  // nothing, and must be looked at at once.
  std::map<std::string, std::optional<std::int64_t>> daemons_now() {
    std::map<std::string, std::optional<std::int64_t>> now;
    now["zebra"] = host_.frr.incarnation("zebra");
    for (const auto& stanza : config_.frr)
      if (!now.contains(stanza.daemon)) now[stanza.daemon] = host_.frr.incarnation(stanza.daemon);
    return now;
  }

  void remember_daemons() { daemons_ = daemons_now(); }

  void look_after_network() {
    if (daemons_now() != daemons_) reconcile_in(0ms);
    if (guard_.tick(Clock::now())) reconcile();
    for (const auto& [hub, message] : guard_.questions(Clock::now())) hub_talk_.send(hub, message);
    bgp_watch_.tick(Clock::now());
    if (liveness_.tick(host_.network, Clock::now())) reconcile();
    if (const auto done = nbma_.step(Clock::now(), config_)) spdlog::warn("repaired: {}", *done);
    move_to_arrived_keys();
    watch_dialled();
    endpoints_.save_when_due(config_, Clock::now());
  }

  void tick() {
    tick_timer_.expires_after(tick_interval);
    tick_timer_.async_wait([this](const boost::system::error_code& error) {
      if (error) return;
      if (!down_) look_after_network();
      change_.tick(Clock::now());
      if (controller_) controller_->step(*host_.wireguard);
      if (controller_) controller_->changes().step();
      if (controller_ && Clock::now() >= next_report_) report_to_self();
      if (member_ && !change_.on_trial()) member_->step(Clock::now());
      if (change_member_) change_member_->step(Clock::now());
      tick();
    });
  }

  Response handle(const Request& request) {
    if (has_path(table(), request.path)) return answer_by(table(), *this, request);
    if (!ControllerRole::answers(request.path)) return refusal(404, "no such resource: " + request.path.substr(0, 200));
    if (!controller_)
      return refusal(404, startup_problem_.empty() ? "this node is not the controller: ask on the hub that is" : startup_problem_);
    return controller_->handle(request);
  }

  Response description(const Request& /*request*/, const Body& /*body*/) { return {200, std::string(openapi_text())}; }

  Response config(const Request& /*request*/, const Body& /*body*/) { return {200, to_json(config_)}; }

  Response routes(const Request& /*request*/, const Body& /*body*/) {
    return {200, observe::to_json(read_routes(host_, config_, steerer_, bgp_watch_.announced()))};
  }

  Response status(const Request& /*request*/, const Body& /*body*/) {
    auto snapshot = take_snapshot(host_, config_, guard_.mtus());
    listener_.add_foreign(snapshot.wires);
    if (down_) snapshot.state = "down";
    snapshot.problems = outcome_.problems;
    if (!startup_problem_.empty()) snapshot.problems.insert(snapshot.problems.begin(), startup_problem_);
    for (auto& problem : endpoints_.problems()) snapshot.problems.push_back(std::move(problem));
    // Of a site that is cut off no adjacency is expected.
    std::erase_if(snapshot.adjacencies, [&](const auto& one) { return guard_.cut_offs().contains(one.node); });
    auto found = routing_findings();
    if (auto finding = clock_finding(paths_, snapshot, std::chrono::system_clock::now())) found.push_back(std::move(*finding));
    for (auto& finding : frr_start_findings(host_.frr, config_)) found.push_back(std::move(finding));
    for (auto& finding : liveness_.findings(config_)) found.push_back(std::move(finding));
    if (member_)
      for (auto& finding : member_->findings()) found.push_back(std::move(finding));
    observe::diagnose(config_, snapshot, std::move(found));
    return {200, observe::to_json(snapshot)};
  }

  // Nothing on disk or in the network changes unless the fabric is valid and
  // the files could be written.
  Response apply(const Request& request, const Body& body) {
    auto text = body.value("fabric", std::string());
    const auto name = body.value("file", paths_.fabric().string());
    const bool dry_run = body.value("dry_run", false);
    const bool replaces_file = !text.empty();
    if (member_ && replaces_file)
      return refusal(409, "this node's configuration comes from its controller: change it there");
    if (member_) {
      if (!dry_run) reconcile();
      return outcome_response(dry_run ? reconciler_.reconcile(in_force(config_), Mode::dry_run) : outcome_, dry_run);
    }
    if (!replaces_file) {
      auto on_disk = read_file(paths_.fabric(), 4U << 20U);
      if (!on_disk) return refusal(400, on_disk.error().message);
      text = std::move(*on_disk);
    }
    auto facts = controller_ ? controller_->facts_for(text, name) : load_facts(paths_);
    if (!facts) return refusal(controller_ ? 400 : 500, facts.error().message);
    auto compiled = compile_for(identity_.node, text, name, std::move(*facts));
    if (!compiled) return refusal(400, compiled.error().message);
    if (dry_run) return outcome_response(reconciler_.reconcile(in_force(compiled->config), Mode::dry_run), true);
    if (controller_) {
      if (body.value("no_revert", false) || text == controller_->fabric_text()) return apply_revision(request, text);
      control::RolloutOptions options;
      options.seconds = body.value("deadline", options.seconds);
      options.operator_seconds = body.value("confirm", options.operator_seconds);
      options.force = body.value("force", options.force);
      return begin_change(request, options, text, name);
    }
    if (replaces_file)
      if (auto written = write_file_atomically(paths_.fabric(), text, 0644); !written)
        return refusal(500, std::move(written.error()).within("nothing was changed").message);
    if (auto kept = keep_facts(compiled->facts); !kept)
      return refusal(500, std::move(kept.error()).within("nothing was changed in the network").message);
    config_ = std::move(compiled->config);
    startup_problem_.clear();
    applied_once_ = false;
    if (down_) return outcome_response({{}, {"the node is down: 'radial up' applies this"}}, false);
    reconcile();
    return outcome_response(outcome_, false);
  }

  Response begin_change(const Request& request, const control::RolloutOptions& options, const std::string& text, const std::string& name) {
    if (down_) return refusal(409, "the node is down: 'radial up' first");
    auto begun = controller_->begin_change({text, name, request.author(), options.plan ? "radial plan" : "radial apply", options});
    return begun ? std::move(*begun) : refusal(begun.error());
  }

  // Of every node where the controller is; elsewhere of this node alone.
  Response plan(const Request& request, const Body& body) {
    auto text = body.value("fabric", std::string());
    const auto name = body.value("file", paths_.fabric().string());
    if (member_ && !text.empty())
      return refusal(409, "this node's configuration comes from its controller: plan there");
    if (text.empty() && !member_) {
      auto on_disk = read_file(paths_.fabric(), 4U << 20U);
      if (!on_disk) return refusal(400, on_disk.error().message);
      text = std::move(*on_disk);
    }
    if (controller_) {
      control::RolloutOptions options;
      options.plan = true;
      return begin_change(request, options, text, name);
    }
    auto config = config_;
    if (!member_) {
      auto facts = load_facts(paths_);
      if (!facts) return refusal(500, facts.error().message);
      auto compiled = compile_for(identity_.node, text, name, std::move(*facts));
      if (!compiled) return refusal(400, compiled.error().message);
      config = std::move(compiled->config);
    }
    const auto outcome = reconciler_.reconcile(in_force(config), Mode::dry_run);
    Json node{{"node", config.node}, {"state", "staged"}, {"why", ""}, {"changes", outcome.changes}, {"problems", outcome.problems}};
    return {200, written({{"phase", "planned"}, {"revision", 0}, {"reason", ""}, {"seconds_left", 0}, {"nodes", Json::array({node})}})};
  }

  Response readmit(const Request& /*request*/, const Body& body) {
    const auto site = body["site"].get<std::string>();
    if (auto done = guard_.readmit(site, config_.routers); !done) return refusal(done.error());
    spdlog::warn("{} is let back into routing by the operator", site);
    if (down_) return outcome_response({{}, {"the node is down: 'radial up' applies this"}}, false);
    reconcile();
    return outcome_response(outcome_, false);
  }

  // On a controller a change is a revision; the store's word is the node's.
  Response apply_revision(const Request& request, const std::string& text) {
    if (auto set = controller_->set_fabric(text, request.author()); !set)
      return refusal(set.error());
    if (auto followed = follow_controller(); !followed) return refusal(500, followed.error().message);
    startup_problem_.clear();
    if (down_) return outcome_response({{}, {"the node is down: 'radial up' applies this"}}, false);
    reconcile();
    return outcome_response(outcome_, false);
  }

  Response down(const Request& /*request*/, const Body& /*body*/) {
    if (auto marked = write_file_atomically(paths_.down_marker(), "taken down by 'radial down'\n"); !marked)
      return refusal(500, std::move(marked.error()).within("nothing was changed").message);
    down_ = true;
    auto outcome = reconciler_.tear_down();
    steerer_.follow({});
    for (const auto& change : outcome.changes) spdlog::info("down: {}", change);
    outcome_ = {{}, outcome.problems};
    return outcome_response(outcome, false);
  }

  Response up(const Request& /*request*/, const Body& /*body*/) {
    ::unlink(paths_.down_marker().c_str());
    down_ = false;
    applied_once_ = false;
    reconcile();
    return outcome_response(outcome_, false);
  }

  Paths paths_;
  asio::io_context loop_{1};
  Identity identity_;
  Host host_;
  host::NetworkMonitor network_monitor_;
  host::FirewallMonitor firewall_monitor_;
  PeerEndpoints endpoints_;
  KeyArrivals key_arrivals_;
  Steerer steerer_;
  Reconciler reconciler_;
  NodeConfig config_;
  Outcome outcome_;                 // of the last reconciliation
  std::string startup_problem_;
  Assignment assigned_;             // by a controller; config_ may have arrived keys in their peers' place
  std::string applied_digest_;      // of the last one that the wires have
  Clock::time_point next_report_{};
  Clock::time_point next_served_{};
  bool applied_once_ = false;       // the current configuration, without a problem
  bool down_ = false;
  bool waiting_ = false;
  asio::steady_timer reconcile_timer_;
  asio::steady_timer steer_timer_;
  asio::steady_timer tick_timer_;
  asio::steady_timer report_timer_;
  Guard guard_;
  HubTalk hub_talk_;
  OspfRelay ospf_relay_{loop_};
  BgpWatch bgp_watch_;
  Liveness liveness_;
  asio::signal_set signals_;
  std::map<std::string, std::optional<std::int64_t>> daemons_;
  NbmaKeeper nbma_{host_.frr};
  // The tick asks again where nothing is pushed.
  WireListener listener_{loop_,
                         {[this] {
                            if (controller_) controller_->step(*host_.wireguard);
                          },
                          [this](const PublicKey& peer, const Endpoint& endpoint) { endpoints_.remember(peer, endpoint); }}};
  std::unique_ptr<ControllerRole> controller_;  // on the controller's hub
  std::unique_ptr<MemberRole> member_;          // on a node that joined
  NodeChange change_;
  std::unique_ptr<ChangeMember> change_member_;
  std::unique_ptr<HttpServer> server_;
};

// A kernel without IPv6 has no OSPFv3 either.
Result<std::vector<host::OspfListener>> open_ospf_listeners() {
  std::vector<host::OspfListener> listeners;
  RADIAL_ASSIGN(auto v2, host::OspfListener::open(host::OspfVersion::v2));
  listeners.push_back(std::move(v2));
  if (auto v3 = host::OspfListener::open(host::OspfVersion::v3)) listeners.push_back(std::move(*v3));
  else if (v3.error().sys_errno != EAFNOSUPPORT) return forward_error(std::move(v3.error()));
  return listeners;
}

}  // namespace

std::vector<Route> api_routes() {
  auto all = ControllerRole::routes();
  list_routes(Daemon::table(), all);
  return all;
}

Status run_daemon(const DaemonOptions& options) {
  const auto& paths = options.paths;
  RADIAL_TRY(make_directories(paths.state, 0700));
  RADIAL_TRY(make_directories(paths.run, 0755));
  RADIAL_ASSIGN(auto identity, load_identity(paths));
  RADIAL_ASSIGN(auto machine, open_host(options.userspace_wireguard));
  RADIAL_ASSIGN(auto network, host::NetworkMonitor::open());
  RADIAL_ASSIGN(auto firewall, host::FirewallMonitor::open());
  RADIAL_ASSIGN(auto routes, host::RouteWatch::open());
  RADIAL_ASSIGN(auto ospf, open_ospf_listeners());
  RADIAL_ASSIGN(auto bgp, host::BgpListener::open());
  RADIAL_ASSIGN(auto cut_offs, load_cut_offs(paths.cut_offs()));
  RADIAL_ASSIGN(auto echo, host::EchoProbe::open());
  Daemon daemon(paths, std::move(identity), std::move(machine), std::move(network), std::move(firewall),
                std::move(routes), std::move(ospf), std::move(bgp), std::move(cut_offs), std::move(echo));
  RADIAL_TRY(daemon.load());
  return daemon.run();
}

Status tear_down_offline(const DaemonOptions& options, std::vector<std::string>& changes) {
  RADIAL_ASSIGN(const auto identity, load_identity(options.paths));
  RADIAL_ASSIGN(auto machine, open_host(options.userspace_wireguard));
  RADIAL_TRY(write_file_atomically(options.paths.down_marker(), "taken down by 'radial down'\n"));
  asio::io_context idle;  // nothing is dialled
  PeerEndpoints endpoints(idle, options.paths.peer_places(), [] {});
  Reconciler reconciler(machine, options.paths, identity.key, endpoints);
  auto outcome = reconciler.tear_down();
  endpoints.save();
  changes = std::move(outcome.changes);
  if (!outcome.problems.empty()) return fail(Errc::io, "{}", fmt::join(outcome.problems, "\n"));
  return {};
}

}  // namespace radial::agent
