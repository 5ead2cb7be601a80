#include "lab/init.h"

#include <atomic>
#include <charconv>
#include <csignal>
#include <cstdio>
#include <filesystem>
#include <sstream>

#include <poll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/file.h"
#include "base/process.h"
#include "lab/init_spec.h"

namespace radial::lab {
namespace {

std::atomic<bool> available = false;

// Whether this process is a `lab-init hold LAB ...`, init or outer one.
bool holds(std::int64_t pid, const std::string& lab) {
  const auto line = read_file(fmt::format("/proc/{}/cmdline", pid));
  if (!line) return false;
  std::vector<std::string> words;
  std::istringstream text(*line);
  for (std::string word; words.size() < 4 && std::getline(text, word, '\0');) words.push_back(word);
  return words.size() == 4 && words[1] == "lab-init" && words[2] == "hold" && words[3] == lab;
}

std::vector<std::int64_t> all_processes() {
  std::vector<std::int64_t> pids;
  std::error_code ignored;
  for (const auto& entry : std::filesystem::directory_iterator("/proc", ignored)) {
    const auto name = entry.path().filename().string();
    std::int64_t pid = 0;
    if (std::from_chars(name.data(), name.data() + name.size(), pid).ptr == name.data() + name.size()) pids.push_back(pid);
  }
  return pids;
}

// A helper's next child would be in another PID namespace. Exit handlers do not
// expect that: LeakSanitizer's starts a thread, which waits for ever.
[[noreturn]] void end_now(int code) {
  std::fflush(nullptr);
  ::_exit(code);
}

}  // namespace

std::optional<int> dispatch_lab_init(int argc, char** argv) {
  available = true;
  if (argc < 3 || std::string_view(argv[1]) != "lab-init") return std::nullopt;
  const std::string_view verb = argv[2];
  const std::vector<std::string> rest(argv + 3, argv + argc);
  if (verb == "hold") end_now(hold_main(rest));
  if (verb == "enter") end_now(enter_main(rest));
  fmt::print(stderr, "lab-init is for the lab's own use; see `radial lab --help`\n");
  return 2;
}

bool lab_init_available() { return available; }

std::optional<ProcessIdentity> identify_process(std::int64_t pid) {
  const auto stat = read_file(fmt::format("/proc/{}/stat", pid));
  if (!stat) return std::nullopt;
  // The second field is the name in parentheses, which may hold anything; the
  // start time is field 22, the state (Z: dead already) field 3.
  const auto after_name = stat->rfind(')');
  if (after_name == std::string::npos) return std::nullopt;
  std::istringstream fields(stat->substr(after_name + 1));
  std::string field;
  for (int number = 3; fields >> field; ++number) {
    if (number == 3 && (field == "Z" || field == "X")) return std::nullopt;
    if (number != 22) continue;
    ProcessIdentity identity{pid, 0};
    std::from_chars(field.data(), field.data() + field.size(), identity.start_time);
    return identity;
  }
  return std::nullopt;
}

bool is_running(const ProcessIdentity& process) {
  if (process.pid <= 0) return false;
  const auto now = identify_process(process.pid);
  return now && now->start_time == process.start_time;
}

Result<ProcessIdentity> start_init(const std::string& lab, const std::string& node, const InitSpec& spec) {
  RADIAL_ASSIGN(const auto made,
                run_process({"/proc/self/exe", "lab-init", "hold", lab, node}, std::chrono::seconds(60), to_json(spec)));
  ProcessIdentity identity;
  std::istringstream words(made.out);
  if (!made.ok() || !(words >> identity.pid >> identity.start_time))
    return fail(Errc::io, "cannot make the namespaces of {}: {}", node, made.err.substr(0, made.err.find('\n')));
  return identity;
}

Result<int> kill_inits(const std::string& lab) {
  std::vector<Fd> dying;
  // Twice: an outer process that was killed in the first round may just have
  // forked an init; that one ends by itself, and is waited for in the second.
  for (int round = 0; round < 2; ++round) {
    for (const auto pid : all_processes()) {
      if (!holds(pid, lab)) continue;
      // The descriptor first, the look at it again second: then the process that is
      // killed is the one that was looked at.
      Fd process(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
      if (!process || !holds(pid, lab) || !identify_process(pid)) continue;
      if (::syscall(SYS_pidfd_send_signal, process.get(), SIGKILL, nullptr, 0) == 0) dying.push_back(std::move(process));
    }
    for (const auto& process : dying) {
      pollfd wait{process.get(), POLLIN, 0};
      // A dying init waits for all processes of its namespace first.
      if (::poll(&wait, 1, 30'000) != 1)
        return fail(Errc::timeout, "processes of lab '{}' did not die within 30 s after SIGKILL", lab);
    }
  }
  return static_cast<int>(dying.size());
}

}  // namespace radial::lab
