#include "host/wg_uapi_socket.h"

#include <array>
#include <cstring>

#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>

#include "base/fd.h"

namespace radial::host {
namespace {

constexpr timeval step_deadline{5, 0};  // for each read or write
constexpr std::size_t answer_limit = 256U << 20U;

Result<Fd> connect_to(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path)
    return fail(Errc::invalid_argument, "'{}' is too long for a socket", path);
  std::memcpy(address.sun_path, path.data(), path.size());
  Fd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!fd) return fail_errno(errno, "cannot make a socket");
  for (const int option : {SO_SNDTIMEO, SO_RCVTIMEO})
    if (::setsockopt(fd.get(), SOL_SOCKET, option, &step_deadline, sizeof step_deadline) != 0)
      return fail_errno(errno, "cannot set a socket's deadline");
  if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) return fd;
  auto refused = fail_errno(errno, path);
  if (refused.value().sys_errno == ECONNREFUSED) refused.value().code = Errc::not_found;
  return refused;
}

// A server that refuses early closes while we still write: its answer is
// there to be read all the same.
Status send_all(const Fd& fd, std::string_view text) {
  while (!text.empty()) {
    const auto sent = ::send(fd.get(), text.data(), text.size(), MSG_NOSIGNAL);
    if (sent >= 0) text.remove_prefix(static_cast<std::size_t>(sent));
    else if (errno == EPIPE || errno == ECONNRESET) return {};
    else if (errno == EAGAIN) return fail(Errc::timeout, "it took nothing for {} s", step_deadline.tv_sec);
    else if (errno != EINTR) return fail_errno(errno, "cannot write");
  }
  return {};
}

bool is_whole(const SecretText& answer) {
  return answer.size() >= 2 && answer[answer.size() - 1] == '\n' && answer[answer.size() - 2] == '\n';
}

Result<SecretText> receive_answer(const Fd& fd) {
  SecretText answer;
  std::size_t length = 0;
  for (;;) {
    answer.resize(std::max<std::size_t>(64 * 1024, answer.size() * 2));
    while (length < answer.size()) {
      const auto got = ::recv(fd.get(), answer.data() + length, answer.size() - length, 0);
      if (got > 0) {
        length += static_cast<std::size_t>(got);
        const bool whole = length >= 2 && answer[length - 1] == '\n' && answer[length - 2] == '\n';
        if (!whole) continue;
      } else if (got < 0 && errno == EINTR) {
        continue;
      } else if (got < 0 && errno == EAGAIN) {
        return fail(Errc::timeout, "it did not answer within {} s", step_deadline.tv_sec);
      } else if (got < 0) {
        return fail_errno(errno, "cannot read its answer");
      }
      answer.resize(length);
      if (!is_whole(answer)) return fail(Errc::unavailable, "it closed the connection in the middle of its answer");
      return answer;
    }
    if (length >= answer_limit) return fail(Errc::protocol, "its answer is longer than {} bytes", answer_limit);
  }
}

}  // namespace

std::string uapi_socket_path(std::string_view interface) {
  return fmt::format("/var/run/wireguard/{}.sock", interface);
}

Result<Fd> open_uapi(std::string_view interface, std::string_view operation) {
  const auto path = uapi_socket_path(interface);
  RADIAL_ASSIGN(auto fd, connect_to(path));
  if (auto status = send_all(fd, operation); !status) return Unexpected(std::move(status.error()).within(path));
  return fd;
}

Result<SecretText> exchange_uapi(std::string_view interface, std::string_view operation) {
  RADIAL_ASSIGN(const auto fd, open_uapi(interface, operation));
  auto answer = receive_answer(fd);
  if (!answer) return Unexpected(std::move(answer.error()).within(uapi_socket_path(interface)));
  return answer;
}

}  // namespace radial::host
