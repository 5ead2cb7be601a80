// FRR daemons in a namespace of their own, as Debian's package starts them: FRR
// of this machine, or of another root folder by chroot. Everything in a node,
// daemons included, dies with the test process: it lives in a process namespace
// whose first process is tied to ours.
// Needs root. Failures throw, which fails the test.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <vector>

#include <csignal>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "base/process.h"
#include "host/frr.h"
#include "support/namespace.h"

namespace radial::test {

class FrrNode {
 public:
  // `root`: "" is this machine.
  FrrNode(std::string root, std::vector<std::string> daemons) : root_(std::move(root)), daemons_(std::move(daemons)) {
    if (std::filesystem::exists(root_ + "/usr/lib/frr/mgmtd")) daemons_.insert(daemons_.begin(), "mgmtd");
    hold();
    try {
      in(R"(mount --make-rprivate /
          for folder in /run /etc/frr /var/tmp/frr /var/log/frr /var/lib/frr; do
            mkdir -p ")" +
         root_ + R"($folder"; mount -t tmpfs -o mode=0755 radial-test ")" + root_ + R"($folder"
          done
          mkdir -p ")" +
         root_ + R"(/run/frr"
          if [ -n ")" +
         root_ + R"(" ]; then mount -t proc proc ")" + root_ + R"(/proc"; mount --rbind /dev ")" + root_ + R"(/dev"
          else mount -t proc proc /proc; fi
          ip link set lo up
          sysctl -qw net.ipv4.ip_forward=1)");
      frr_shell("chown frr:frr /run/frr /etc/frr /var/tmp/frr /var/log/frr /var/lib/frr");
      write_config("vtysh.conf", "service integrated-vtysh-config\n");
      write_config("frr.conf", "");
    } catch (...) {
      end();
      throw;
    }
  }
  FrrNode(const FrrNode&) = delete;
  FrrNode& operator=(const FrrNode&) = delete;
  ~FrrNode() { end(); }

  // A shell script in the node, seeing this machine's programs.
  std::string in(const std::string& script) const { return run({}, script); }
  // The same within FRR's root folder.
  std::string frr_shell(const std::string& script) const {
    return root_.empty() ? run({}, script) : run({"chroot", root_}, script);
  }

  void write_config(const std::string& name, const std::string& text) const {
    const auto path = config_dir() + "/" + name;
    if (auto written = write_file_atomically(path, text, 0640); !written)
      throw std::runtime_error(written.error().message);
    frr_shell("chown frr:frr /etc/frr/" + name);
  }
  [[nodiscard]] std::string read_config(const std::string& name) const {
    return read_file(config_dir() + "/" + name).value();
  }

  // Starts all daemons, or one that was killed, and loads frr.conf into it, as
  // frrinit.sh and watchfrr do.
  void start() const {
    for (const auto& daemon : daemons_) start(daemon);
    load();
  }
  void start(const std::string& daemon) const {
    // On a busy machine -d returns before the socket is there.
    frr_shell("/usr/lib/frr/" + daemon + " -d -F traditional -A 127.0.0.1 -P 0 >/run/frr/" + daemon +
              ".out 2>&1 </dev/null");
    if (!eventually([&] { return host::Frr(run_dir()).serves(daemon); }, std::chrono::seconds(20)))
      throw std::runtime_error(daemon + " does not answer");
  }
  // mgmtd may still be busy with a daemon that started: vtysh then says that
  // the datastore is locked.
  void load(const std::string& daemon = {}) const {
    std::string said;
    const auto command = "vtysh -b" + (daemon.empty() ? "" : " -d " + daemon) + " 2>&1";
    if (!eventually(
            [&] {
              said = frr_shell(command + " || true");
              return said.find("lock") == std::string::npos;
            },
            std::chrono::seconds(20)))
      throw std::runtime_error("cannot load frr.conf: " + said);
  }
  // As the kernel's out-of-memory killer would.
  void kill(const std::string& daemon) const {
    frr_shell("kill -9 $(cat /run/frr/" + daemon + ".pid); rm -f /run/frr/" + daemon + ".vty");
  }
  void kill_all() const {
    for (const auto& daemon : daemons_) kill(daemon);
  }

  [[nodiscard]] host::Frr frr() const { return host::Frr(run_dir(), std::chrono::seconds(5), config_dir()); }
  [[nodiscard]] std::string run_dir() const { return path("/run/frr"); }
  [[nodiscard]] std::string config_dir() const { return path("/etc/frr"); }
  [[nodiscard]] const std::vector<std::string>& daemons() const { return daemons_; }
  // Of the first process: a name for its network namespace.
  [[nodiscard]] pid_t pid() const { return first_; }

  // A veth between two nodes, both ends up.
  static void wire(const FrrNode& a, const std::string& a_name, const FrrNode& b, const std::string& b_name) {
    a.in("ip link add " + a_name + " type veth peer name radial-peer; ip link set " + a_name + " up");
    must({"nsenter", "-t", std::to_string(a.pid()), "-n", "ip", "link", "set", "radial-peer", "netns",
          std::to_string(b.pid())});
    b.in("ip link set radial-peer name " + b_name + "; ip link set " + b_name + " up");
  }

 private:
  // The mount namespace as seen through a process in it.
  [[nodiscard]] std::string path(const std::string& name) const {
    return "/proc/" + std::to_string(first_) + "/root" + root_ + name;
  }

  static std::string must(const std::vector<std::string>& argv) {
    const auto result = run_process(argv);
    if (!result) throw std::runtime_error(result.error().message);
    if (!result->ok()) throw std::runtime_error(argv.back() + ": " + result->err + result->out);
    return result->out;
  }

  std::string run(const std::vector<std::string>& prefix, const std::string& script) const {
    std::vector<std::string> argv{"nsenter", "-t", std::to_string(first_), "-m", "-n", "-p"};
    argv.insert(argv.end(), prefix.begin(), prefix.end());
    argv.insert(argv.end(), {"sh", "-euc", script});
    return must(argv);
  }

  // The first process of the node's namespaces: it adopts daemons and ends
  // with its parent, which ends with us.
  void hold() {
    holder_ = ::fork();
    if (holder_ < 0) throw std::runtime_error("cannot fork");
    if (holder_ == 0) {
      ::execlp("setpriv", "setpriv", "--pdeathsig", "KILL", "unshare", "--mount", "--net", "--pid", "--fork",
               "--kill-child=KILL", "sh", "-c", "while :; do sleep 3600 & wait $!; done", nullptr);
      ::_exit(127);
    }
    const auto children = "/proc/" + std::to_string(holder_) + "/task/" + std::to_string(holder_) + "/children";
    const bool ready = eventually([&] {
      const auto text = run_process({"cat", children});
      if (!text || text->out.empty()) return false;
      first_ = std::atoi(text->out.c_str());
      // In its namespaces already, and no longer `unshare` itself.
      const auto name = run_process({"cat", "/proc/" + std::to_string(first_) + "/comm"});
      return name && name->out == "sh\n";
    });
    if (!ready) {
      end();
      throw std::runtime_error("cannot make namespaces (tests with the label net need root)");
    }
  }

  void end() noexcept {
    if (holder_ <= 0) return;
    if (first_ > 0) ::kill(first_, SIGKILL);
    ::kill(holder_, SIGKILL);
    ::waitpid(holder_, nullptr, 0);
    holder_ = -1;
  }

  std::string root_;
  std::vector<std::string> daemons_;
  pid_t holder_ = -1;
  pid_t first_ = -1;
};

}  // namespace radial::test
