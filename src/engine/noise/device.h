// The WireGuard protocol without I/O: bytes and `now` in, Actions out. One
// Device is one interface: its key, its peers, handshakes, cookies and timers.
//
// It follows the paper ("WireGuard: Next Generation Kernel Network Tunnel",
// revision of 2020-06) and, where that is silent, what Linux does.
//
// Two halves:
//  - Device is the slow path: configuration, handshakes and timers, each call
//    under one mutex. Every call may be made from any thread.
//  - DataPath (data_path.h) is the fast path, one for each data thread; it
//    reads what Device publishes without locks and calls back into Device only
//    where a session starts, ends or moves.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "base/ip.h"
#include "base/key.h"
#include "base/result.h"
#include "engine/allowedips/trie.h"
#include "engine/crypto/primitives.h"
#include "engine/noise/actions.h"
#include "engine/noise/epoch.h"
#include "engine/noise/limits.h"
#include "engine/noise/peer.h"
#include "engine/noise/time.h"
#include "engine/noise/udp_path.h"

namespace radial::engine {

struct AllowedIpChange {
  Prefix prefix;
  bool remove = false;  // only if this peer has it
};

// The meaning is that of the UAPI's (and of netlink's) set operation.
struct PeerChange {
  PublicKey key;
  bool remove = false;
  bool update_only = false;  // skipped when there is no such peer
  bool replace_allowed_ips = false;
  std::optional<PresharedKey> preshared_key;  // zero: none
  std::optional<UdpPath> endpoint;
  std::optional<std::uint16_t> persistent_keepalive;  // seconds; 0: off
  std::vector<AllowedIpChange> allowed_ips;           // in order
};

struct DeviceChange {
  std::optional<Secret> private_key;  // clamped when set; zero: none
  bool replace_peers = false;
  std::vector<PeerChange> peers;  // in order; a key may appear more than once
};

// All as in PeerCounters.
struct PeerCounts {
  std::uint64_t rx_bytes = 0, tx_bytes = 0;
  std::uint64_t rx_packets = 0, tx_packets = 0;
  std::uint64_t rx_bad_tag = 0, rx_replayed = 0, rx_bad_source = 0, tx_dropped = 0;

  [[nodiscard]] std::uint64_t dropped() const { return rx_bad_tag + rx_replayed + rx_bad_source + tx_dropped; }
};

struct PeerStatus : PeerCounts {
  PublicKey key;
  PresharedKey preshared_key;
  UdpPath path;
  std::optional<WallTime> last_handshake;
  std::uint16_t persistent_keepalive = 0;
  std::vector<Prefix> allowed_ips;
};

struct DeviceStatus {
  Secret private_key;  // zero: none
  std::vector<PeerStatus> peers;  // in the order of their addition
};

struct DeviceOptions {
  ProtocolLimits limits;
  Entropy entropy;  // empty: the system's
};

class Device {
 public:
  explicit Device(DeviceOptions options = {});
  ~Device();
  Device(const Device&) = delete;
  Device& operator=(const Device&) = delete;

  // ---- Configuration -------------------------------------------------------

  // Applies the change as a whole. It cannot fail: what can be wrong with a
  // request is settled by whoever parses it, before this call. As in the
  // kernel, a peer with the device's own key is skipped or removed.
  void configure(DeviceChange change, const Now& now, Actions& out);
  [[nodiscard]] DeviceStatus status() const;
  // A part of it that costs little and holds no key.
  [[nodiscard]] std::vector<std::pair<PublicKey, PeerCounts>> counts() const;

  // The interface is up: timers run, persistent keepalives go out. A new Device is down.
  void up(const Now& now, Actions& out);
  // Down: sessions, handshakes and waiting packets are dropped; peers stay.
  void down();
  [[nodiscard]] bool is_up() const { return up_.load(std::memory_order_relaxed); }

  // The interface's MTU, to which padding is limited.
  void set_mtu(std::size_t mtu) { mtu_.store(mtu, std::memory_order_relaxed); }
  [[nodiscard]] std::size_t mtu() const { return mtu_.load(std::memory_order_relaxed); }

  // ---- Messages and timers ---------------------------------------------------

  // An initiation, response or cookie reply as it came; anything else is
  // ignored. `busy`: the caller's queue of handshake messages is long (the
  // kernel: 512 of 4096), so cookies are asked for and sources rate limited.
  void receive_handshake(Bytes message, const UdpPath& from, bool busy, const Now& now, Actions& out);

  // Runs what is due, and frees what data threads no longer hold.
  void poll(const Now& now, Actions& out);
  // When poll() must be called next. Data threads may bring that forward
  // without a call, never to earlier than a short bounded sleep from `now`,
  // which the answer takes into account.
  [[nodiscard]] Instant next_poll(Instant now) const;

  // Sending to the peer failed by its local address (it is gone, or EINVAL):
  // forget it, so that the kernel chooses.
  void clear_local_address(const PublicKey& peer);
  // Of every peer: addresses of this host changed.
  void clear_local_addresses();

  // ---- For data threads (also used through DataPath) --------------------------

  [[nodiscard]] EpochDomain& epochs() { return epochs_; }
  [[nodiscard]] const ProtocolLimits& limits() const { return options_.limits; }
  // Inside a Section: the table, and every peer (for what goes to all of them).
  [[nodiscard]] const AllowedIps& allowed_ips() const { return allowed_ips_; }
  [[nodiscard]] std::span<Peer* const> peers() const;

  // No session to send with: keeps the packet (an empty one is a keepalive) and
  // sees to a handshake.
  void stage(Peer& peer, Bytes packet, const Now& now, Actions& out);

 private:
  friend class DataPath;
  struct Impl;

  const DeviceOptions options_;
  EpochDomain epochs_;
  AllowedIps allowed_ips_;
  std::atomic<bool> up_{false};
  std::atomic<std::size_t> mtu_{1420};
  std::unique_ptr<Impl> impl_;
};

}  // namespace radial::engine
