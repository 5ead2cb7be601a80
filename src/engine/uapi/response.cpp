#include "engine/uapi/response.h"

#include <chrono>
#include <iterator>

#include <fmt/format.h>

namespace radial::engine::uapi {
namespace {

struct Timestamp {
  std::int64_t seconds = 0;
  std::int64_t nanoseconds = 0;
};

Timestamp split(WallTime time) {
  const auto since = time.time_since_epoch().count();
  return {since / 1'000'000'000, since % 1'000'000'000};
}

void append_secret(std::string& out, std::string_view key, const Secret& secret) {
  auto hex = secret.reveal_hex();
  out.append(key).append("=").append(hex).append("\n");
  radial::wipe(hex);
}

// Room for all of it, so that no half-filled buffer with a key in it is left
// behind by a growing string.
std::size_t room_for(const DeviceStatus& device) {
  std::size_t room = 512;
  for (const auto& peer : device.peers) room += 1024 + peer.allowed_ips.size() * 64;
  return room;
}

std::string_view name_of(Event::Kind kind) {
  switch (kind) {
    case Event::Kind::handshake_completed: return "handshake";
    case Event::Kind::endpoint_changed: return "endpoint";
    case Event::Kind::handshake_gave_up: return "gave_up";
    case Event::Kind::session_cleared: return "cleared";
  }
  return "unknown";
}

}  // namespace

std::string render_state(const State& state, bool extended) {
  std::string out;
  out.reserve(room_for(state.device));
  const auto add = [&](std::string_view key, std::uint64_t value) {
    fmt::format_to(std::back_inserter(out), "{}={}\n", key, value);
  };
  if (!state.device.private_key.is_zero()) append_secret(out, "private_key", state.device.private_key);
  if (state.listen_port != 0) add("listen_port", state.listen_port);
  if (state.fwmark != 0) add("fwmark", state.fwmark);
  if (extended) out.append("radial_multicast=").append(state.multicast ? "true\n" : "false\n");
  for (const auto& peer : state.device.peers) {
    out.append("public_key=").append(peer.key.to_hex()).append("\n");
    append_secret(out, "preshared_key", peer.preshared_key);
    out.append("protocol_version=1\n");
    if (peer.path.is_set()) out.append("endpoint=").append(peer.path.to_string()).append("\n");
    const auto handshake = split(peer.last_handshake.value_or(WallTime{}));
    add("last_handshake_time_sec", static_cast<std::uint64_t>(handshake.seconds));
    add("last_handshake_time_nsec", static_cast<std::uint64_t>(handshake.nanoseconds));
    add("tx_bytes", peer.tx_bytes);
    add("rx_bytes", peer.rx_bytes);
    add("persistent_keepalive_interval", peer.persistent_keepalive);
    if (extended) {
      add("radial_rx_packets", peer.rx_packets);
      add("radial_tx_packets", peer.tx_packets);
      add("radial_rx_bad_tag", peer.rx_bad_tag);
      add("radial_rx_replayed", peer.rx_replayed);
      add("radial_rx_bad_source", peer.rx_bad_source);
      add("radial_tx_dropped", peer.tx_dropped);
    }
    for (const auto& prefix : peer.allowed_ips) out.append("allowed_ip=").append(prefix.to_string()).append("\n");
  }
  return out;
}

std::string render_event(const Event& event) {
  const auto when = split(event.when);
  auto out = fmt::format("event={}\npublic_key={}\ntime_sec={}\ntime_nsec={}\n", name_of(event.kind),
                         event.peer.to_hex(), when.seconds, when.nanoseconds);
  if (event.path.is_set()) out.append("endpoint=").append(event.path.to_string()).append("\n");
  return out.append("\n");
}

}  // namespace radial::engine::uapi
