// The get operation of the userspace API: an interface's state as key=value
// lines, in wireguard-go's order, without the closing errno line.
//
// `get=1` prints exactly the standard's keys, since old readers stop at a key
// that they do not know. `radial_get=1` adds ours:
//   radial_multicast=true|false, and for each peer radial_rx_packets,
//   radial_tx_packets, radial_rx_bad_tag, radial_rx_replayed,
//   radial_rx_bad_source, radial_tx_dropped.
#pragma once

#include <cstdint>
#include <string>

#include "engine/noise/device.h"

namespace radial::engine::uapi {

struct State {
  DeviceStatus device;
  std::uint16_t listen_port = 0;
  std::uint32_t fwmark = 0;
  bool multicast = false;
};

// Holds the private and preshared keys: the caller wipes it.
[[nodiscard]] std::string render_state(const State& state, bool extended);

// One event as it is pushed to a subscriber (`radial_watch=1`): a block of
// lines and an empty one. Keys: event (handshake, endpoint, gave_up, cleared),
// public_key, time_sec, time_nsec, and endpoint where there is one.
[[nodiscard]] std::string render_event(const Event& event);

// The same for a peer's counters: event=counters, public_key, time_sec, time_nsec, and
// the radial_ keys of a peer. Pushed for those of whom something was dropped since the last time.
[[nodiscard]] std::string render_counts(const PublicKey& peer, const PeerCounts& counts, WallTime when);

}  // namespace radial::engine::uapi
