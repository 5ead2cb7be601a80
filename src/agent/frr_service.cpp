#include "agent/frr_service.h"

#include <algorithm>
#include <chrono>
#include <sstream>
#include <thread>

#include <fmt/ranges.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/process.h"

namespace radial::agent {
namespace {

using namespace std::chrono_literals;

constexpr auto daemons_file = "/etc/frr/daemons";
constexpr auto before_file = "/etc/frr/daemons.before-radial";
constexpr auto start_script = "/usr/lib/frr/frrinit.sh";
constexpr auto patience = 30s;

// They start always, whatever the file says.
bool always_runs(const std::string& daemon) { return daemon == "zebra" || daemon == "staticd" || daemon == "mgmtd"; }

// Written anew with the owner and mode that it had: FRR's are its own.
Status replace_keeping_owner(const std::filesystem::path& file, const std::string& text, const struct stat& info) {
  RADIAL_TRY(write_file_atomically(file, text, info.st_mode & 0777U));
  if (::chown(file.c_str(), info.st_uid, info.st_gid) != 0) return fail_errno(errno, fmt::format("cannot give {} to its owner", file.string()));
  return {};
}

bool routes_ipv6(const NodeConfig& config) {
  return std::any_of(config.tunnels.begin(), config.tunnels.end(), [](const Prefix& tunnel) { return tunnel.family() == Family::v6; });
}

Status restart() {
  const auto command = has_systemd() ? std::vector<std::string>{"systemctl", "restart", "frr"}
                                     : std::vector<std::string>{start_script, "restart"};
  RADIAL_ASSIGN(const auto result, run_process(command, 120s));
  if (!result.ok()) return fail(Errc::unavailable, "FRR did not restart: {}{}", result.out, result.err);
  return {};
}

}  // namespace

bool has_systemd() { return std::filesystem::exists("/run/systemd/system"); }

std::string with_daemons(const std::string& file, const std::set<std::string>& wanted, std::set<std::string>& enabled) {
  std::istringstream lines(file);
  std::string text;
  std::set<std::string> seen;
  for (std::string line; std::getline(lines, line);) {
    const auto equals = line.find('=');
    const auto name = line.substr(0, equals);
    if (equals != std::string::npos && wanted.contains(name)) {
      seen.insert(name);
      if (line.substr(equals + 1, 3) != "yes") {
        enabled.insert(name);
        line = name + "=yes";
      }
    }
    text += line + "\n";
  }
  for (const auto& name : wanted) {
    if (seen.contains(name)) continue;
    enabled.insert(name);
    text += name + "=yes\n";
  }
  return text;
}

std::string with_ipv6_replaced_in_place(const std::string& file) {
  constexpr std::string_view start = "zebra_options=\"";
  std::istringstream lines(file);
  std::string text;
  bool seen = false;
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("zebra_options=")) {
      seen = true;
      if (const auto end = line.rfind('"'); line.starts_with(start) && end >= start.size() && line.find(replaces_ipv6_in_place) == std::string::npos)
        line.insert(end, fmt::format("{}{}", end == start.size() ? "" : " ", replaces_ipv6_in_place));
    }
    text += line + "\n";
  }
  if (!seen) text += fmt::format("{}{}\"\n", start, replaces_ipv6_in_place);
  return text;
}

Result<std::vector<std::string>> enable_frr_for(const NodeConfig& config) {
  struct stat info {};
  if (::stat(daemons_file, &info) != 0)
    return fail(Errc::unavailable, "FRR is not installed ({} is missing): apt-get install frr", daemons_file);
  RADIAL_ASSIGN(const auto before, read_file(daemons_file));
  std::set<std::string> optional;
  for (const auto& stanza : config.frr)
    if (!always_runs(stanza.daemon)) optional.insert(stanza.daemon);
  std::set<std::string> enabled;
  const auto with_all = with_daemons(before, optional, enabled);
  const auto after = routes_ipv6(config) ? with_ipv6_replaced_in_place(with_all) : with_all;
  std::vector<std::string> done;
  if (after != before) {
    struct stat ignored {};
    if (::stat(before_file, &ignored) != 0) RADIAL_TRY(replace_keeping_owner(before_file, before, info));
    RADIAL_TRY(replace_keeping_owner(daemons_file, after, info));
    if (!enabled.empty()) done.push_back(fmt::format("enabled {} in {} (as it was: {})", fmt::join(enabled, ", "), daemons_file, before_file));
    if (after != with_all)
      done.push_back(fmt::format("gave zebra {} in {}, for when it starts next: it replaces IPv6 routes in one step", replaces_ipv6_in_place, daemons_file));
  }
  host::Frr frr;
  const auto serves_all = [&] {
    for (const auto& daemon : optional)
      if (!frr.serves(daemon)) return false;
    return frr.serves("zebra");
  };
  if (enabled.empty() && serves_all()) return done;
  RADIAL_TRY(restart());
  done.emplace_back("restarted FRR");
  const auto end = std::chrono::steady_clock::now() + patience;
  while (!serves_all()) {
    if (std::chrono::steady_clock::now() > end)
      return fail(Errc::timeout, "FRR does not come up with {}: see its log", fmt::join(optional, ", "));
    std::this_thread::sleep_for(50ms);
  }
  return done;
}

std::vector<observe::Finding> frr_start_findings(host::Frr& frr, const NodeConfig& config) {
  if (!routes_ipv6(config)) return {};
  const auto words = frr.arguments("zebra");
  if (!words || std::find(words->begin(), words->end(), replaces_ipv6_in_place) != words->end()) return {};
  return {{observe::Severity::warning, "FRR's zebra",
           "takes an IPv6 route away before it puts another in its place: what is sent between the two is lost",
           fmt::format("it was started without {}", replaces_ipv6_in_place),
           fmt::format("add {} to zebra_options in {} if it is not there, then 'systemctl restart frr'", replaces_ipv6_in_place, daemons_file)}};
}

}  // namespace radial::agent
