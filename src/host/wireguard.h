// WireGuard interfaces of this machine, through one interface for two ways:
// the kernel (generic netlink, linux/wireguard.h) and a userspace
// implementation (UAPI socket, wireguard.com/xplatform). Observe, diff, apply.
//
// Threading: one object, one thread. Calls block on local sockets for
// milliseconds at most. Keys: the private key is set from a Secret and is
// never read back into a value that can be printed.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/ip.h"
#include "base/key.h"
#include "base/result.h"

namespace radial::host {

// Stands for a preshared key where the key itself must not go: BLAKE2b under a
// random key of this process. Equal digests mean equal keys; nothing else can
// be learnt from one, and it means nothing to another process.
using KeyDigest = std::array<std::uint8_t, 32>;
[[nodiscard]] KeyDigest digest_of(const PresharedKey& key);

struct ObservedPeer {
  PublicKey public_key;
  bool has_preshared_key = false;
  std::optional<KeyDigest> preshared_digest;   // nothing where there is no key, or it could not be seen
  std::optional<Endpoint> endpoint;            // numeric
  std::vector<Prefix> allowed_ips;             // sorted
  std::uint16_t keepalive = 0;                 // seconds
  std::optional<std::chrono::system_clock::time_point> last_handshake;
  std::uint64_t rx_bytes = 0;
  std::uint64_t tx_bytes = 0;
};

struct ObservedWire {
  std::string interface;
  std::optional<PublicKey> public_key;         // of its private key; nothing: none is set
  std::uint16_t listen_port = 0;
  std::uint32_t fwmark = 0;
  std::vector<ObservedPeer> peers;             // sorted by key
  std::optional<bool> multicast;               // link-local multicast goes to every live peer; nothing: it cannot
};

struct DesiredPeer {
  PublicKey public_key;
  const PresharedKey* preshared_key = nullptr; // borrowed; nothing: none
  std::optional<Endpoint> endpoint;            // numeric; nothing: leave what roaming found
  std::vector<Prefix> allowed_ips;
  std::uint16_t keepalive = 0;
};

struct DesiredWire {
  std::string interface;
  const PrivateKey* private_key = nullptr;     // borrowed; must not be null
  std::uint16_t listen_port = 0;               // 0: leave as it is
  std::uint32_t fwmark = 0;
  std::vector<DesiredPeer> peers;
  bool multicast = false;                      // wanted; diff_wire passes over it where it cannot be had
};

// One peer's part of a change. Optional fields: leave as it is when empty.
struct PeerChange {
  PublicKey public_key;
  bool add = false;                            // it is new; otherwise update only
  bool remove = false;
  const PresharedKey* preshared_key = nullptr; // borrowed
  std::optional<Endpoint> endpoint;
  std::optional<std::uint16_t> keepalive;
  std::vector<Prefix> add_allowed_ips;         // moves a prefix from the peer that had it
  std::vector<Prefix> remove_allowed_ips;      // only what the peer holds
  std::optional<std::vector<Prefix>> replace_allowed_ips;
};

struct WireChange {
  std::string interface;
  const PrivateKey* private_key = nullptr;     // borrowed
  std::optional<std::uint16_t> listen_port;
  std::optional<std::uint32_t> fwmark;
  std::optional<bool> multicast;
  std::vector<PeerChange> peers;               // additions and moves before removals
  [[nodiscard]] bool empty() const { return !private_key && !listen_port && !fwmark && !multicast && peers.empty(); }
  // One line a change, as wg(8) would be told: "peer ABC= allowed-ips +10.1.0.0/16".
  [[nodiscard]] std::vector<std::string> describe() const;
};

// What was desired of each peer's endpoint when it was last applied.
using Endpoints = std::map<PublicKey, Endpoint>;

// Pure. Peers that are not desired are removed. An endpoint is touched only
// when the peer has none, or when the desired one differs from that in
// `previous_endpoints` (roaming is WireGuard's business); a caller that keeps
// none sets endpoints of peers without one only. A prefix that moves is added
// at its new peer and not removed at its old one, so that it is never absent.
// A wire's allowed IPs that stand at two desired peers are a caller's bug.
[[nodiscard]] WireChange diff_wire(const DesiredWire& desired, const ObservedWire& observed,
                                   const Endpoints& previous_endpoints = {});

class WireGuard {
 public:
  virtual ~WireGuard() = default;
  // "kernel", "wireguard-go", "radial-wire": what status prints.
  [[nodiscard]] virtual std::string implementation() const = 0;
  // Creates the interface, down and without peers. Fails with already_exists.
  virtual Status create(const std::string& interface) = 0;
  virtual Status remove(const std::string& interface) = 0;
  // not_found when the interface is not there or is not WireGuard.
  virtual Result<ObservedWire> observe(const std::string& interface) = 0;
  // Additions and moves first, in one set operation where it fits in one, then
  // prefix removals, then peer removals. Applying a change twice is harmless. A
  // change that fails may be applied in part: observe again.
  //
  // A prefix is removed alone where the implementation can do that (kernels and
  // wireguard-go from mid-2025). Elsewhere it is moved onto a passing peer that
  // is removed in the same breath: no list is replaced, nothing else is
  // touched, and no parking peer stays behind.
  virtual Status apply(const WireChange& change) = 0;
  // Which of the two it will be on this (existing) interface. Found by trying
  // once; nothing is left behind.
  virtual Result<bool> can_remove_one_prefix(const std::string& interface) = 0;
};

// The kernel's WireGuard; unsupported when the kernel has none.
[[nodiscard]] Result<std::unique_ptr<WireGuard>> open_kernel_wireguard();

// A userspace implementation: `program` ("wireguard-go", "radial-wire", or a
// path) is started as a daemon in a session of its own that outlives us (of a
// control group's end it is not safe: a service needs KillMode=process, or, for
// radial-wire, RADIAL_WIRE_UNIT=radial-wire: a systemd unit of its own).
// create() returns when its UAPI socket serves.
[[nodiscard]] std::unique_ptr<WireGuard> open_userspace_wireguard(std::string program);

// Userspace programs by preference, for open_wireguard(): the radial-wire that
// stands beside our own programs in `folder`, one in PATH, wireguard-go.
[[nodiscard]] std::vector<std::string> userspace_wireguards(const std::filesystem::path& folder);
// The same for the folder of the running program.
[[nodiscard]] std::vector<std::string> userspace_wireguards();

// The kernel where it has WireGuard, else the first of `programs` that is
// there, as a path or in PATH. RADIAL_WIREGUARD in the environment ("kernel", a
// program's name, or its absolute path) decides alone; a name is looked for
// among `programs` before PATH. The error lists what was tried and the package
// that cures it.
[[nodiscard]] Result<std::unique_ptr<WireGuard>> open_wireguard(const std::vector<std::string>& programs);

}  // namespace radial::host
