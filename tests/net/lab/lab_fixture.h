// What the lab's own tests share. Topology, unless a test says otherwise:
//
//   fra1.lan0 --- fra1 ---+
//                         |
//   berlin.lan0 --- berlin --- internet (198.18.0.0/15, 2001:db8::/48)
//   berlin.lan1 ----+     |
//                         |
//   paris.lan0 --- paris -+
#pragma once

#include <array>
#include <chrono>
#include <filesystem>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "base/file.h"
#include "fabric/parse.h"
#include "lab/init.h"
#include "lab/lab.h"

namespace radial::lab {

using namespace std::chrono_literals;
using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;

inline constexpr auto three_sites = R"(fabric: labtest
hubs:
  fra1: { endpoint: vpn.example.com:51820, lans: [192.168.1.0/24] }
sites:
  berlin: { lans: [192.168.20.0/24, "fd20:1::/64"] }
  paris:  { lans: [192.168.30.0/24] }
)";

// Two test runs may be side by side.
inline std::string unique(const std::string& name) { return name + std::to_string(::getpid()); }

inline Result<Lab> bring_up(LabOptions options, const std::string& yaml = three_sites) {
  auto parsed = parse_fabric(yaml);
  if (auto* mistakes = std::get_if<std::vector<Mistake>>(&parsed))
    return fail(Errc::invalid_argument, "{}", to_string(mistakes->front(), "fabric"));
  options.fabric_text = yaml;
  options.start_radiald = false;
  return Lab::up(std::get<Fabric>(parsed), std::move(options));
}

// Takes its lab down, whatever the test did.
struct Guard {
  std::string name;
  explicit Guard(std::string lab) : name(std::move(lab)) {}
  ~Guard() {
    if (const auto down = Lab::down(name); !down) ADD_FAILURE() << down.error().message;
  }
  Guard(const Guard&) = delete;
  Guard& operator=(const Guard&) = delete;
};

inline LabOptions without_frr(const std::string& name) {
  LabOptions options;
  options.name = name;
  options.start_frr = false;
  return options;
}

inline std::string shell(const std::string& script) {
  const auto result = run_process({"sh", "-c", script});
  return result ? result->out : result.error().message;
}

// All of the root namespace's network that a lab could disturb, without
// counters and ages.
inline std::string root_network() {
  return shell(
      "ip -o link | sed 's/ state .*//'; ip -o addr | sed 's/valid_lft.*//'; ip route show table all; ip rule; ip -6 rule;"
      "ip -6 route show table all | sed 's/ expires [0-9]*sec//'; nft list ruleset;"
      "sysctl -a 2>/dev/null | grep -E '^net\\.(ipv4|ipv6)\\.(ip_forward|fwmark|conf|icmp)'");
}

inline std::set<std::string> netns_names(const std::string& lab) {
  std::set<std::string> names;
  std::error_code ignored;
  for (const auto& entry : std::filesystem::directory_iterator("/run/netns", ignored))
    if (entry.path().filename().string().starts_with("radial-" + lab + "-")) names.insert(entry.path().filename());
  return names;
}

// Every process in the PID namespaces of these inits. A dead init that the
// machine's own has not reaped yet does not count.
inline std::vector<std::string> processes_with(const std::set<std::string>& pid_namespaces) {
  std::vector<std::string> found;
  std::error_code ignored;
  for (const auto& entry : std::filesystem::directory_iterator("/proc", ignored)) {
    const auto of = std::filesystem::read_symlink(entry.path() / "ns/pid", ignored).string();
    if (ignored || !pid_namespaces.contains(of)) continue;
    if (identify_process(std::stol(entry.path().filename()))) found.push_back(entry.path().filename());
  }
  return found;
}

inline std::set<std::string> pid_namespaces(const Lab& lab) {
  std::set<std::string> all;
  for (const auto* node : lab.plan().everybody()) {
    std::error_code ignored;
    all.insert(std::filesystem::read_symlink("/proc/" + std::to_string(node->pid) + "/ns/pid", ignored));
  }
  return all;
}

// Nothing of this lab is left in the machine.
inline void expect_gone(const std::string& name) {
  EXPECT_THAT(netns_names(name), IsEmpty());
  EXPECT_FALSE(std::filesystem::exists("/run/radial-lab/" + name));
  EXPECT_FALSE(std::filesystem::exists("/run/radial-lab/" + name + ".lock"));
  EXPECT_EQ(shell("grep -c 'radial-" + name + "-' /proc/self/mountinfo"), "0\n");
  for (const auto& pid : std::filesystem::directory_iterator("/proc")) {
    const auto line = read_file(pid.path() / "cmdline");
    if (!line) continue;
    EXPECT_EQ(line->find(std::string("hold\0", 5) + name + '\0'), std::string::npos) << pid.path();
  }
}

// Whether all pings are answered.
inline bool reaches(const Lab& lab, const std::string& place, const std::string& address, PingOptions options = {}) {
  options.timeout = 400ms;
  const auto result = lab.ping(place, IpAddress::parse(address).value(), options);
  if (!result) ADD_FAILURE() << result.error().message;
  return result && result->ok();
}

inline std::string uplink_v4(const Lab& lab, const std::string& node) { return lab.plan().find(node)->uplink_v4().to_string(); }
inline std::string uplink_v6(const Lab& lab, const std::string& node) { return lab.plan().find(node)->uplink_v6().to_string(); }

// Standard output and error of a shell script in a place.
inline std::string out(const Lab& lab, const std::string& place, const std::string& script) {
  const auto result = lab.run(place, {"sh", "-c", script});
  if (!result) return result.error().message;
  return result->out + result->err;
}

}  // namespace radial::lab
