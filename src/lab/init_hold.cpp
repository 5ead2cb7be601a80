// `lab-init hold LAB NODE`: a node's namespaces, and the init that holds them.
//
// Two processes. The outer one, still in the machine's mount namespace, makes
// and names the network namespaces, then unshares the others and forks the
// init into them. The init mounts what is private and says so through a pipe; the
// outer one prints the init's pid and start time and ends. If the outer one dies
// before that (with `lab up`, by PR_SET_PDEATHSIG), the init reads the end of its
// pipe and ends too: nothing stays behind that nobody knows of.
#include <algorithm>
#include <array>
#include <climits>
#include <csignal>
#include <cstdio>
#include <filesystem>
#include <iostream>
#include <iterator>

#include <fcntl.h>
#include <linux/close_range.h>
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/file.h"
#include "lab/init_spec.h"

namespace radial::lab {
namespace {

constexpr const char* netns_folder = "/run/netns";
constexpr const char* backing = "/run/.lab";  // inside the node: its tmpfs is mounted on /run

Status mounted(int result, std::string_view what) {
  if (result == 0) return {};
  return fail_errno(errno, fmt::format("cannot mount {}", what));
}

Status bind_mount(const std::string& from, const std::string& to, unsigned long flags = 0) {
  return mounted(::mount(from.c_str(), to.c_str(), nullptr, MS_BIND | flags, nullptr), fmt::format("{} on {}", from, to));
}

// Every link of a lab joins two interfaces, whose addresses cannot clash:
// without duplicate address detection IPv6 works at once, not after two
// seconds. (/proc/sys/net shows the namespace of who looks.) No IPv6, no harm.
void skip_duplicate_address_detection() {
  for (const auto* scope : {"all", "default"}) {
    const Fd file(::open(fmt::format("/proc/sys/net/ipv6/conf/{}/accept_dad", scope).c_str(), O_WRONLY | O_CLOEXEC));
    if (file && ::write(file.get(), "0", 1) < 0) return;
  }
}

// A new network namespace with lo up; this process is in it afterwards.
Status enter_new_netns(const std::string& name) {
  if (::unshare(CLONE_NEWNET) != 0) return fail_errno(errno, "cannot make a network namespace");
  const Fd socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  ifreq request{};
  request.ifr_name[0] = 'l';
  request.ifr_name[1] = 'o';
  request.ifr_flags = IFF_UP | IFF_RUNNING;
  if (!socket || ::ioctl(socket.get(), SIOCSIFFLAGS, &request) != 0) return fail_errno(errno, "cannot bring lo up");
  skip_duplicate_address_detection();
  const auto path = fmt::format("{}/{}", netns_folder, name);
  const Fd file(::open(path.c_str(), O_RDONLY | O_CREAT | O_CLOEXEC, 0));
  if (!file) return fail_errno(errno, fmt::format("cannot create {}", path));
  return bind_mount("/proc/self/ns/net", path);
}

// Everything mounted below `folder`, so that a node's copy of the machine's mount
// table does not keep other nodes' namespaces alive.
void detach_all_below(const std::string& folder) {
  std::error_code ignored;
  for (const auto& entry : std::filesystem::directory_iterator(folder, ignored))
    ::umount2(entry.path().c_str(), MNT_DETACH);
}

struct Owner {
  uid_t user = 0;
  gid_t group = 0;
};

// The frr user of a root folder, from its passwd file: getpwnam() knows only ours.
Owner frr_owner(const std::string& root) {
  const auto passwd = read_file(root + "/etc/passwd");
  if (!passwd) return {};
  const auto at = ("\n" + *passwd).find("\nfrr:");
  if (at == std::string::npos) return {};
  unsigned user = 0;
  unsigned group = 0;
  if (std::sscanf(passwd->c_str() + at, "frr:%*[^:]:%u:%u:", &user, &group) != 2) return {};
  return {user, group};
}

Status make_folder(const std::string& path, unsigned mode, const Owner& owner) {
  RADIAL_TRY(make_directories(path, 0755));
  if (::chmod(path.c_str(), mode) != 0 || ::chown(path.c_str(), owner.user, owner.group) != 0)
    return fail_errno(errno, fmt::format("cannot set owner and mode of {}", path));
  return {};
}

Status make_file(const std::string& path, const InitSpec::File& file, const Owner& owner) {
  RADIAL_TRY(make_directories(std::filesystem::path(path).parent_path(), 0755));
  RADIAL_TRY(write_file_atomically(path, file.content, file.mode));
  if (::chown(path.c_str(), owner.user, owner.group) != 0) return fail_errno(errno, fmt::format("cannot chown {}", path));
  return {};
}

bool below_private_folder(const InitSpec& spec, const std::string& path) {
  for (const auto& folder : spec.folders)
    if (path.starts_with(folder.path + "/")) return true;
  return path.starts_with("/run/");
}

// One tmpfs on /run for all that is the node's own; folders and files elsewhere are
// bound from it.
Status mount_private(const InitSpec& spec) {
  const Owner root;
  const auto frr = frr_owner(spec.frr_root);
  RADIAL_TRY(mounted(::mount("radial-lab", "/run", "tmpfs", MS_NOSUID | MS_NODEV, "mode=755,size=256m"), "/run"));
  for (const auto& folder : spec.folders) {
    const auto& owner = folder.frr ? frr : root;
    if (folder.path.starts_with("/run/")) {
      RADIAL_TRY(make_folder(folder.path, folder.mode, owner));
      continue;
    }
    RADIAL_TRY(make_folder(backing + folder.path, folder.mode, owner));
    if (folder.frr_root_only) continue;
    RADIAL_TRY(make_directories(folder.path, 0755));
    RADIAL_TRY(bind_mount(backing + folder.path, folder.path));
  }
  for (const auto& file : spec.files) {
    const auto& owner = file.frr ? frr : root;
    if (below_private_folder(spec, file.path)) {
      RADIAL_TRY(make_file(file.path, file, owner));
    } else if (std::filesystem::exists(file.path)) {  // else the machine has nothing to hide there
      RADIAL_TRY(make_file(backing + file.path, file, owner));
      RADIAL_TRY(bind_mount(backing + file.path, file.path));
    }
  }
  return {};
}

// FRR's own root sees the node: its /run, its private folders, /proc, /dev.
Status mount_frr_root(const InitSpec& spec) {
  const auto& root = spec.frr_root;
  if (root.empty()) return {};
  RADIAL_TRY(bind_mount(root, root));
  const auto read_only = MS_BIND | MS_REMOUNT | MS_RDONLY;
  for (const auto* path : {"/run", "/proc", "/dev", "/sys"}) RADIAL_TRY(bind_mount(path, root + path, MS_REC));
  RADIAL_TRY(mounted(::mount("radial-lab", (root + "/var/tmp").c_str(), "tmpfs", MS_NOSUID | MS_NODEV, nullptr), "/var/tmp"));
  for (const auto& folder : spec.folders)
    if (folder.frr && !folder.path.starts_with("/run/") && !folder.path.starts_with("/var/tmp")) {
      RADIAL_TRY(make_directories(root + folder.path));
      RADIAL_TRY(bind_mount(backing + folder.path, root + folder.path));
    }
  return mounted(::mount(nullptr, root.c_str(), nullptr, read_only, nullptr), root + " read-only");
}

Status write_sysctls(const InitSpec& spec) {
  for (const auto& [key, value] : spec.sysctls) {
    std::string path = "/proc/sys/" + key;
    for (auto& letter : path)
      if (letter == '.') letter = '/';
    const Fd file(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
    if (!file || ::write(file.get(), value.data(), value.size()) < 0)
      return fail_errno(errno, fmt::format("cannot set {} to {}", key, value));
  }
  return {};
}

Status prepare_node(const InitSpec& spec) {
  RADIAL_TRY(mounted(::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr), "/ as private"));
  detach_all_below(netns_folder);
  RADIAL_TRY(mounted(::mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, nullptr), "/proc"));
  RADIAL_TRY(mounted(::mount("sysfs", "/sys", "sysfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, nullptr), "/sys"));
  RADIAL_TRY(write_sysctls(spec));
  if (::sethostname(spec.hostname.data(), std::min<std::size_t>(spec.hostname.size(), HOST_NAME_MAX)) != 0)
    return fail_errno(errno, "cannot set the host name");
  RADIAL_TRY(mount_private(spec));
  return mount_frr_root(spec);
}

void write_text(int fd, std::string_view text) {
  while (!text.empty()) {
    const auto written = ::write(fd, text.data(), text.size());
    if (written <= 0) return;
    text.remove_prefix(static_cast<std::size_t>(written));
  }
}

// What an init does all its life. SIGCHLD is blocked and waited for; no other
// signal reaches the first process of a PID namespace unless it asks for it.
[[noreturn]] void reap_for_ever() {
  ::prctl(PR_SET_NAME, "radial-lab-init");
  sigset_t child;
  sigemptyset(&child);
  sigaddset(&child, SIGCHLD);
  ::sigprocmask(SIG_BLOCK, &child, nullptr);
  for (;;) {
    while (::waitpid(-1, nullptr, WNOHANG) > 0) {
    }
    int signal = 0;
    ::sigwait(&child, &signal);
  }
}

[[noreturn]] void init_main(const InitSpec& spec, Fd go, Fd report) {
  char byte = 0;
  if (::read(go.get(), &byte, 1) != 1) ::_exit(1);  // the outer process died
  ::setsid();
  if (const auto ready = prepare_node(spec); !ready) {
    write_text(report.get(), ready.error().message);
    ::_exit(1);
  }
  const int null = ::open("/dev/null", O_RDWR | O_CLOEXEC);
  for (const int standard : {0, 1, 2}) ::dup2(null, standard);
  write_text(report.get(), "ready");
  // Once more: the outer process may have died before it told anybody about us.
  if (::read(go.get(), &byte, 1) != 1) ::_exit(1);
  ::close_range(3, ~0U, 0);
  if (::chdir("/") != 0) ::_exit(1);
  reap_for_ever();
}

Result<ProcessIdentity> hold(const InitSpec& spec) {
  RADIAL_TRY(make_directories(netns_folder, 0755));
  for (const auto& name : spec.lan_netns) RADIAL_TRY(enter_new_netns(name));
  RADIAL_TRY(enter_new_netns(spec.netns));
  std::array<int, 2> go{};
  std::array<int, 2> report{};
  if (::pipe2(go.data(), O_CLOEXEC) != 0 || ::pipe2(report.data(), O_CLOEXEC) != 0)
    return fail_errno(errno, "cannot make a pipe");
  Fd go_read(go[0]);
  Fd go_write(go[1]);
  Fd report_read(report[0]);
  Fd report_write(report[1]);
  if (::unshare(CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWPID) != 0) return fail_errno(errno, "cannot unshare namespaces");
  const pid_t pid = ::fork();
  if (pid < 0) return fail_errno(errno, "cannot fork");
  if (pid == 0) {
    go_write.reset();
    report_read.reset();
    init_main(spec, std::move(go_read), std::move(report_write));
  }
  report_write.reset();
  const auto identity = identify_process(pid);
  write_text(go_write.get(), "1");
  std::string answer;
  std::array<char, 4096> chunk{};
  ssize_t got = 0;
  while (answer != "ready" && (got = ::read(report_read.get(), chunk.data(), chunk.size())) > 0)
    answer.append(chunk.data(), static_cast<std::size_t>(got));
  if (answer != "ready" || !identity)
    return fail(Errc::io, "{}", answer.empty() ? std::string("the init died") : answer);
  // The name is told before the init is let go, so that a death in between
  // ends it: see init_main.
  fmt::print("{} {}\n", identity->pid, identity->start_time);
  if (std::fflush(stdout) != 0) return fail_errno(errno, "nobody wants to know of the init");
  write_text(go_write.get(), "1");
  return *identity;
}

}  // namespace

int hold_main(const std::vector<std::string>&) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  const std::string text{std::istreambuf_iterator<char>(std::cin), {}};
  const auto spec = init_spec_from_json(text);
  if (!spec) {
    fmt::print(stderr, "{}\n", spec.error().message);
    return 1;
  }
  ::umask(0022);
  if (const auto held = hold(*spec); !held) {
    fmt::print(stderr, "{}\n", held.error().message);
    return 1;
  }
  return 0;
}

}  // namespace radial::lab
