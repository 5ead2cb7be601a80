#include "host/firewall_nft.h"

#include <csignal>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <string_view>
#include <vector>

#include <nftables/libnftables.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"

namespace radial::host {
namespace {

struct FreeContext {
  void operator()(nft_ctx* context) const { ::nft_ctx_free(context); }
};

// nft's errors are pictures: "PLACE: Error: message", the line of the source,
// and carets under the words meant. The first one's message and line are kept,
// in one line of ours.
std::string first_error(std::string_view text) {
  auto message = text.substr(0, text.find('\n'));
  auto source = text.size() > message.size() ? text.substr(message.size() + 1) : std::string_view{};
  source = source.substr(0, source.find('\n'));
  constexpr std::string_view mark = "Error: ";
  if (const auto at = message.find(mark); at != message.npos) message.remove_prefix(at + mark.size());
  while (!source.empty() && (source.front() == ' ' || source.front() == '\t')) source.remove_prefix(1);
  if (message.empty()) return "refused without a word";
  return source.empty() ? std::string(message) : fmt::format("{}, at '{}'", message, source);
}

Errc kind_of(std::string_view message) {
  if (message.find("Operation not permitted") != message.npos) return Errc::permission_denied;
  if (message.find("No such file or directory") != message.npos) return Errc::not_found;
  if (message.find("not supported") != message.npos) return Errc::unsupported;
  return Errc::invalid_argument;
}

Status write_all(int fd, std::string_view text) {
  while (!text.empty()) {
    const auto written = ::write(fd, text.data(), text.size());
    if (written < 0) return fail_errno(errno, "cannot write a file in memory");
    text.remove_prefix(static_cast<std::size_t>(written));
  }
  return {};
}

Result<std::string> read_all(int fd) {
  std::string text;
  std::vector<char> chunk(65536);
  for (;;) {
    const auto got = ::pread(fd, chunk.data(), chunk.size(), static_cast<off_t>(text.size()));
    if (got < 0) return fail_errno(errno, "cannot read a file in memory");
    if (got == 0) return text;
    text.append(chunk.data(), static_cast<std::size_t>(got));
  }
}

Result<Fd> memory_file() {
  Fd file(::memfd_create("nft", MFD_CLOEXEC));
  if (!file) return fail_errno(errno, "cannot make a file in memory");
  return file;
}

// `command` is a file: for a buffer nft points its errors at the first line,
// whichever is meant.
Result<std::string> run_here(int command) {
  const std::unique_ptr<nft_ctx, FreeContext> context(::nft_ctx_new(NFT_CTX_DEFAULT));
  if (!context) return fail(Errc::unavailable, "libnftables gives no context");
  if (::nft_ctx_buffer_output(context.get()) != 0 || ::nft_ctx_buffer_error(context.get()) != 0)
    return fail(Errc::io, "libnftables gives no buffer");
  // A protocol's name would depend on this machine's /etc/protocols.
  ::nft_ctx_output_set_flags(context.get(), NFT_CTX_OUTPUT_STATELESS | NFT_CTX_OUTPUT_NUMERIC_PROTO);
  if (::nft_run_cmd_from_filename(context.get(), fmt::format("/proc/self/fd/{}", command).c_str()) != 0) {
    const auto message = first_error(::nft_ctx_get_error_buffer(context.get()));
    return fail(kind_of(message), "nft: {}", message);
  }
  return std::string(::nft_ctx_get_output_buffer(context.get()));
}

// The answer of the child: a byte that says which, then the output, or the
// kind of error and its message.
constexpr char good = '+';
constexpr char bad = '-';

void answer(int fd, const Result<std::string>& result) {
  const auto text = result ? good + *result
                           : fmt::format("{}{}{}", bad, static_cast<char>(result.error().code), result.error().message);
  (void)write_all(fd, text);
}

Result<std::string> read_answer(int fd) {
  const auto read = read_all(fd);
  if (!read) return read;
  const std::string_view text = *read;
  if (text.starts_with(good)) return std::string(text.substr(1));
  if (text.starts_with(bad)) return fail(static_cast<Errc>(text.at(1)), "{}", text.substr(2));
  return fail(Errc::unavailable,
              "libnftables crashed; a table made by a newer nft than this machine's does that (look with `nft list "
              "ruleset`, upgrade libnftables1)");
}

enum class Where { here, empty_namespace };

// In the child: SIGALRM ends it then, wherever it is.
void end_after(std::chrono::seconds patience) {
  sigset_t alarm_alone;
  ::sigemptyset(&alarm_alone);
  ::sigaddset(&alarm_alone, SIGALRM);
  ::signal(SIGALRM, SIG_DFL);
  ::sigprocmask(SIG_UNBLOCK, &alarm_alone, nullptr);
  ::alarm(static_cast<unsigned>(patience.count()));
}

// Runs the commands one after the other; what the last one printed.
Result<std::string> run_commands(const std::vector<std::string>& commands, Where where, std::chrono::seconds patience) {
  std::vector<Fd> files;
  for (const auto& command : commands) {
    RADIAL_ASSIGN(auto file, memory_file());
    RADIAL_TRY(write_all(file.get(), command));
    files.push_back(std::move(file));
  }
  RADIAL_ASSIGN(const auto reply, memory_file());
  const auto pid = ::fork();
  if (pid < 0) return fail_errno(errno, "cannot make a process for nft");
  if (pid == 0) {
    // No exec: only what glibc makes safe after a fork (memory, stdio) is used.
    // The memory holds a copy of the agent's keys, so a crash must leave no core.
    ::prctl(PR_SET_DUMPABLE, 0);
    end_after(patience);
    Result<std::string> result;
    // Without CAP_SYS_ADMIN a user namespace of its own makes it possible.
    if (where == Where::empty_namespace && ::unshare(CLONE_NEWNET) != 0 && ::unshare(CLONE_NEWUSER | CLONE_NEWNET) != 0)
      result = fail_errno(errno, "cannot make a network namespace to compare nftables rules in (it takes CAP_SYS_ADMIN, "
                                 "or kernel.unprivileged_userns_clone=1)");
    for (const auto& file : files)
      if (result) result = run_here(file.get());
    answer(reply.get(), result);
    ::_exit(0);
  }
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  if (WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM)
    return fail(Errc::unavailable, "nft was not done within {} s", patience.count());
  return read_answer(reply.get());
}

}  // namespace

Result<std::string> run_nft(const std::string& command, std::chrono::seconds patience) {
  return run_commands({command}, Where::here, patience);
}

Result<std::string> canonical_table(const std::string& table) {
  return run_commands({table + "\n", "list table inet radial"}, Where::empty_namespace, nft_patience);
}

}  // namespace radial::host
