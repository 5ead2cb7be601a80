#include "host/frr_vty.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/file.h"

namespace radial::host::frr {
namespace {

constexpr std::size_t answer_limit = 256U << 20U;  // a full BGP table as JSON stays below
constexpr std::size_t ahead_limit = 64;            // commands on their way; their answers fit a socket's buffer
constexpr std::size_t terminator_length = 4;       // three NULs and the status

// Waits until the socket is ready for `events`, the other end hung up, or time is over.
Status wait_for(int fd, short events, VtySession::Clock::time_point deadline) {
  while (true) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline - VtySession::Clock::now());
    pollfd wait{fd, events, 0};
    const int ready = ::poll(&wait, 1, static_cast<int>(std::max<std::int64_t>(0, left.count())));
    if (ready > 0) return {};
    if (ready == 0) return fail(Errc::timeout, "FRR did not answer in time");
    if (errno != EINTR) return fail_errno(errno, "cannot wait for FRR");
  }
}

Status send_all(int fd, std::string_view bytes, VtySession::Clock::time_point deadline) {
  while (!bytes.empty()) {
    const auto sent = ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent >= 0) {
      bytes.remove_prefix(static_cast<std::size_t>(sent));
      continue;
    }
    if (errno == EINTR) continue;
    if (errno != EAGAIN) return fail_errno(errno, "cannot send to FRR");
    RADIAL_TRY(wait_for(fd, POLLOUT, deadline));
  }
  return {};
}

// Where the first whole answer in `buffer` ends, its terminator included, or 0
// when it is not whole yet. Text never holds a NUL, so the first one begins
// the terminator.
std::size_t end_of_answer(std::string_view buffer, std::size_t searched) {
  const auto nul = buffer.find('\0', searched);
  return nul == std::string_view::npos || nul + terminator_length > buffer.size() ? 0 : nul + terminator_length;
}

// Field 22 of /proc/PID/stat: ticks since boot. The name in field 2 may hold
// anything, so count from its closing bracket.
std::optional<std::int64_t> start_time(pid_t pid) {
  const auto stat = read_file(fmt::format("/proc/{}/stat", pid), 4096);
  if (!stat) return std::nullopt;
  auto at = stat->rfind(')');
  for (int field = 2; field < 22 && at != std::string::npos; ++field) at = stat->find(' ', at + 1);
  if (at == std::string::npos) return std::nullopt;
  std::int64_t ticks = 0;
  const auto* first = stat->data() + at + 1;
  const auto [end, error] = std::from_chars(first, stat->data() + stat->size(), ticks);
  if (error != std::errc{}) return std::nullopt;
  return ticks;
}

}  // namespace

bool VtyAnswer::locked() const {
  return !ok() &&
         (text.find("could not lock") != std::string::npos || text.find("locked by another") != std::string::npos);
}

std::string VtyAnswer::words() const {
  std::string line;
  for (const char c : text) {
    if (c == '\n' || c == '\r') line += "; ";
    else line += c;
  }
  while (line.ends_with("; ") || line.ends_with(" ")) line.pop_back();
  if (line.ends_with(";")) line.pop_back();
  return line.empty() ? fmt::format("no words, status {}", status) : line;
}

Result<VtySession> VtySession::open(const std::string& path, Clock::time_point deadline) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path)
    return fail(Errc::invalid_argument, "{} is too long for a socket's path ({} bytes at most)", path,
                sizeof address.sun_path - 1);
  std::memcpy(address.sun_path, path.data(), path.size());

  Fd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!socket) return fail_errno(errno, "cannot make a UNIX socket");
  // A UNIX socket connects at once, or says EAGAIN while the backlog is full.
  while (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    const int error = errno;
    if (error == EINTR) continue;
    if (error == ENOENT || error == ECONNREFUSED) return fail(Errc::unavailable, "nobody listens at {}", path);
    if (error != EAGAIN || Clock::now() >= deadline)
      return fail_errno(error, fmt::format("cannot connect to {}", path));
    ::poll(nullptr, 0, 5);
  }
  VtySession session(std::move(socket));
  RADIAL_ASSIGN(const auto enabled, session.ask("enable", deadline));
  if (!enabled.ok()) return fail(Errc::permission_denied, "{} refuses 'enable': {}", path, enabled.words());
  return session;
}

Result<VtyAnswer> VtySession::ask(std::string_view command, Clock::time_point deadline) {
  RADIAL_TRY(send(command, deadline));
  return receive(command, deadline);
}

Result<std::vector<VtyAnswer>> VtySession::ask_ahead(const std::vector<std::string>& commands,
                                                     std::chrono::milliseconds patience) {
  std::vector<VtyAnswer> answers;
  answers.reserve(commands.size());
  for (std::size_t sent = 0; answers.size() < commands.size();) {
    for (; sent < commands.size() && sent - answers.size() < ahead_limit; ++sent)
      RADIAL_TRY(send(commands[sent], Clock::now() + patience));
    RADIAL_ASSIGN(auto answer, receive(commands[answers.size()], Clock::now() + patience));
    answers.push_back(std::move(answer));
  }
  return answers;
}

Status VtySession::send(std::string_view command, Clock::time_point deadline) {
  if (command.find_first_of(std::string_view("\0\n\r", 3)) != std::string_view::npos)
    return fail(Errc::invalid_argument, "an FRR command is one line, this one is not: {}", command);
  std::string request(command);
  request.push_back('\0');
  return send_all(socket_.get(), request, deadline);
}

Result<VtyAnswer> VtySession::receive(std::string_view command, Clock::time_point deadline) {
  std::array<char, 65536> chunk{};
  std::size_t searched = 0;
  std::size_t end = 0;
  while ((end = end_of_answer(received_, searched)) == 0) {
    searched = received_.size() < terminator_length ? 0 : received_.size() - terminator_length;
    const auto got = ::recv(socket_.get(), chunk.data(), chunk.size(), 0);
    if (got > 0) {
      received_.append(chunk.data(), static_cast<std::size_t>(got));
      if (received_.size() > answer_limit)
        return fail(Errc::protocol, "FRR's answer to '{}' is larger than {} bytes", command, answer_limit);
    } else if (got == 0) {
      return fail(Errc::unavailable, "FRR hung up while answering '{}'", command);
    } else if (errno == EAGAIN) {
      RADIAL_TRY(wait_for(socket_.get(), POLLIN, deadline));
    } else if (errno != EINTR) {
      return fail_errno(errno, fmt::format("cannot read FRR's answer to '{}'", command));
    }
  }
  const auto text_length = end - terminator_length;
  if (received_.compare(text_length, 3, std::string_view("\0\0\0", 3)) != 0)
    return fail(Errc::protocol, "FRR's answer to '{}' holds a NUL", command);
  VtyAnswer answer{received_.substr(0, text_length), static_cast<std::uint8_t>(received_[end - 1])};
  received_.erase(0, end);
  return answer;
}

std::optional<pid_t> VtySession::process() const {
  ucred peer{};
  socklen_t length = sizeof peer;
  if (::getsockopt(socket_.get(), SOL_SOCKET, SO_PEERCRED, &peer, &length) != 0 || peer.pid == 0) return std::nullopt;
  return peer.pid;
}

std::optional<std::int64_t> VtySession::incarnation() const {
  const auto pid = process();
  if (!pid) return std::nullopt;
  // Process ids come round again; the start time tells two lives of one id
  // apart. Without a /proc of that process the id alone must do.
  constexpr std::int64_t ids = 1LL << 22;  // PID_MAX_LIMIT on 64-bit
  return start_time(*pid).value_or(0) * ids + *pid;
}

bool VtySession::hung_up() const {
  pollfd wait{socket_.get(), POLLIN | POLLRDHUP, 0};
  // Nothing is outstanding between commands: anything readable is an end of file.
  return ::poll(&wait, 1, 0) > 0;
}

}  // namespace radial::host::frr
