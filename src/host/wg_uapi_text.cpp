#include "host/wg_uapi_text.h"

#include <algorithm>
#include <charconv>
#include <iterator>
#include <limits>

#include "base/key.h"

namespace radial::host {
namespace {

void append_secret(SecretText& text, std::string_view key, const Secret& secret) {
  auto hex = secret.reveal_hex();
  fmt::format_to(std::back_inserter(text), "{}=", key);
  text.insert(text.end(), hex.begin(), hex.end());
  text.push_back('\n');
  wipe(hex);
}

Unexpected bad_value(std::string_view key) {
  return fail(Errc::protocol, "the WireGuard process answered with a value of '{}' that is not one", key);
}

template <class Number>
bool parse_number(std::string_view text, Number& number) {
  const auto* end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data(), end, number);
  return parsed.ec == std::errc() && parsed.ptr == end;
}

// Lines "key=value" up to a blank line or the end.
class Lines {
 public:
  explicit Lines(std::string_view text) : rest_(text) {}

  // False at the end. An empty key marks a line without '='.
  bool next() {
    if (rest_.empty() || rest_.front() == '\n') return false;
    const auto end = rest_.find('\n');
    const auto line = rest_.substr(0, end);
    rest_.remove_prefix(end == std::string_view::npos ? rest_.size() : end + 1);
    const auto equals = line.find('=');
    key = equals == std::string_view::npos ? std::string_view{} : line.substr(0, equals);
    value = equals == std::string_view::npos ? std::string_view{} : line.substr(equals + 1);
    return true;
  }

  std::string_view key;
  std::string_view value;

 private:
  std::string_view rest_;
};

Status check_errno(std::string_view value) {
  int code = 0;
  if (!parse_number(value, code)) return bad_value("errno");
  if (code == 0) return {};
  return fail_errno(code < 0 ? -code : code, "the WireGuard process refused");
}

Status parse_device_line(const Lines& line, ObservedWire& wire) {
  if (line.key == "private_key") {
    auto secret = Secret::parse_hex(line.value);
    if (!secret) return bad_value(line.key);
    if (secret->is_zero()) return {};
    auto text = secret->reveal_base64();
    const auto key = PrivateKey::parse(text);
    wipe(text);
    if (!key) return bad_value(line.key);
    wire.public_key = key->public_key();
  } else if (line.key == "listen_port") {
    if (!parse_number(line.value, wire.listen_port)) return bad_value(line.key);
  } else if (line.key == "fwmark") {
    if (!parse_number(line.value, wire.fwmark)) return bad_value(line.key);
  } else if (line.key == "radial_multicast") {
    if (line.value != "true" && line.value != "false") return bad_value(line.key);
    wire.multicast = line.value == "true";
  }
  return {};
}

bool is_peer_key(std::string_view key) {
  for (const auto* known : {"preshared_key", "endpoint", "persistent_keepalive_interval", "allowed_ip", "rx_bytes",
                            "tx_bytes", "last_handshake_time_sec", "last_handshake_time_nsec"})
    if (key == known) return true;
  return false;
}

// A peer's section: the times come in two lines.
struct PeerSection {
  std::int64_t handshake_seconds = 0;
  std::int64_t handshake_nanoseconds = 0;

  Status parse(const Lines& line, ObservedPeer& peer) {
    if (line.key == "preshared_key") {
      const auto secret = PresharedKey::parse_hex(line.value);
      if (!secret) return bad_value(line.key);
      peer.has_preshared_key = !secret->is_zero();
      if (peer.has_preshared_key) peer.preshared_digest = digest_of(*secret);
    } else if (line.key == "endpoint") {
      peer.endpoint = observed_endpoint(line.value);
    } else if (line.key == "persistent_keepalive_interval") {
      if (!parse_number(line.value, peer.keepalive)) return bad_value(line.key);
    } else if (line.key == "allowed_ip") {
      const auto prefix = Prefix::parse(line.value);
      if (!prefix) return bad_value(line.key);
      peer.allowed_ips.push_back(*prefix);
    } else if (line.key == "rx_bytes") {
      if (!parse_number(line.value, peer.rx_bytes)) return bad_value(line.key);
    } else if (line.key == "tx_bytes") {
      if (!parse_number(line.value, peer.tx_bytes)) return bad_value(line.key);
    } else if (line.key == "last_handshake_time_sec") {
      if (!parse_number(line.value, handshake_seconds) || handshake_seconds < 0 ||
          handshake_seconds > std::numeric_limits<std::int64_t>::max() / 2'000'000'000)
        return bad_value(line.key);
    } else if (line.key == "last_handshake_time_nsec") {
      if (!parse_number(line.value, handshake_nanoseconds) || handshake_nanoseconds < 0 ||
          handshake_nanoseconds >= 1'000'000'000)
        return bad_value(line.key);
    }
    return {};
  }

  void finish(ObservedPeer& peer) const {
    std::sort(peer.allowed_ips.begin(), peer.allowed_ips.end());
    if (handshake_seconds == 0 && handshake_nanoseconds == 0) return;
    peer.last_handshake = std::chrono::system_clock::time_point(
        std::chrono::duration_cast<std::chrono::system_clock::duration>(
            std::chrono::seconds(handshake_seconds) + std::chrono::nanoseconds(handshake_nanoseconds)));
  }
};

}  // namespace

std::optional<Endpoint> observed_endpoint(std::string_view value) {
  std::string text(value);
  const auto zone = text.find('%');
  const auto bracket = text.find(']', zone == std::string::npos ? text.size() : zone);
  if (bracket != std::string::npos) text.erase(zone, bracket - zone);
  auto endpoint = Endpoint::parse(text);
  if (!endpoint || !endpoint->address()) return std::nullopt;
  return std::move(*endpoint);
}

SecretText render_uapi_set(const WireChange& change, const std::vector<PeerOperation>& operations) {
  SecretText text;
  auto out = std::back_inserter(text);
  fmt::format_to(out, "set=1\n");
  if (change.private_key != nullptr) append_secret(text, "private_key", *change.private_key);
  if (change.listen_port) fmt::format_to(out, "listen_port={}\n", *change.listen_port);
  if (change.fwmark) fmt::format_to(out, "fwmark={}\n", *change.fwmark);
  if (change.multicast) fmt::format_to(out, "radial_multicast={}\n", *change.multicast);
  for (const auto& operation : operations) {
    fmt::format_to(out, "public_key={}\n", operation.public_key.to_hex());
    if (operation.update_only) fmt::format_to(out, "update_only=true\n");
    if (operation.remove) fmt::format_to(out, "remove=true\n");
    if (operation.preshared_key != nullptr) append_secret(text, "preshared_key", *operation.preshared_key);
    if (operation.endpoint) fmt::format_to(out, "endpoint={}\n", operation.endpoint->to_string());
    if (operation.keepalive) fmt::format_to(out, "persistent_keepalive_interval={}\n", *operation.keepalive);
    if (operation.replace_allowed_ips) fmt::format_to(out, "replace_allowed_ips=true\n");
    for (const auto& entry : operation.allowed_ips)
      fmt::format_to(out, "allowed_ip={}{}\n", entry.remove ? "-" : "", entry.prefix.to_string());
  }
  fmt::format_to(out, "\n");
  return text;
}

Result<ObservedWire> parse_uapi_get(std::string_view answer) {
  ObservedWire wire;
  PeerSection section;
  bool has_errno = false;
  Lines line(answer);
  while (line.next()) {
    if (line.key.empty())
      return fail(Errc::protocol, "the WireGuard process answered with a line that is not key=value");
    if (line.key == "errno") {
      RADIAL_TRY(check_errno(line.value));
      has_errno = true;
    } else if (line.key == "public_key") {
      const auto key = PublicKey::parse_hex(line.value);
      if (!key) return bad_value(line.key);
      if (!wire.peers.empty()) section.finish(wire.peers.back());
      section = {};
      wire.peers.emplace_back().public_key = *key;
    } else if (!wire.peers.empty()) {
      RADIAL_TRY(section.parse(line, wire.peers.back()));
    } else if (is_peer_key(line.key)) {
      return fail(Errc::protocol, "the WireGuard process answered with '{}' before any peer", line.key);
    } else {
      RADIAL_TRY(parse_device_line(line, wire));
    }
  }
  if (!has_errno) return fail(Errc::protocol, "the WireGuard process's answer ended without its errno");
  if (!wire.peers.empty()) section.finish(wire.peers.back());
  std::sort(wire.peers.begin(), wire.peers.end(),
            [](const ObservedPeer& a, const ObservedPeer& b) { return a.public_key < b.public_key; });
  return wire;
}

Status parse_uapi_set(std::string_view answer) {
  Lines line(answer);
  while (line.next())
    if (line.key == "errno") return check_errno(line.value);
  return fail(Errc::protocol, "the WireGuard process's answer ended without its errno");
}

}  // namespace radial::host
