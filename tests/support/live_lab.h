// A lab for a test: brought up on construction, taken down on destruction (and
// by the next run when the test is killed), with the questions that tests ask.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <fmt/ranges.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "cli/api_client.h"
#include "cli/lab_status.h"
#include "fabric/parse.h"
#include "lab/lab.h"
#include "support/api_answers.h"
#include "support/paths.h"

namespace radial::test {

using namespace std::chrono_literals;

// Polls until `good`, at most `limit`. How long it took, or nothing.
inline std::optional<std::chrono::milliseconds> wait_until(std::chrono::milliseconds limit, const std::function<bool()>& good) {
  const auto began = std::chrono::steady_clock::now();
  for (;;) {
    if (good()) return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - began);
    if (std::chrono::steady_clock::now() - began > limit) return std::nullopt;
    std::this_thread::sleep_for(50ms);
  }
}

class LiveLab {
 public:
  // `options.name` must be unique in the program; the process id is appended,
  // so that two test runs can be side by side.
  LiveLab(const std::string& yaml, lab::LabOptions options, std::chrono::seconds deadline = 120s) {
    auto parsed = parse_fabric(yaml);
    if (const auto* mistakes = std::get_if<std::vector<Mistake>>(&parsed)) {
      for (const auto& mistake : *mistakes) ADD_FAILURE() << to_string(mistake, "fabric");
      return;
    }
    options.name += std::to_string(::getpid());
    options.fabric_text = yaml;
    options.replace = true;
    options.radiald = radiald_;
    const bool wait = options.start_radiald;
    name_ = options.name;
    auto up = lab::Lab::up(std::get<Fabric>(parsed), std::move(options));
    if (!up) {
      ADD_FAILURE() << up.error().message;
      return;
    }
    lab_ = std::make_unique<lab::Lab>(std::move(*up));
    converged_ = !wait || converge(deadline);
  }
  ~LiveLab() {
    if (name_.empty()) return;
    // Not of this test alone: a lab that several share goes with the last of them.
    if (testing::UnitTest::GetInstance()->Failed()) print_logs();
    if (const auto down = lab::Lab::down(name_); !down) ADD_FAILURE() << down.error().message;
  }
  LiveLab(const LiveLab&) = delete;
  LiveLab& operator=(const LiveLab&) = delete;

  [[nodiscard]] bool ready() const { return lab_ != nullptr && converged_; }
  lab::Lab& operator*() { return *lab_; }
  lab::Lab* operator->() { return lab_.get(); }

  // Every node healthy and every LAN reaching every LAN; shows why not.
  bool converge(std::chrono::seconds deadline) {
    const auto state = cli::wait_converged(*lab_, deadline, [](const auto&) {});
    if (state.healthy && state.pings) return true;
    ADD_FAILURE() << "not converged; pings " << (state.pings ? "good" : "failing") << "\n"
                  << cli::fabric_status_text(name_, state.nodes, true);
    return false;
  }

  // Standard output of a program in a place; a failure of the test when it
  // cannot be run or exits non-zero.
  std::string run(const std::string& place, const std::vector<std::string>& argv) {
    auto result = lab_->run(place, argv);
    if (!result) {
      ADD_FAILURE() << place << ": " << result.error().message;
      return {};
    }
    if (!result->ok()) ADD_FAILURE() << place << ": " << argv.front() << " exits " << result->exit_code << ": " << result->err;
    return result->out;
  }
  std::string sh(const std::string& place, const std::string& script) { return run(place, {"sh", "-c", script}); }

  // The internet carries nothing between two nodes, which both live, until heal_path().
  void cut_path(const char* one, const char* other) {
    const auto a = lab_->plan().find(one)->uplink_v4(), b = lab_->plan().find(other)->uplink_v4();
    sh("internet", fmt::format("nft 'add table inet gap; add chain inet gap forward {{ type filter hook forward priority -10; }}; "
                               "add rule inet gap forward ip saddr {0} ip daddr {1} drop; add rule inet gap forward ip saddr {1} ip daddr {0} drop'",
                               a, b));
  }
  void heal_path() { sh("internet", "nft delete table inet gap"); }

  // A node's IPv4 address on a wire.
  std::string tunnel_address(const std::string& node, const std::string& wire = "wg0") {
    const auto text = sh(node, "ip -4 -o address show dev " + wire + " | sed 's/.*inet \\([0-9.]*\\).*/\\1/'");
    return text.substr(0, text.find('\n'));
  }
  // As by the OOM killer; it is gone on return.
  void kill_radiald(const std::string& node) { sh(node, "pkill -9 -x radiald; while pidof radiald >/dev/null; do sleep 0.05; done"); }
  [[nodiscard]] bool start_radiald(const std::string& node) { return lab_->start_radiald(node, radiald_).has_value(); }

  // Lines for FRR as somebody types them. mgmtd (FRR 10) lets one session in at a
  // time, and radiald may be at work in its own just now.
  void configure(const std::string& node, const std::vector<std::string>& lines) {
    std::vector<std::string> argv{"vtysh", "-c", "configure terminal"};
    for (const auto& line : lines) argv.insert(argv.end(), {"-c", line});
    std::string said;
    const auto done = wait_until(10s, [&] {
      const auto result = lab_->run(node, argv);
      said = result ? result->out + result->err : result.error().message;
      return result && result->ok();
    });
    if (!done) ADD_FAILURE() << node << ": " << fmt::format("{}", fmt::join(lines, ", ")) << ": " << said;
  }
  std::string vtysh(const std::string& node, const std::string& command) { return run(node, {"vtysh", "-c", command}); }

  // Asks a node's radiald as root. Every answer must be as docs/openapi.json says.
  Result<cli::ApiResponse> ask(const std::string& node, const std::string& method, const std::string& path, const std::string& body = {}) {
    RADIAL_ASSIGN(const auto socket, lab_->path_in(node, "/run/radial/radiald.sock"));
    RADIAL_ASSIGN(auto answer, cli::call_api(socket, method, path, body));
    EXPECT_EQ(api_fault(method, path, answer.status, answer.body), "") << node << ": " << method << " " << path;
    return answer;
  }
  Result<std::string> post(const std::string& node, const std::string& path, const std::string& body = {}) {
    RADIAL_ASSIGN(auto answer, ask(node, "POST", path, body));
    return cli::body_of(std::move(answer));
  }

  Result<observe::Snapshot> status(const std::string& node) {
    for (auto& one : cli::lab_status(*lab_))
      if (one.node == node) return std::move(one.snapshot);
    return fail(Errc::not_found, "no node {}", node);
  }

  bool healthy() { return cli::all_healthy(cli::lab_status(*lab_)); }
  bool pings() {
    const auto matrix = lab_->ping_matrix();
    return matrix && matrix->ok();
  }
  // Every LAN reaches every LAN at the first try; shows what the nodes have when not.
  void expect_pings(const std::string& when) {
    const auto matrix = lab_->ping_matrix();
    if (!matrix) {
      ADD_FAILURE() << when << ": " << matrix.error().message;
      return;
    }
    if (matrix->ok()) return;
    std::string all;
    for (const auto& one : matrix->failures()) all += fmt::format("  {} -> {}\n", one.from, one.to);
    for (const auto& node : lab_->plan().nodes)
      all += node.name + ":\n" + sh(node.name, "ip -d route; wg show all allowed-ips; ip -s neigh; ip -s link show wg0");
    const bool again = pings();
    ADD_FAILURE() << when << ": no answer within a second" << (again ? " (but at the second try)" : "") << "\n" << all;
  }
  bool pings(const std::string& place, const std::string& address) {
    const auto result = lab_->ping(place, IpAddress::parse(address).value());
    return result && result->ok();
  }

  // The process ids (inside the node) of a program by its name.
  std::string pids(const std::string& node, const std::string& program) {
    auto result = lab_->run(node, {"pidof", program});
    return result ? result->out : std::string();
  }

  void print_logs() {
    if (!lab_) return;
    for (const auto& node : lab_->plan().nodes) {
      auto tail = run_process({"tail", "-n", "25", lab_->log_of(node.name).string()});
      if (tail) std::printf("--- radiald of %s\n%s", node.name.c_str(), tail->out.c_str());
    }
  }

 private:
  const std::string radiald_ = binary_dir() + "/bin/radiald";
  std::string name_;
  std::unique_ptr<lab::Lab> lab_;
  bool converged_ = false;
};

}  // namespace radial::test
