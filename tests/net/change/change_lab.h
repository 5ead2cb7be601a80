// Machines of which `init` and `join` made a fabric, and what an operator does with it on
// the controller, fra1. One lab a suite: its tests run in the file's order, and
// each leaves the fabric as `base_` says.
#pragma once

#include <functional>
#include <future>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

#include "base/file.h"
#include "support/bare_machines.h"

namespace radial::test {

class ChangeLab : public BareMachines {
 protected:
  // For SetUpTestSuite: fra1 is the first hub after it.
  static void begin(const std::string& lab_name, const char* machines, std::string base) {
    base_ = std::move(base);
    make(lab_name, machines);
    if (!lab_->ready()) return;
    ok(radial("fra1", {"init", "--name", "fra1", "--fabric", "acme", "--endpoint", "vpn.example.com", "--lan", "192.168.1.0/24"}));
  }
  static void join(const std::string& site, const std::string& lan) { join_by({"invite", site, "--lan", lan}); }
  // By the words of an invitation; the node's name is among them.
  static void join_by(const std::vector<std::string>& invitation) {
    const auto invited = radial("fra1", invitation);
    const auto token = token_in(invited.out);
    ASSERT_FALSE(token.empty()) << invited.err;
    ok(radial(invitation[1] == "--hub" ? invitation[2] : invitation[1], {"join", token}));
  }

  static void ok(const ProcessResult& result) { EXPECT_EQ(result.exit_code, 0) << result.out << result.err; }
  static ProcessResult radial(const std::string& node, std::vector<std::string> arguments) {
    return BareMachines::radial(node, std::move(arguments), 180s);
  }

  // The base with something in another way.
  static std::string with(const std::string& from, const std::string& to) {
    auto text = base_;
    const auto at = text.find(from);
    if (at == std::string::npos) ADD_FAILURE() << "no " << from;
    else text.replace(at, from.size(), to);
    return text;
  }
  // `radial VERB [ARGUMENTS] FILE` on the controller, the file holding `yaml`.
  static ProcessResult with_file(std::vector<std::string> words, const std::string& yaml) {
    const auto path = (*lab_)->path_in("fra1", "/run/radial/new.yaml");
    if (!path || !write_file_atomically(*path, yaml, 0600)) ADD_FAILURE() << "no file";
    words.emplace_back("/run/radial/new.yaml");
    return radial("fra1", std::move(words));
  }
  static ProcessResult apply_quick(const std::string& yaml) { return with_file({"apply", "--deadline", "8"}, yaml); }

  static bool whole() {
    return lab_->pings("berlin.lan0", "192.168.1.2") && lab_->pings("paris.lan0", "192.168.1.2") &&
           lab_->pings("berlin.lan0", "192.168.30.2");
  }
  static bool whole_within(std::chrono::seconds limit) { return wait_until(limit, whole).has_value(); }

  static std::string change_phase() {
    const auto shown = radial("fra1", {"change", "--json"});
    const auto json = nlohmann::json::parse(shown.out, nullptr, false);
    return json.is_object() ? json.value("phase", "") : std::string();
  }
  static std::string keepalive_of_berlin() { return lab_->sh("berlin", "wg show wg0 persistent-keepalive | awk '{print $2}'"); }

  // A harmless change, and the radiald of a node dies and starts again while it is on trial; `between`: what else happens to it.
  static ProcessResult apply_while_restarting(const std::string& node, const std::function<void()>& between = [] {}) {
    auto applying = std::async(std::launch::async, [] { return with_file({"apply", "--deadline", "40"}, with("keepalive: 7", "keepalive: 9")); });
    EXPECT_TRUE(wait_until(30s, [] { return keepalive_of_berlin() == "9\n"; }));
    lab_->kill_radiald(node);
    between();
    EXPECT_TRUE(lab_->start_radiald(node));
    return applying.get();
  }

  // What a reboot leaves of a node whose radiald is dead: its files. FRR starts with the machine, and radiald when it is told to.
  static void reboot_without_radiald(const std::string& node) {
    lab_->sh(node, "/usr/lib/frr/frrinit.sh stop >/dev/null 2>&1; pkill -9 'radial-wire|wireguard-go'; "
                   "for wire in $(ls /sys/class/net | grep '^wg'); do ip link del $wire; done; "
                   "nft flush ruleset; sysctl -qw net.ipv4.ip_forward=0; rm -rf /run/radial/* /run/wireguard/*; "
                   "/usr/lib/frr/frrinit.sh start >/dev/null 2>&1");
    EXPECT_FALSE(lab_->pings(node + ".lan0", "192.168.30.2"));  // paris stays
  }

  // The node's own firewall in front of ours drops what matches any of these.
  static void drop(const std::string& node, const std::vector<std::string>& matches) {
    std::string commands = "add table inet own; add chain inet own in { type filter hook input priority -5; policy accept; }";
    for (const auto& match : matches) commands += "; add rule inet own in " + match + " drop";
    lab_->sh(node, "nft '" + commands + "'");
  }
  static void drop_udp_to(const std::string& node, const std::string& ports) { drop(node, {"iifname != lo udp dport " + ports}); }
  static void drop_no_more(const std::string& node) { lab_->sh(node, "nft delete table inet own"); }

  static inline std::string base_;
};

}  // namespace radial::test
