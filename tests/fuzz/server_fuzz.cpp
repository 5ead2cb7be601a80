// The UAPI's socket server with hostile bytes that come in pieces: whatever they
// are and however they are cut, it answers, applies and ends as a reader of
// whole lines would.
//
// First byte: how many more say where the stream is cut (each how many bytes
// further on). Then the stream.
#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include <spdlog/spdlog.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "engine/uapi/server.h"

namespace {

using namespace radial::engine;
using namespace radial::engine::uapi;
using radial::Fd;
using radial::PublicKey;
using radial::Status;

struct Counting : Interface {
  State state() override {
    ++gets;
    return {};
  }
  Status apply(SetRequest) override {
    ++sets;
    return {};
  }
  int gets = 0, sets = 0;
};

// What must come of a stream.
struct Expected {
  std::string answers;
  int gets = 0, sets = 0;
  bool watches = false;
  bool closed = false;  // by the server
};

Expected read_by_lines(std::string_view stream) {
  Expected out;
  std::string_view rest = stream;
  const auto line = [&](std::string_view& into) {
    const auto end = rest.find('\n');
    if (end == std::string_view::npos) return false;
    into = rest.substr(0, end);
    rest.remove_prefix(end + 1);
    return true;
  };
  const auto add_errno = [&](int error) { out.answers += "errno=" + std::to_string(-error) + "\n\n"; };
  std::string_view operation, next;
  while (line(operation)) {
    if (operation == "set=1") {
      const char* const begin = rest.data();
      std::size_t size = 0;
      bool whole = false;
      while (!whole && line(next)) {
        whole = next.empty();
        if (!whole) size += next.size() + 1;
      }
      if (!whole) return out;
      const auto request = parse_set({begin, size == 0 ? 0 : size - 1});
      if (request) ++out.sets;
      add_errno(request ? 0 : request.error().sys_errno);
    } else if (operation == "get=1" || operation == "radial_get=1" || operation == "radial_watch=1") {
      if (rest.empty()) return out;
      if (rest.front() != '\n') {
        out.closed = true;
        return out;
      }
      static_cast<void>(line(next));
      if (operation == "radial_watch=1") out.watches = true;
      else ++out.gets;
      if (operation == "radial_get=1") out.answers += "radial_multicast=false\n";
      add_errno(0);
    } else {
      out.closed = true;
      return out;
    }
  }
  return out;
}

struct Service {
  Counting interface;
  std::unique_ptr<Server> server;
  sockaddr_un name{};
  socklen_t name_size = sizeof name;

  Service() {
    spdlog::set_level(spdlog::level::off);
    Fd listener(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    name.sun_family = AF_UNIX;
    // Without a name the kernel finds one that no file holds (unix(7), autobind).
    if (::bind(listener.get(), reinterpret_cast<sockaddr*>(&name), sizeof(sa_family_t)) != 0 ||
        ::getsockname(listener.get(), reinterpret_cast<sockaddr*>(&name), &name_size) != 0 ||
        ::listen(listener.get(), 5) != 0)
      std::abort();
    server = std::move(*Server::serve(std::move(listener), interface));
  }
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static Service service;
  if (size == 0) return 0;
  const std::size_t cuts = std::min<std::size_t>(data[0], size - 1);
  const std::span where(data + 1, cuts);
  const std::string_view stream(reinterpret_cast<const char*>(data + 1 + cuts), size - 1 - cuts);
  auto& server = *service.server;
  service.interface.gets = service.interface.sets = 0;

  const Fd client(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (::connect(client.get(), reinterpret_cast<const sockaddr*>(&service.name), service.name_size) != 0) std::abort();
  server.run();
  std::string heard;
  bool ended = false;
  const auto hear = [&] {
    char chunk[65536];
    for (;;) {
      const auto got = ::recv(client.get(), chunk, sizeof chunk, MSG_DONTWAIT);
      if (got > 0) heard.append(chunk, static_cast<std::size_t>(got));
      else {
        // A connection that ends with bytes unread is reset (unix(7)).
        ended = ended || got == 0 || (errno != EAGAIN && errno != EINTR);
        return;
      }
    }
  };
  std::string_view rest = stream;
  const auto say = [&](std::size_t count) {
    const auto part = rest.substr(0, count);
    rest.remove_prefix(part.size());
    const bool sent = part.empty() || ::send(client.get(), part.data(), part.size(), MSG_NOSIGNAL) >= 0;
    if (!sent && errno != EPIPE) std::abort();
    server.run();
    hear();
  };
  for (const auto step : where) say(step);
  say(rest.size());

  const auto expected = read_by_lines(stream);
  if (heard != expected.answers || ended != expected.closed) std::abort();
  if (service.interface.gets != expected.gets || service.interface.sets != expected.sets) std::abort();
  if (server.has_watchers() != (expected.watches && !expected.closed)) std::abort();
  if (!expected.closed) {
    server.push(Event{});
    heard.clear();
    hear();
    if (heard.starts_with("event=") != expected.watches) std::abort();
    // What was cut off is not applied.
    ::shutdown(client.get(), SHUT_WR);
    server.run();
    hear();
    if (!ended || service.interface.sets != expected.sets || server.has_watchers()) std::abort();
  }
  return 0;
}
