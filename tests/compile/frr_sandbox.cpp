#include "compile/frr_sandbox.h"

#include <algorithm>
#include <cstdlib>
#include <sstream>

#include <csignal>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"

namespace radial::test {
namespace {

std::optional<FrrInstall> install_at(const std::string& root) {
  const auto result = run_process({"chroot", root, "/usr/lib/frr/zebra", "--version"});
  if (!result || !result->ok()) return std::nullopt;
  std::istringstream words(result->out);  // "zebra version 8.4.4"
  std::string program, word, version;
  words >> program >> word >> version;
  const auto parsed = FrrVersion::parse(version);
  return parsed ? std::optional(FrrInstall{root, *parsed}) : std::nullopt;
}

std::vector<std::string> hidden_folders(const std::string& prefix) {
  std::vector<std::string> folders;
  for (const auto* folder : {"/run", "/etc/frr", "/var/tmp", "/var/lib/frr", "/var/log/frr"}) {
    folders.push_back(folder);
    if (!prefix.empty()) folders.push_back(prefix + folder);
  }
  return folders;
}

}  // namespace

std::vector<FrrInstall> installed_frr() {
  std::vector<FrrInstall> installs;
  const auto* named = std::getenv("RADIAL_TRIXIE_ROOT");
  const auto* cache = std::getenv("RADIAL_CACHE");
  const auto trixie = named != nullptr ? std::string(named)
                                       : std::string(cache != nullptr ? cache : "/var/cache/radial") + "/debian13";
  for (const auto& root : {std::string("/"), trixie})
    if (auto install = install_at(root)) installs.push_back(std::move(*install));
  return installs;
}

FrrSandbox::FrrSandbox(const FrrInstall& install)
    : install_(install),
      prefix_(install.root == "/" ? "" : install.root),
      inside_(hidden_folders(prefix_)) {
  // vtysh is told not to look for one file for all daemons.
  sh("install -d -o frr -g frr /run/frr /var/tmp/frr");
  if (!prefix_.empty()) {
    sh("mount --bind /proc " + prefix_ + "/proc");
    sh_in_root("install -d -o frr -g frr /run/frr /var/tmp/frr");
  }
  sh_in_root("chown frr:frr /etc/frr; touch /etc/frr/vtysh.conf");
  start();
}

FrrSandbox::~FrrSandbox() {
  if (daemons_ < 0) return;
  // The daemons live in a process namespace of their own, which ends with its
  // first process.
  ::kill(daemons_, SIGKILL);
  ::waitpid(daemons_, nullptr, 0);
}

void FrrSandbox::start() {
  std::string script = "set -e; ";
  std::vector<std::string> daemons{"zebra", "staticd", "ospfd", "ospf6d", "bgpd", "bfdd"};
  if (std::filesystem::exists(prefix_ + "/usr/lib/frr/mgmtd")) daemons.insert(daemons.begin(), "mgmtd");
  for (const auto& daemon : daemons)
    script += "/usr/lib/frr/" + daemon + " -d -P 0 --log file:/tmp/" + daemon + ".log >/dev/null 2>&1; ";
  script += "exec sleep 600";
  const std::vector<std::string> argv{"setpriv", "--pdeathsig",  "KILL",   "unshare",     "--pid",   "--fork",
                                      "--kill-child", "chroot", install_.root, "/bin/sh", "-c",      script};
  std::vector<char*> raw;
  for (const auto& word : argv) raw.push_back(const_cast<char*>(word.c_str()));
  raw.push_back(nullptr);
  daemons_ = ::fork();
  if (daemons_ == 0) {
    ::execvp(raw[0], raw.data());
    ::_exit(127);
  }
  for (const auto& daemon : daemons) {
    const bool serves = eventually([&] {
      try {
        return ask(daemon, "show version").status == 0;
      } catch (const std::runtime_error&) {
        return false;
      }
    }, std::chrono::seconds(20));
    if (!serves) throw std::runtime_error(daemon + " of " + install_.root + " does not serve");
  }
}

std::string FrrSandbox::sh_in_root(const std::string& script) const {
  const auto result = run_process({"chroot", install_.root, "/bin/sh", "-euc", script});
  if (!result) throw std::runtime_error(result.error().message);
  if (!result->ok()) throw std::runtime_error(script + ": " + result->out + result->err);
  return result->out;
}

void FrrSandbox::write_in_root(const std::string& path, const std::string& content) const {
  if (const auto written = write_file_atomically(prefix_ + path, content); !written)
    throw std::runtime_error(written.error().message);
}

// FRR's vty protocol: a command and NUL; text, three NULs and a status byte.
FrrSandbox::Reply FrrSandbox::ask(const std::string& wanted, const std::string& command) {
  // From FRR 9 on mgmtd holds the static routes, from 10 on what zebra had.
  const bool managed = (wanted == "staticd" && install_.version >= FrrVersion{9, 0}) ||
                       (wanted == "zebra" && command != "show version" && install_.version >= FrrVersion{10, 0});
  const auto daemon = managed ? std::string("mgmtd") : wanted;
  auto& socket = sockets_[daemon];
  const auto exchange = [&](const std::string& line) {
    std::string reply;
    std::array<char, 65536> buffer{};
    if (::send(socket.get(), line.c_str(), line.size() + 1, MSG_NOSIGNAL) < 0)
      throw std::runtime_error(daemon + " hung up");
    while (reply.size() < 4 || reply.substr(reply.size() - 4, 3) != std::string(3, '\0')) {
      const auto got = ::recv(socket.get(), buffer.data(), buffer.size(), 0);
      if (got <= 0) throw std::runtime_error(daemon + " hung up");
      reply.append(buffer.data(), static_cast<std::size_t>(got));
    }
    return Reply{reply.substr(0, reply.size() - 4), reply.back()};
  };
  if (!socket) {
    Fd fresh(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    (prefix_ + "/run/frr/" + daemon + ".vty").copy(address.sun_path, sizeof address.sun_path - 1);
    if (::connect(fresh.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
      throw std::runtime_error(daemon + " has no socket");
    socket = std::move(fresh);
    exchange("enable");
  }
  auto reply = exchange(command);
  // On a busy machine mgmtd was seen to say so to its only session, for a while; radiald asks again, too.
  (void)eventually([&] {
    const bool locked = reply.text.find("could not lock") != std::string::npos;
    if (locked) reply = exchange(command);
    return !locked;
  }, std::chrono::seconds(10));
  return reply;
}

std::vector<std::string> FrrSandbox::enter(const std::string& daemon, const std::string& context,
                                           const std::vector<std::string>& lines) {
  std::vector<std::string> refused;
  const auto tell = [&](const std::string& line) {
    if (const auto reply = ask(daemon, line); reply.status != 0) refused.push_back(line + ": " + reply.text);
  };
  tell("configure terminal");
  for (std::string_view left = context; !left.empty();) {  // "router bgp 65000 / address-family ipv4 unicast"
    const auto end = left.find(" / ");
    tell(std::string(left.substr(0, end)));
    left.remove_prefix(end == left.npos ? left.size() : end + 3);
  }
  for (const auto& line : lines) tell(line);
  tell("end");
  return refused;
}

std::string FrrSandbox::show(const std::string& daemon, const std::string& command) {
  return ask(daemon, command).text;
}

FrrContexts FrrSandbox::running(const std::string& daemon) {
  FrrContexts contexts;
  std::string context, nested;
  std::istringstream lines(show(daemon, "show running-config"));
  for (std::string line; std::getline(lines, line);) {
    const auto indent = std::min(line.find_first_not_of(' '), line.size());
    const auto text = line.substr(indent);
    if (text.empty() || text == "!" || text.starts_with("exit") || text == "end") continue;
    // A line may open a context or stand alone.
    if (indent == 0) {
      contexts[""].push_back(text);
      context = text;
    } else if (indent == 1) {
      contexts[context].push_back(text);
      nested = context + " / " + text;
    } else {
      contexts[nested].push_back(text);
    }
  }
  return contexts;
}

}  // namespace radial::test
