#include "engine/uapi/response.h"

#include <chrono>
#include <iterator>
#include <utility>

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

void append_counts(std::string& out, const PeerCounts& counts) {
  for (const auto& [key, value] : {std::pair{"rx_packets", counts.rx_packets}, std::pair{"tx_packets", counts.tx_packets},
                                   std::pair{"rx_bad_tag", counts.rx_bad_tag}, std::pair{"rx_replayed", counts.rx_replayed},
                                   std::pair{"rx_bad_source", counts.rx_bad_source}, std::pair{"tx_dropped", counts.tx_dropped}})
    fmt::format_to(std::back_inserter(out), "radial_{}={}\n", key, value);
}

// How what is pushed begins.
std::string block(std::string_view event, const PublicKey& peer, WallTime when) {
  const auto time = split(when);
  return fmt::format("event={}\npublic_key={}\ntime_sec={}\ntime_nsec={}\n", event, peer.to_hex(), time.seconds, time.nanoseconds);
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
    if (extended) append_counts(out, peer);
    for (const auto& prefix : peer.allowed_ips) out.append("allowed_ip=").append(prefix.to_string()).append("\n");
  }
  return out;
}

std::string render_event(const Event& event) {
  auto out = block(name_of(event.kind), event.peer, event.when);
  if (event.path.is_set()) out.append("endpoint=").append(event.path.to_string()).append("\n");
  return out.append("\n");
}

std::string render_counts(const PublicKey& peer, const PeerCounts& counts, WallTime when) {
  auto out = block("counters", peer, when);
  append_counts(out, counts);
  return out.append("\n");
}

}  // namespace radial::engine::uapi
