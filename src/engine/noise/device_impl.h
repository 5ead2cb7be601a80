// Private to engine/noise: the state behind Device's mutex. Its functions are
// spread over device_config.cpp, device_handshake.cpp, device_session.cpp and
// device_timers.cpp; all of them run with the mutex held.
#pragma once

#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <unordered_map>
#include <utility>
#include <vector>

#include "engine/crypto/aead.h"
#include "engine/noise/cookie.h"
#include "engine/noise/device.h"
#include "engine/noise/handshake.h"
#include "engine/noise/index_table.h"
#include "engine/noise/peer_timers.h"
#include "engine/noise/rate_limiter.h"

namespace radial::engine {

// The part of a peer that only the slow path touches.
struct PeerState {
  explicit PeerState(const PublicKey& key) : cookies(key) {}

  PresharedKey preshared_key;
  std::optional<Secret> static_static;  // computed when first needed
  Handshake handshake;  // the initiation that waits for its response, if any
  Tai64n latest_timestamp{};  // the greatest that came
  Tai64n sent_timestamp{};
  std::optional<Instant> initiation_consumed;
  CookieJar cookies;

  // Owned here, published in Peer and the index table.
  std::unique_ptr<Keypair> current, previous, next;
  std::unique_ptr<const UdpPath> path;

  std::deque<std::vector<std::uint8_t>> staged;
  std::optional<WallTime> last_handshake;

  int attempts = 0;  // retransmissions of the present initiation
  Instant retransmit_at = never;
  Instant clear_keys_at = never;
  Instant scheduled_at = never;  // its place in Impl::schedule
};

struct Device::Impl {
  explicit Impl(Device& owner);
  ~Impl();

  // ---- device_config.cpp
  void configure(DeviceChange change, const Now& now, Actions& out);
  void set_private_key(const Secret& key, AllowedIps::Transaction& routes);
  Peer* apply(PeerChange& change, AllowedIps::Transaction& routes, const Now& now);
  void set_keepalive(Peer& peer, std::uint16_t seconds, Instant now);
  void begin_keepalives(std::span<Peer* const> peers, const Now& now, Actions& out);
  void remove(Peer& peer, AllowedIps::Transaction& routes);
  void publish_peers();

  // ---- device_handshake.cpp
  void initiate(Peer& peer, bool is_retry, const Now& now, Actions& out);
  void respond(Peer& peer, Handshake handshake, const Now& now, Actions& out);
  // What is known of a message before its handshake is looked at.
  enum class Admission { refused, cookie, admitted };
  [[nodiscard]] Admission admit(Bytes message, const UdpPath& from, bool busy, Instant now);
  void send_cookie(Bytes message, const UdpPath& to, Instant now, Actions& out);
  // Its peer, and the handshake to answer; nothing when it is to be ignored.
  [[nodiscard]] std::optional<std::pair<Peer*, Handshake>> consume_initiation(OpenedInitiation opened, Bytes message,
                                                                              Instant now);
  void consume_response(Bytes message, const UdpPath& from, const Now& now, Actions& out);
  void consume_cookie(Bytes message, Instant now);
  void handshake_received(Peer& peer, std::size_t size, const Now& now);
  void clear_handshake(Peer& peer);
  [[nodiscard]] const Secret& static_static(Peer& peer);
  [[nodiscard]] RemoteKeys remote_keys(Peer& peer);
  [[nodiscard]] Tai64n next_timestamp(PeerState& state, WallTime wall);
  void send_handshake(Peer& peer, MutableBytes message, Instant now, Actions& out);

  // ---- device_session.cpp
  void begin_session(Peer& peer, const Handshake& handshake, Instant now);
  void confirm(Keypair& keypair, const Now& now, Actions& out);
  void handshake_completed(Peer& peer, const Now& now, Actions& out);
  void clear_keypairs(Peer& peer);
  void discard(std::unique_ptr<Keypair> keypair);
  void stage(Peer& peer, Bytes packet);
  void purge_staged(Peer& peer);
  void send_staged(Peer& peer, const Now& now, Actions& out);
  void send_keepalive(Peer& peer, const Now& now, Actions& out);
  void transmit(Peer& peer, std::uint64_t first_counter, Instant now, Actions& out);
  void keep_key_fresh(Peer& peer, const Now& now, Actions& out);
  void set_path(Peer& peer, const UdpPath& path);
  void roam(Peer& peer, const UdpPath& path, const Now& now, Actions& out);
  void clear_local(Peer& peer);

  // ---- device_timers.cpp
  void poll(const Now& now, Actions& out);
  void run_due(Peer& peer, const Now& now, Actions& out);
  void retransmit(Peer& peer, const Now& now, Actions& out);
  void reschedule(Peer& peer);
  void unschedule(Peer& peer);
  [[nodiscard]] Instant next_poll(Instant now) const;
  void stop(Peer& peer);  // the interface goes down

  [[nodiscard]] static PeerState& state_of(Peer& peer) { return *peer.state_; }
  [[nodiscard]] static bool is_dead(const Peer& peer) { return peer.dead_.load(std::memory_order_relaxed); }

  Device& device;
  const ProtocolLimits& limits;
  const Entropy entropy;
  mutable std::mutex mutex;

  std::shared_ptr<const Identity> identity;  // null without a private key
  std::unordered_map<PublicKey, std::unique_ptr<Peer>> peers;
  std::vector<Peer*> order;  // of addition
  std::atomic<const std::vector<Peer*>*> published_peers;
  std::vector<std::unique_ptr<Peer>> removed;  // in the change under way

  IndexTable indices;
  CookieChecker cookies;
  RateLimiter limiter;
  std::optional<Instant> last_load;
  Tai64n last_timestamp{};
  PeerTimers timers;
  std::set<std::pair<Instant, Peer*>> schedule;
  std::unique_ptr<Aead> aead;
};

// The one place that decides whether an initiation may go out again; data
// threads ask before they take the mutex.
[[nodiscard]] inline bool may_initiate(std::int64_t last_sent_ns, Instant now, const ProtocolLimits& limits) {
  return to_ns(now) >= last_sent_ns + limits.rekey_timeout.count();
}

}  // namespace radial::engine
