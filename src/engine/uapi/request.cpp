#include "engine/uapi/request.h"

#include <charconv>

#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "base/fd.h"

namespace radial::engine::uapi {
namespace {

template <class Number>
std::optional<Number> number(std::string_view text) {
  Number value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || text.empty()) return std::nullopt;
  return value;
}

// Not if_nametoindex(3): it asks for a kind of socket that the confined
// process may not have.
std::uint32_t interface_index(std::string_view name) {
  ifreq request{};
  if (name.size() >= IFNAMSIZ) return 0;
  name.copy(request.ifr_name, IFNAMSIZ - 1);
  const Fd socket(::socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  return socket && ::ioctl(socket.get(), SIOCGIFINDEX, &request) == 0 ? static_cast<std::uint32_t>(request.ifr_ifindex) : 0;
}

// "192.0.2.1:51820", "[2001:db8::1]:51820", "[fe80::1%eth0]:51820".
std::optional<UdpPath> endpoint(std::string_view text) {
  const auto colon = text.rfind(':');
  if (colon == std::string_view::npos) return std::nullopt;
  const auto port = number<std::uint16_t>(text.substr(colon + 1));
  auto host = text.substr(0, colon);
  const bool bracketed = host.size() > 2 && host.front() == '[' && host.back() == ']';
  if (bracketed) host = host.substr(1, host.size() - 2);
  std::uint32_t scope = 0;
  if (const auto percent = host.find('%'); percent != std::string_view::npos) {
    const auto zone = host.substr(percent + 1);
    scope = number<std::uint32_t>(zone).value_or(interface_index(zone));
    if (scope == 0) return std::nullopt;
    host = host.substr(0, percent);
  }
  const auto address = IpAddress::parse(host);
  if (!port || !address || address->is_v6() != bracketed) return std::nullopt;
  if (scope != 0 && address->is_v4()) return std::nullopt;
  return UdpPath::to(*address, *port, scope);
}

// "10.0.0.0/8"; host bits are cleared, as the kernel clears them.
std::optional<Prefix> prefix(std::string_view text) {
  const auto slash = text.find('/');
  if (slash == std::string_view::npos) return std::nullopt;
  const auto address = IpAddress::parse(text.substr(0, slash));
  const auto length = number<int>(text.substr(slash + 1));
  if (!address || !length || *length < 0 || *length > bits_of(address->family())) return std::nullopt;
  return Prefix::of(*address, *length);
}

class Parser {
 public:
  // False: the value does not fit the key.
  bool take(std::string_view key, std::string_view value) {
    if (key == "public_key") return start_peer(value);
    return peer_ == nullptr ? device_key(key, value) : peer_key(key, value);
  }
  SetRequest request;

 private:
  template <class T>
  static bool store(std::optional<T>& to, std::optional<T> value) {
    if (!value) return false;
    to = std::move(value);
    return true;
  }
  static bool flag(bool& to, std::string_view value) {
    to = value == "true";
    return to;  // the protocol has no way to say "false"
  }

  bool start_peer(std::string_view value) {
    auto key = PublicKey::parse_hex(value);
    if (!key) return false;
    peer_ = &request.device.peers.emplace_back();
    peer_->key = *key;
    return true;
  }

  bool device_key(std::string_view key, std::string_view value) {
    if (key == "private_key") {
      auto secret = Secret::parse_hex(value);
      if (!secret) return false;
      request.device.private_key = std::move(*secret);
      return true;
    }
    if (key == "listen_port") return store(request.listen_port, number<std::uint16_t>(value));
    if (key == "fwmark") return store(request.fwmark, number<std::uint32_t>(value));
    if (key == "replace_peers") return flag(request.device.replace_peers, value);
    if (key == "radial_multicast" && (value == "true" || value == "false")) {
      request.multicast = value == "true";
      return true;
    }
    return false;
  }

  bool peer_key(std::string_view key, std::string_view value) {
    if (key == "remove") return flag(peer_->remove, value);
    if (key == "update_only") return flag(peer_->update_only, value);
    if (key == "replace_allowed_ips") return flag(peer_->replace_allowed_ips, value);
    if (key == "endpoint") return store(peer_->endpoint, endpoint(value));
    if (key == "persistent_keepalive_interval") return store(peer_->persistent_keepalive, number<std::uint16_t>(value));
    if (key == "protocol_version") return value == "1";
    if (key == "preshared_key") {
      auto secret = Secret::parse_hex(value);
      if (!secret) return false;
      peer_->preshared_key = std::move(*secret);
      return true;
    }
    if (key == "allowed_ip") {
      const bool remove = value.starts_with('-');
      const auto parsed = prefix(remove ? value.substr(1) : value);
      if (!parsed) return false;
      peer_->allowed_ips.push_back({*parsed, remove});
      return true;
    }
    return false;
  }

  PeerChange* peer_ = nullptr;
};

Unexpected refuse(int error, std::size_t line, std::string_view why) {
  auto failure = fail(Errc::invalid_argument, "line {} of the request: {}", line, why);
  failure.value().sys_errno = error;
  return failure;
}

// Key names as far as they are ours to print: no values, no binary.
std::string printable(std::string_view key) {
  std::string out;
  for (const char c : key.substr(0, 40)) out += (c >= 'a' && c <= 'z') || c == '_' ? c : '?';
  return out;
}

}  // namespace

Result<SetRequest> parse_set(std::string_view body) {
  Parser parser;
  std::size_t line_number = 1;  // `set=1` was the first
  while (!body.empty()) {
    ++line_number;
    const auto end = body.find('\n');
    const auto line = body.substr(0, end);
    body.remove_prefix(end == std::string_view::npos ? body.size() : end + 1);
    const auto equals = line.find('=');
    if (equals == std::string_view::npos) return refuse(EPROTO, line_number, "no '=' in it");
    const auto key = line.substr(0, equals);
    if (!parser.take(key, line.substr(equals + 1)))
      return refuse(EINVAL, line_number, fmt::format("unknown key or bad value for '{}'", printable(key)));
  }
  return std::move(parser.request);
}

}  // namespace radial::engine::uapi
