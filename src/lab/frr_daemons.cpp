#include "lab/frr_daemons.h"

#include <array>
#include <cstdlib>
#include <filesystem>

#include "base/process.h"

namespace radial::lab {
namespace {

constexpr std::array optional_daemons = {"bgpd",  "ospfd", "ospf6d", "ripd",  "ripngd", "isisd",   "pimd",  "pim6d", "ldpd",
                                         "nhrpd", "eigrpd", "babeld", "sharpd", "pbrd",  "bfdd",    "fabricd", "vrrpd", "pathd"};
constexpr const char* programs = "/usr/lib/frr";

bool is_ipv6_only(std::string_view daemon) { return daemon == "ospf6d" || daemon == "ripngd" || daemon == "pim6d"; }

// "zebra version 8.4.4" -> "8.4.4"; empty when it cannot be run.
std::string version_of(const std::string& root) {
  std::vector<std::string> command{fmt::format("{}/zebra", programs), "--version"};
  if (!root.empty()) command.insert(command.begin(), {"chroot", root});
  const auto answer = run_process(command);
  constexpr std::string_view before = "version ";
  if (!answer || !answer->ok()) return {};
  const auto at = answer->out.find(before);
  if (at == std::string::npos) return {};
  const auto start = at + before.size();
  return answer->out.substr(start, answer->out.find_first_of(" \n", start) - start);
}

bool is_release(std::string_view version, std::string_view wanted) {
  return version == wanted || version.starts_with(std::string(wanted) + ".") || version.starts_with(std::string(wanted) + "-");
}

std::string debian13_root() {
  const char* cache = std::getenv("RADIAL_CACHE");
  return std::string(cache != nullptr && *cache != '\0' ? cache : "/var/cache/radial") + "/debian13";
}

}  // namespace

Result<FrrChoice> choose_frr(const std::string& wanted) {
  const auto own = version_of("");
  if (wanted.empty()) {
    if (!own.empty()) return FrrChoice{own, ""};
    return fail(Errc::not_found, "there is no FRR on this machine; apt-get install frr");
  }
  if (is_release(own, wanted)) return FrrChoice{own, ""};
  const auto root = debian13_root();
  if (std::filesystem::exists(root + programs + "/zebra"))
    if (const auto version = version_of(root); is_release(version, wanted)) return FrrChoice{version, root};
  return fail(Errc::not_found,
              "no FRR {} here: this machine has {}, and {} has no such release; tools/debian13-root makes a root folder with 10.3",
              wanted, own.empty() ? "none" : own, root);
}

bool is_always_there(std::string_view daemon) { return daemon == "zebra" || daemon == "staticd" || daemon == "mgmtd"; }

std::set<std::string> running_daemons(const FrrChoice& frr, const std::set<std::string>& enabled) {
  auto running = enabled;
  running.insert({"zebra", "staticd"});
  if (std::atoi(frr.version.c_str()) >= 10) running.insert("mgmtd");
  return running;
}

std::string daemons_file(const std::set<std::string>& enabled) {
  std::string text;
  for (const auto* daemon : optional_daemons) text += fmt::format("{}={}\n", daemon, enabled.contains(daemon) ? "yes" : "no");
  // An IPv6 route is replaced in one step, as `radial init` and `join` have it.
  text += "vtysh_enable=yes\nzebra_options=\"-A 127.0.0.1 -s 90000000 --v6-rr-semantics\"\n";
  for (const auto* daemon : {"mgmtd", "staticd"}) text += fmt::format("{}_options=\"-A 127.0.0.1\"\n", daemon);
  for (const auto* daemon : optional_daemons)
    text += fmt::format("{}_options=\"-A {}\"\n", daemon, is_ipv6_only(daemon) ? "::1" : "127.0.0.1");
  // A lab does not wait a minute for a daemon that it has killed itself. On a
  // machine too slow for watchfrr's 20 s it would kill its own start script
  // before that has loaded frr.conf.
  text += "watchfrr_options=\"--min-restart-interval 1 --max-restart-interval 2 --interval 1 --restart-timeout 180\"\n";
  return text;
}

void add_frr(InitSpec& spec, const FrrChoice& frr, const std::set<std::string>& enabled) {
  spec.frr_root = frr.root;
  spec.folders.push_back({"/run/frr", 0755, true, false});
  spec.folders.push_back({"/etc/frr", 0755, true, false});
  spec.folders.push_back({"/var/log/frr", 0755, true, false});
  spec.folders.push_back({"/var/tmp/frr", 0755, true, false});
  if (std::atoi(frr.version.c_str()) >= 10) spec.folders.push_back({"/var/lib/frr", 0755, true, !frr.root.empty()});
  spec.files.push_back({"/etc/frr/daemons", daemons_file(enabled), 0640, true});
  spec.files.push_back({"/etc/frr/vtysh.conf", "service integrated-vtysh-config\n", 0640, true});
  spec.files.push_back({"/etc/frr/frr.conf", "log file /var/log/frr/frr.log informational\n", 0640, true});
  const auto script = [&](const std::string& program) {
    return fmt::format("#!/bin/sh\nexec {}{} \"$@\"\n", frr.root.empty() ? "" : "chroot " + frr.root + " ", program);
  };
  spec.files.push_back({"/run/.lab/bin/lab-frr", script(fmt::format("{}/frrinit.sh", programs)), 0755, false});
  if (frr.root.empty()) return;
  const auto vtysh = script("/usr/bin/vtysh");
  spec.files.push_back({"/run/.lab/bin/vtysh", vtysh, 0755, false});
  spec.files.push_back({"/usr/bin/vtysh", vtysh, 0755, false});
}

}  // namespace radial::lab
