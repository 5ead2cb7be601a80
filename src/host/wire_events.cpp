#include "host/wire_events.h"

#include <array>
#include <charconv>

#include <fcntl.h>
#include <sys/socket.h>

#include "host/wg_uapi_socket.h"
#include "host/wg_uapi_text.h"

namespace radial::host {
namespace {

constexpr std::size_t longest_block = 4096;

std::optional<WireEvent::Kind> kind_of(std::string_view name) {
  if (name == "handshake") return WireEvent::Kind::handshake;
  if (name == "endpoint") return WireEvent::Kind::endpoint;
  if (name == "gave_up") return WireEvent::Kind::gave_up;
  if (name == "cleared") return WireEvent::Kind::cleared;
  if (name == "counters") return WireEvent::Kind::counters;
  return std::nullopt;
}

Unexpected no_event() { return fail(Errc::protocol, "the WireGuard process pushed what is no event"); }

// One block without its empty line; nothing: of a kind that we do not know.
Result<std::optional<WireEvent>> parse_block(std::string_view block) {
  WireEvent event;
  bool known = false, has_kind = false, has_peer = false;
  while (!block.empty()) {
    const auto line = block.substr(0, block.find('\n'));
    block.remove_prefix(std::min(block.size(), line.size() + 1));
    const auto equals = line.find('=');
    if (equals == std::string_view::npos) return no_event();
    const auto key = line.substr(0, equals), value = line.substr(equals + 1);
    if (key == "event") {
      has_kind = true;
      const auto kind = kind_of(value);
      known = kind.has_value();
      event.kind = kind.value_or(event.kind);
    } else if (key == "public_key") {
      const auto peer = PublicKey::parse_hex(value);
      if (!peer) return no_event();
      has_peer = true;
      event.peer = *peer;
    } else if (key == "endpoint") {
      event.endpoint = observed_endpoint(value);
    } else if (key == "radial_rx_bad_source") {
      const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), event.bad_source);
      if (error != std::errc{} || end != value.data() + value.size()) return no_event();
    }
  }
  if (!has_kind || !has_peer) return no_event();
  if (!known) return std::nullopt;
  return event;
}

}  // namespace

Result<std::vector<WireEvent>> take_wire_events(std::string& text) {
  std::vector<WireEvent> events;
  std::size_t at = 0;
  for (;;) {
    const auto end = text.find("\n\n", at);
    if (end == std::string::npos) break;
    RADIAL_ASSIGN(auto event, parse_block(std::string_view(text).substr(at, end + 1 - at)));
    if (event) events.push_back(std::move(*event));
    at = end + 2;
  }
  text.erase(0, at);
  if (text.size() > longest_block) return no_event();
  return events;
}

Result<WireEvents> WireEvents::open(std::string_view interface) {
  const auto path = uapi_socket_path(interface);
  RADIAL_ASSIGN(auto fd, open_uapi(interface, "radial_watch=1\n\n"));
  // The answer comes alone: nothing is pushed before the operation is taken,
  // and what follows it at once is read with it.
  std::array<char, 16> answer{};
  constexpr std::string_view yes = "errno=0\n\n";
  std::size_t length = 0;
  while (length < yes.size()) {
    const auto got = ::recv(fd.get(), answer.data() + length, yes.size() - length, 0);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return fail(Errc::unsupported, "{}: it pushes no events", path);
    length += static_cast<std::size_t>(got);
  }
  if (std::string_view(answer.data(), length) != yes) return fail(Errc::unsupported, "{}: it pushes no events", path);
  if (::fcntl(fd.get(), F_SETFL, O_NONBLOCK) != 0) return fail_errno(errno, path);
  return WireEvents(std::move(fd));
}

Result<std::vector<WireEvent>> WireEvents::drain() {
  std::array<char, 16384> chunk;
  for (;;) {
    const auto got = ::recv(fd_.get(), chunk.data(), chunk.size(), 0);
    if (got > 0) {
      unread_.append(chunk.data(), static_cast<std::size_t>(got));
      continue;
    }
    if (got < 0 && errno == EINTR) continue;
    if (got < 0 && errno == EAGAIN) return take_wire_events(unread_);
    return fail(Errc::unavailable, "the WireGuard process does not push events any more");
  }
}

}  // namespace radial::host
