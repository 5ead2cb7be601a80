// WireGuard interfaces of this machine, through one interface for two ways:
// the kernel (generic netlink, linux/wireguard.h) and a userspace
// implementation (UAPI socket, wireguard.com/xplatform). Observe, diff, apply.
//
// Threading: one object, one thread. Calls block on local sockets for
// milliseconds at most. Keys: the private key is set from a Secret and is
// never read back into a value that can be printed.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/ip.h"
#include "base/key.h"
#include "base/result.h"

namespace radial::host {

struct ObservedPeer {
  PublicKey public_key;
  bool has_preshared_key = false;
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
  std::vector<Prefix> remove_allowed_ips;      // where the kernel cannot: the list is replaced
  std::optional<std::vector<Prefix>> replace_allowed_ips;
};

struct WireChange {
  std::string interface;
  const PrivateKey* private_key = nullptr;     // borrowed
  std::optional<std::uint16_t> listen_port;
  std::optional<std::uint32_t> fwmark;
  std::vector<PeerChange> peers;               // additions and moves before removals
  [[nodiscard]] bool empty() const { return !private_key && !listen_port && !fwmark && peers.empty(); }
  // One line a change, as wg(8) would be told: "peer ABC= allowed-ips +10.1.0.0/16".
  [[nodiscard]] std::vector<std::string> describe() const;
};

// Pure. Peers that are not desired are removed; an endpoint is touched only
// when the peer has none, or the desired one changed from `previous_endpoints`
// (roaming is WireGuard's business). AllowedIPs are added before any removal.
// A wire's allowed IPs that stand at two desired peers are a caller's bug.
[[nodiscard]] WireChange diff_wire(const DesiredWire& desired, const ObservedWire& observed);

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
  virtual Status apply(const WireChange& change) = 0;
};

// The kernel's WireGuard; unsupported when the kernel has none.
[[nodiscard]] Result<std::unique_ptr<WireGuard>> open_kernel_wireguard();

// A userspace implementation: `program` ("wireguard-go", "radial-wire") is
// started as a daemon of its own that outlives us; create() returns when its
// UAPI socket serves.
[[nodiscard]] std::unique_ptr<WireGuard> open_userspace_wireguard(std::string program);

// The kernel where it has WireGuard, else the first program found in PATH of
// those given. The error lists what was tried and the package that cures it.
[[nodiscard]] Result<std::unique_ptr<WireGuard>> open_wireguard(const std::vector<std::string>& programs);

}  // namespace radial::host
