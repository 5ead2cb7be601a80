// A private network and mount namespace for a test: the process moves into it
// and comes back when the object goes. The namespace dies with its last
// process, so that even a test that is killed leaves nothing behind; a daemon
// that the test starts inside must be ended by the test.
//
//   TEST(X, Y) {
//     const test::PrivateNamespace namespace_;
//     namespace_.sh("ip link add wg0 type veth peer name peer0");
//     ...
//   }
//
// Inside: lo is up and nothing else is there; the folders in `hide` are empty
// (tmpfs): sockets, process ids and configuration of the machine's own FRR
// and WireGuard are out of sight and out of reach. Needs root.
// Threading: the calling thread only (a namespace belongs to a thread); use it
// before the test starts others. Failures throw, which fails the test.
#pragma once

#include <chrono>
#include <filesystem>
#include <functional>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "base/fd.h"
#include "base/process.h"
#include "base/result.h"

namespace radial::test {

class PrivateNamespace {
 public:
  // A folder of `hide` that does not exist is left alone.
  explicit PrivateNamespace(const std::vector<std::string>& hide = {"/run", "/etc/frr", "/etc/radial",
                                                                    "/var/lib/radial"})
      : network_(::open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC)),
        mounts_(::open("/proc/thread-self/ns/mnt", O_RDONLY | O_CLOEXEC)),
        folder_(std::filesystem::current_path()) {
    check(network_ && mounts_, "cannot open the namespaces of this process");
    check(::unshare(CLONE_NEWNET | CLONE_NEWNS) == 0, "cannot make namespaces (tests with the label net need root)");
    try {
      // Without this a mount made here would show in the machine's own tree.
      check(::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0, "cannot make mounts private");
      for (const auto& folder : hide) {
        if (!std::filesystem::exists(folder)) continue;
        check(::mount("radial-test", folder.c_str(), "tmpfs", 0, "mode=0755") == 0, "cannot hide " + folder);
      }
      for (const auto* folder : {"/run/wireguard", "/run/frr", "/run/netns", "/run/lock"}) {
        ::mkdir(folder, 0755);
      }
      sh("ip link set lo up");
    } catch (...) {
      leave();
      throw;
    }
  }
  PrivateNamespace(const PrivateNamespace&) = delete;
  PrivateNamespace& operator=(const PrivateNamespace&) = delete;
  ~PrivateNamespace() { leave(); }

  // Runs a shell script inside; its standard output. Throws with standard
  // error when it fails.
  std::string sh(const std::string& script) const {
    const auto result = run_process({"sh", "-euc", script});
    if (!result) throw std::runtime_error(result.error().message);
    if (!result->ok()) throw std::runtime_error(script + ": " + result->err);
    return result->out;
  }

 private:
  static void check(bool ok, const std::string& what) {
    if (!ok) throw std::runtime_error(fail_errno(errno, what).value().message);
  }

  void leave() noexcept {
    // Returning to a mount namespace moves the working folder to its root.
    ::setns(mounts_.get(), CLONE_NEWNS);
    ::setns(network_.get(), CLONE_NEWNET);
    std::error_code ignored;
    std::filesystem::current_path(folder_, ignored);
  }

  Fd network_;
  Fd mounts_;
  std::filesystem::path folder_;
};

// Waits until `holds` says so, at most `limit`; whether it did.
inline bool eventually(const std::function<bool()>& holds,
                       std::chrono::milliseconds limit = std::chrono::seconds(5)) {
  const auto end = std::chrono::steady_clock::now() + limit;
  while (!holds()) {
    if (std::chrono::steady_clock::now() > end) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  return true;
}

}  // namespace radial::test
