#include "host/frr.h"

#include <algorithm>
#include <fstream>
#include <type_traits>
#include <unordered_set>

#include "host/frr_config.h"
#include "host/frr_json.h"
#include "host/frr_rules.h"
#include "host/frr_running.h"
#include "host/frr_startup.h"
#include "host/frr_vty.h"

namespace radial::host {
namespace {

using Clock = frr::VtySession::Clock;
using Contexts = std::map<std::string, std::vector<std::string>>;

constexpr std::string_view manager = "mgmtd";  // FRR 9 and later
constexpr std::ptrdiff_t at_once_from = 100;   // lines: below, what was refused is told without a second try

// Daemons whose configuration mgmtd holds from FRR 10 on.
bool is_managed(const std::string& daemon) { return daemon == "zebra" || daemon == "staticd"; }

bool is_static_route(std::string_view line) { return line.starts_with("ip route ") || line.starts_with("ipv6 route "); }

std::string how_to_start(const std::string& daemon) {
  if (is_managed(daemon) || daemon == manager || daemon == "watchfrr") return "start FRR (systemctl start frr)";
  return fmt::format("set {}=yes in /etc/frr/daemons and restart FRR", daemon);
}

// Each line once: both sides may hold the thousands of a large fabric's filter.
void merge(Contexts& into, const Contexts& more) {
  for (const auto& [context, lines] : more) {
    auto& target = into[context];
    std::unordered_set<std::string> present(target.begin(), target.end());
    for (const auto& line : lines)
      if (present.insert(line).second) target.push_back(line);
  }
}

// What of mgmtd's configuration belongs to `daemon`.
Contexts share_of(const std::string& daemon, const Contexts& held) {
  Contexts share;
  for (const auto& [context, lines] : held) {
    std::vector<std::string> mine;
    std::copy_if(lines.begin(), lines.end(), std::back_inserter(mine),
                 [&](const auto& line) { return is_static_route(line) == (daemon == "staticd"); });
    if (daemon == "zebra" || !mine.empty()) share.emplace(context, std::move(mine));
  }
  return share;
}

struct Failure {
  const FrrChange::Step* step;
  std::string words;
};

// bgpd looks at a route again when a route-map changes, but not when a line of
// a prefix-list does: what a neighbour announced and may no longer would stay.
// It is asked to say all again (RFC 2918); no session is reset.
bool changes_filters_of_bgp(const FrrChange& change) {
  return std::any_of(change.steps.begin(), change.steps.end(), [](const FrrChange::Step& step) {
    return step.daemon == "bgpd" && step.context.empty() && step.line.find(" prefix-list ") != std::string::npos;
  });
}

}  // namespace

struct Frr::Impl {
  std::string run_dir;
  std::chrono::milliseconds deadline;
  std::string config_dir;
  std::map<std::string, frr::VtySession> sessions;
  std::set<std::string> line_by_line;  // daemons that did not take a transaction: they are not tried again

  [[nodiscard]] std::string path_of(const std::string& daemon) const {
    return fmt::format("{}/{}.vty", run_dir, daemon);
  }

  // A session that answers: the kept one, or a new one after a restart.
  Result<frr::VtySession*> session(const std::string& daemon) {
    auto kept = sessions.find(daemon);
    if (kept != sessions.end() && kept->second.hung_up()) {
      sessions.erase(kept);
      kept = sessions.end();
    }
    if (kept == sessions.end()) {
      if (daemon.empty() || daemon.find('/') != std::string::npos)
        return fail(Errc::invalid_argument, "'{}' names no FRR daemon", daemon);
      auto opened = frr::VtySession::open(path_of(daemon), Clock::now() + deadline);
      if (!opened && opened.error().code == Errc::unavailable)
        return fail(Errc::unavailable, "FRR's {} does not answer ({}); {}", daemon, opened.error().message,
                    how_to_start(daemon));
      if (!opened) return forward_error(std::move(opened.error()).within("FRR's " + daemon));
      kept = sessions.emplace(daemon, std::move(*opened)).first;
    }
    return &kept->second;
  }

  Result<frr::VtyAnswer> ask(const std::string& daemon, const std::string& command) {
    RADIAL_ASSIGN(auto* open, session(daemon));
    auto answer = open->ask(command, Clock::now() + deadline);
    if (answer) return answer;
    sessions.erase(daemon);
    return forward_error(std::move(answer.error()).within("FRR's " + daemon));
  }

  Result<std::string> command(const std::string& daemon, const std::string& command) {
    RADIAL_ASSIGN(auto answer, ask(daemon, command));
    if (!answer.ok())
      return fail(Errc::invalid_argument, "FRR's {} refuses '{}': {}", daemon, frr::without_secrets(command),
                  answer.words());
    return std::move(answer.text);
  }

  bool serves(const std::string& daemon) { return session(daemon).has_value(); }
  // mgmtd is there, and holds that daemon's configuration.
  bool held_by_manager(const std::string& daemon) { return is_managed(daemon) && serves(std::string(manager)); }

  Result<Contexts> contexts(const std::string& daemon) {
    RADIAL_ASSIGN(const auto text, command(daemon, "show running-config"));
    return frr::contexts_of(text);
  }

  // `torn`: where to put zebra's entries that mgmtd has otherwise; may be null.
  Result<Contexts> running(const std::string& daemon, std::vector<std::string>* torn = nullptr) {
    RADIAL_ASSIGN(auto own, contexts(daemon));
    if (held_by_manager(daemon)) {
      RADIAL_ASSIGN(const auto held, contexts(std::string(manager)));
      if (torn != nullptr && daemon == "zebra") *torn = frr::torn_entries(own.at(""), held.at(""));
      merge(own, share_of(daemon, held));
    }
    return own;
  }

  Status mend(const std::vector<std::string>& torn) {
    RADIAL_ASSIGN(const auto held, contexts(std::string(manager)));
    const auto& there = held.at("");
    std::vector<std::string> lines;
    for (const auto& entry : torn) {
      const bool present = std::find(there.begin(), there.end(), entry) != there.end();
      lines.push_back(present ? frr::removal_of("", entry) : entry);
    }
    RADIAL_ASSIGN(const auto refusals, enter(std::string(manager), "", lines));
    if (refusals.empty()) return {};
    return fail(Errc::invalid_argument, "FRR's mgmtd refuses '{}': {}", lines[refusals.front().line], refusals.front().answer.words());
  }

  // Enters lines by `enter(session)`. A daemon that restarts in between gets
  // them once more: entering a line twice is harmless.
  template <typename Enter>
  std::invoke_result_t<Enter, frr::VtySession&> entered(const std::string& daemon, const Enter& enter) {
    for (bool again : {true, false}) {
      RADIAL_ASSIGN(auto* open, session(daemon));
      auto answer = enter(*open);
      if (answer) return answer;
      sessions.erase(daemon);
      if (!again || answer.error().code != Errc::unavailable)
        return forward_error(std::move(answer.error()).within("FRR's " + daemon));
    }
    return fail(Errc::internal, "unreachable");
  }

  // Lines of one context in one daemon.
  Result<std::vector<frr::Refusal>> enter(const std::string& daemon, const std::string& context,
                                          const std::vector<std::string>& lines) {
    return entered(daemon, [&](frr::VtySession& open) {
      return frr::enter_lines(open, context, lines, deadline, daemon == manager);
    });
  }

  // Steps first..last are of one daemon: those that are left to be entered line
  // by line, after one transaction where they are so many that it is worth it.
  Result<std::vector<const FrrChange::Step*>> apply_at_once(const FrrChange::Step* first, const FrrChange::Step* last) {
    std::vector<const FrrChange::Step*> left;
    const bool worth_it = last - first >= at_once_from && is_managed(first->daemon);
    const bool managed = worth_it && held_by_manager(first->daemon);
    const std::string daemon = managed ? std::string(manager) : first->daemon;
    if (!worth_it || line_by_line.contains(daemon)) {
      for (const auto* step = first; step != last; ++step) left.push_back(step);
      return left;
    }
    std::vector<frr::Group> groups;
    for (const auto* step = first; step != last; ++step) {
      if (groups.empty() || groups.back().context != step->context) groups.push_back({step->context, {}});
      groups.back().lines.push_back(step->line);
    }
    line_by_line.insert(daemon);
    RADIAL_ASSIGN(const auto lines, entered(daemon, [&](frr::VtySession& open) {
                    return frr::enter_at_once(open, groups, deadline, managed);
                  }));
    if (lines.size() < static_cast<std::size_t>(last - first)) line_by_line.erase(daemon);
    for (const auto line : lines) left.push_back(first + line);
    return left;
  }

  // The lines that mgmtd does not know belong to the daemon itself (FRR 9
  // moved static routes only, 10 most of zebra's).
  Result<std::vector<frr::Refusal>> enter_managed(const std::string& daemon, const std::string& context,
                                                  const std::vector<std::string>& lines) {
    RADIAL_ASSIGN(auto refusals, enter(std::string(manager), context, lines));
    std::vector<frr::Refusal> left;
    std::vector<std::size_t> unknown;
    for (auto& refusal : refusals) {
      if (refusal.answer.is(frr::VtyStatus::no_match)) unknown.push_back(refusal.line);
      else left.push_back(std::move(refusal));
    }
    if (unknown.empty()) return left;
    std::vector<std::string> rest;
    for (const auto line : unknown) rest.push_back(lines[line]);
    RADIAL_ASSIGN(auto own, enter(daemon, context, rest));
    for (auto& refusal : own) left.push_back({unknown[refusal.line], std::move(refusal.answer)});
    return left;
  }

  // Steps of one context of one daemon.
  Status apply_group(const std::vector<const FrrChange::Step*>& steps, std::vector<Failure>& failures) {
    std::vector<std::string> lines;
    for (const auto* step : steps) lines.push_back(step->line);
    const auto& first = *steps.front();
    auto refusals = held_by_manager(first.daemon) ? enter_managed(first.daemon, first.context, lines)
                                                  : enter(first.daemon, first.context, lines);
    if (!refusals) return forward_error(std::move(refusals.error()));
    for (const auto& refusal : *refusals) failures.push_back({steps[refusal.line], refusal.answer.words()});
    return {};
  }

  // A removal that was refused because the line had gone with another one
  // ("no neighbor G peer-group" takes more than itself) did what it should.
  void forgive_done_removals(std::vector<Failure>& failures) {
    std::map<std::string, Result<Contexts>> now;
    std::erase_if(failures, [&](const Failure& failure) {
      const auto& step = *failure.step;
      if (step.kind != FrrChange::Kind::remove) return false;
      auto found = now.find(step.daemon);
      if (found == now.end()) found = now.emplace(step.daemon, running(step.daemon)).first;
      if (!found->second) return false;
      const auto& contexts = *found->second;
      if (contexts.contains(frr::context_key(step.context, step.old))) return false;
      const auto context = contexts.find(step.context);
      return context == contexts.end() ||
             std::find(context->second.begin(), context->second.end(), step.old) == context->second.end();
    });
  }

  Status apply(const FrrChange& change) {
    std::vector<Failure> failures;
    const auto* const end = change.steps.data() + change.steps.size();
    for (const auto* first = change.steps.data(); first != end;) {
      const auto* const last = std::find_if(first, end, [&](const auto& step) { return step.daemon != first->daemon; });
      RADIAL_ASSIGN(const auto left, apply_at_once(first, last));
      for (auto step = left.begin(); step != left.end();) {
        const auto behind = std::find_if(step, left.end(), [&](const auto* one) { return one->context != (*step)->context; });
        RADIAL_TRY(apply_group({step, behind}, failures));
        step = behind;
      }
      first = last;
    }
    // Refused where no instance is left: then nobody has announced anything.
    if (changes_filters_of_bgp(change)) (void)command("bgpd", "clear bgp * soft in");
    forgive_done_removals(failures);
    if (failures.empty()) return {};
    std::string all;
    for (const auto& [step, words] : failures) {
      FrrChange one;
      one.steps.push_back(*step);
      all += fmt::format("{}{} ({})", all.empty() ? "" : "; ", one.describe().front(), words);
    }
    return fail(Errc::invalid_argument, "FRR refused {} of {} lines: {}", failures.size(), change.steps.size(), all);
  }
};

Frr::Frr(std::string run_dir, std::chrono::milliseconds deadline, std::string config_dir)
    : impl_(std::make_unique<Impl>(Impl{std::move(run_dir), deadline, std::move(config_dir), {}, {}})) {}
Frr::Frr(Frr&&) noexcept = default;
Frr& Frr::operator=(Frr&&) noexcept = default;
Frr::~Frr() = default;

Result<std::string> Frr::command(const std::string& daemon, const std::string& command) {
  return impl_->command(daemon, command);
}

Result<std::string> Frr::version() {
  RADIAL_ASSIGN(const auto text, impl_->command("zebra", "show version"));
  return frr::parse_version(text);
}

bool Frr::serves(const std::string& daemon) { return impl_->serves(daemon); }

std::optional<std::int64_t> Frr::incarnation(const std::string& daemon) {
  const auto session = impl_->session(daemon);
  if (!session) return std::nullopt;
  return (*session)->incarnation();
}

std::optional<std::vector<std::string>> Frr::arguments(const std::string& daemon) {
  const auto session = impl_->session(daemon);
  const auto pid = session ? (*session)->process() : std::nullopt;
  if (!pid) return std::nullopt;
  std::ifstream file(fmt::format("/proc/{}/cmdline", *pid), std::ios::binary);
  std::vector<std::string> words;
  for (std::string word; std::getline(file, word, '\0');) words.push_back(word);
  if (words.empty()) return std::nullopt;
  return words;
}

Result<FrrRunning> Frr::running(const std::set<std::string>& daemons) {
  FrrRunning running;
  for (const auto& daemon : daemons) {
    RADIAL_ASSIGN(auto contexts, impl_->running(daemon, &running.torn));
    running.daemons.emplace(daemon, std::move(contexts));
  }
  return running;
}

Status Frr::apply(const FrrChange& change) { return impl_->apply(change); }

Status Frr::mend(const std::vector<std::string>& torn) { return impl_->mend(torn); }

Status Frr::save(const std::vector<FrrLines>& desired, const std::vector<FrrLines>& owned) {
  return frr::save_startup(impl_->config_dir, desired, owned);
}

Result<std::vector<OspfNeighbor>> Frr::ospf_neighbors() {
  RADIAL_ASSIGN(const auto text, impl_->command("ospfd", "show ip ospf neighbor json"));
  return frr::parse_ospf_neighbors(text);
}

Result<std::vector<Ospf6Neighbor>> Frr::ospf6_neighbors() {
  RADIAL_ASSIGN(const auto text, impl_->command("ospf6d", "show ipv6 ospf6 neighbor detail json"));
  return frr::parse_ospf6_neighbors(text);
}

Result<std::vector<BgpSession>> Frr::bgp_sessions() {
  RADIAL_ASSIGN(const auto text, impl_->command("bgpd", "show bgp summary json"));
  return frr::parse_bgp_sessions(text);
}

Result<std::vector<OspfInterface>> Frr::ospf_interfaces() {
  RADIAL_ASSIGN(const auto text, impl_->command("ospfd", "show ip ospf interface json"));
  return frr::parse_ospf_interfaces(text);
}

Result<std::map<std::string, std::vector<InterfaceAddress>>> Frr::zebra_addresses() {
  RADIAL_ASSIGN(const auto text, impl_->command("zebra", "show interface json"));
  return frr::parse_zebra_addresses(text);
}

Result<std::vector<LearnedRoute>> Frr::routes(Family family) {
  RADIAL_ASSIGN(const auto text,
                impl_->command("zebra", family == Family::v4 ? "show ip route json" : "show ipv6 route json"));
  return frr::parse_routes(text);
}

Result<bool> Frr::has_network_lsa(const IpAddress& address) {
  RADIAL_ASSIGN(const auto text, impl_->command("ospfd", "show ip ospf database network json"));
  return frr::parse_network_lsa(text, address);
}

Status Frr::clear_ospf_neighbor(const IpAddress& router_id) {
  RADIAL_TRY(impl_->command("ospfd", fmt::format("clear ip ospf neighbor {}", router_id)));
  return {};
}

Status Frr::ask_bgp_again(const IpAddress& neighbor) {
  RADIAL_TRY(impl_->command("bgpd", fmt::format("clear bgp {} soft in", neighbor)));
  return {};
}

Status Frr::hasten_lsa_removal() {
  // Not 0: while a neighbour is in Exchange ospfd would try again without a pause.
  RADIAL_ASSIGN(const auto refusals, impl_->enter("ospfd", "router ospf", {"ospf maxage-delay 1"}));
  if (refusals.empty()) return {};
  return fail(Errc::unsupported, "FRR's ospfd refuses 'ospf maxage-delay 1': {}", refusals.front().answer.words());
}

Status Frr::clear_ospf_process() {
  RADIAL_TRY(impl_->command("ospfd", "clear ip ospf process"));
  return {};
}

}  // namespace radial::host
