// `lab-init enter MODE PID START NETNS HOSTNAME LOG PROGRAM ...`: a program
// inside a node. Empty fields are "-".
//
// A PID namespace is entered by a child, so there are two processes: the outer
// one waits (or, for a daemon, leaves when the program has been executed) and ends
// as the program ended.
#include <algorithm>
#include <array>
#include <charconv>
#include <climits>
#include <csignal>
#include <cstdlib>
#include <filesystem>

#include <fcntl.h>
#include <linux/close_range.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "lab/init_spec.h"

namespace radial::lab {
namespace {

constexpr int cannot_enter = 125;  // as chroot(1) and env(1) have it
constexpr int cannot_execute = 126;
constexpr int no_such_program = 127;

struct Order {
  EnterSpec spec;
  std::vector<std::string> argv;
};

Result<Order> parse(const std::vector<std::string>& words) {
  if (words.size() < 7) return fail(Errc::invalid_argument, "lab-init enter: too few arguments");
  Order order;
  const auto field = [&](std::size_t index) { return words[index] == "-" ? std::string() : words[index]; };
  const auto number = [&](std::size_t index, auto& into) {
    const auto& text = words[index];
    return std::from_chars(text.data(), text.data() + text.size(), into).ec == std::errc{};
  };
  int mode = 0;
  if (!number(0, mode) || !number(1, order.spec.init.pid) || !number(2, order.spec.init.start_time))
    return fail(Errc::invalid_argument, "lab-init enter: a number was expected");
  order.spec.mode = static_cast<EnterSpec::Mode>(mode);
  order.spec.netns = field(3);
  order.spec.hostname = field(4);
  order.spec.log = field(5);
  order.argv.assign(words.begin() + 6, words.end());
  return order;
}

// From here on this process is in the node, but for the PID namespace, which is its
// children's.
Status enter(const EnterSpec& spec) {
  const Fd init(static_cast<int>(::syscall(SYS_pidfd_open, spec.init.pid, 0)));
  if (!init || !is_running(spec.init)) return fail(Errc::unavailable, "the node is not running");
  Fd netns;
  if (!spec.netns.empty()) {
    netns = Fd(::open(("/run/netns/" + spec.netns).c_str(), O_RDONLY | O_CLOEXEC));
    if (!netns) return fail_errno(errno, fmt::format("cannot open the network namespace {}", spec.netns));
  }
  if (::setns(init.get(), CLONE_NEWNET | CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWPID) != 0)
    return fail_errno(errno, "cannot enter the node's namespaces");
  if (!netns) return {};
  if (::setns(netns.get(), CLONE_NEWNET) != 0) return fail_errno(errno, "cannot enter the LAN host's namespace");
  // A LAN host shares the node's files, but has a name and a /sys of its own.
  if (::unshare(CLONE_NEWNS | CLONE_NEWUTS) != 0 || ::sethostname(spec.hostname.data(), std::min<std::size_t>(spec.hostname.size(), HOST_NAME_MAX)) != 0 ||
      ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
      ::mount("sysfs", "/sys", "sysfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, nullptr) != 0)
    return fail_errno(errno, "cannot set up the LAN host's own namespaces");
  return {};
}

// The node's own programs first: its vtysh speaks to its own FRR. Then those beside
// this one, so that `radial` is found wherever it was built.
std::string search_path() {
  std::error_code ignored;
  const auto beside = std::filesystem::read_symlink("/proc/self/exe", ignored).parent_path();
  return fmt::format("/run/.lab/bin:{}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", beside.string());
}

[[noreturn]] void execute(const Order& order, const Fd& log, int report) {
  sigset_t none;
  sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  if (order.spec.mode == EnterSpec::Mode::captured) ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (order.spec.mode == EnterSpec::Mode::daemon) {
    // Twice, so that its parent is one of the node's processes: the node's init
    // inherits it, not the machine's.
    ::setsid();
    if (const pid_t inner = ::fork(); inner != 0) ::_exit(inner < 0 ? cannot_enter : 0);
    const int null = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
    ::dup2(null, 0);
    ::dup2(log.get(), 1);
    ::dup2(log.get(), 2);
  }
  ::close_range(3, ~0U, CLOSE_RANGE_CLOEXEC);
  ::setenv("PATH", search_path().c_str(), 1);
  std::vector<char*> argv;
  for (const auto& word : order.argv) argv.push_back(const_cast<char*>(word.c_str()));
  argv.push_back(nullptr);
  ::execvp(argv[0], argv.data());
  const int error = errno;
  if (::write(report, &error, sizeof error) < 0) ::_exit(cannot_execute);
  ::_exit(error == ENOENT ? no_such_program : cannot_execute);
}

int run(const Order& order) {
  Fd log;
  if (!order.spec.log.empty()) {
    log = Fd(::open(order.spec.log.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600));
    if (!log) {
      fmt::print(stderr, "{}\n", fail_errno(errno, fmt::format("cannot open {}", order.spec.log)).value().message);
      return cannot_enter;
    }
  }
  if (const auto entered = enter(order.spec); !entered) {
    fmt::print(stderr, "{}\n", entered.error().message);
    return cannot_enter;
  }
  std::array<int, 2> report{};
  if (::pipe2(report.data(), O_CLOEXEC) != 0) return cannot_enter;
  if (order.spec.mode == EnterSpec::Mode::foreground) {
    // The terminal sends these to both of us; the program decides.
    ::signal(SIGINT, SIG_IGN);
    ::signal(SIGQUIT, SIG_IGN);
  }
  const pid_t child = ::fork();
  if (child < 0) return cannot_enter;
  if (child == 0) {
    ::signal(SIGINT, SIG_DFL);
    ::signal(SIGQUIT, SIG_DFL);
    execute(order, log, report[1]);
  }
  ::close(report[1]);
  int error = 0;
  const bool refused = ::read(report[0], &error, sizeof error) == sizeof error;
  // Waited for in any case: a namespace ends only when all its dead are reaped.
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  if (refused) {
    fmt::print(stderr, "{}\n", fail_errno(error, fmt::format("cannot run {}", order.argv[0])).value().message);
    return error == ENOENT ? no_such_program : cannot_execute;
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

}  // namespace

int enter_main(const std::vector<std::string>& arguments) {
  const auto order = parse(arguments);
  if (!order) {
    fmt::print(stderr, "{}\n", order.error().message);
    return cannot_enter;
  }
  // run_process kills the outer process at a deadline; the inner one follows it.
  if (order->spec.mode == EnterSpec::Mode::captured) ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  return run(*order);
}

std::vector<std::string> enter_arguments(const EnterSpec& spec) {
  const auto field = [](const std::string& text) { return text.empty() ? std::string("-") : text; };
  return {"/proc/self/exe",
          "lab-init",
          "enter",
          std::to_string(static_cast<int>(spec.mode)),
          std::to_string(spec.init.pid),
          std::to_string(spec.init.start_time),
          field(spec.netns),
          field(spec.hostname),
          field(spec.log)};
}

}  // namespace radial::lab
