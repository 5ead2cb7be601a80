// A node's health at one moment, as values: what its daemons and its kernel
// said, joined with what it should be. Taken by the agent, judged by
// diagnose.h, printed by the command line. Never holds a secret.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/ip.h"
#include "base/key.h"
#include "base/result.h"

namespace radial::observe {

// WireGuard renews a session every 120 s while there is traffic, and OSPF
// hellos are traffic; one that is older than REJECT_AFTER_TIME carries nothing.
inline constexpr std::int64_t stale_handshake_s = 180;

struct PeerHealth {
  std::string node;
  PublicKey public_key;
  bool present = false;                       // the wire has this peer
  std::optional<Endpoint> endpoint;
  std::optional<std::int64_t> handshake_age;  // seconds; nothing: never
  std::uint64_t rx_bytes = 0;
  std::uint64_t tx_bytes = 0;
  std::vector<Prefix> allowed_ips;
  std::uint64_t foreign_packets = 0;  // dropped, as their source is not its own; where WireGuard tells (radial-wire)
  std::optional<std::int64_t> foreign_age = std::nullopt;  // seconds since the last of these was heard of

  [[nodiscard]] bool has_session() const { return handshake_age && *handshake_age <= stale_handshake_s; }
};

struct WireHealth {
  std::string interface;
  bool present = false;
  bool up = false;
  int mtu = 0;
  std::uint16_t listen_port = 0;
  std::vector<PeerHealth> peers;
};

// With one neighbour by one routing protocol: an OSPF adjacency or a BGP session.
struct AdjacencyHealth {
  std::string node;          // who it should be; empty: nobody we know
  std::string interface;
  IpAddress address;         // on the wire
  std::optional<IpAddress> router_id;
  std::string state;         // "Full", "ExStart", "Established", "Active", ..., or "absent"
  std::int64_t up_ms = 0;    // since its last change of state
  int our_mtu = 0;
  std::optional<int> their_mtu;  // from its last Database Description packet (RFC 2328 A.3.3)
  std::string protocol = "ospf";  // "ospf", "ospf6" or "bgp"
  std::uint64_t prefixes = 0;     // BGP: accepted from it

  [[nodiscard]] bool serves() const { return state == "Full" || state == "Established"; }
};

struct LearnedPrefix {
  Prefix prefix;
  std::string protocol;
  std::vector<IpAddress> next_hops;
  std::string interface;
  std::string node;          // whose tunnel address the next hop is; empty when unknown
  bool installed = false;
  std::int64_t age = 0;      // seconds
};

enum class Severity : std::uint8_t { warning, broken };

// One thing that is wrong, why, and how to mend it.
struct Finding {
  Severity severity = Severity::broken;
  std::string subject;  // "wire wg0", "adjacency berlin", "LAN 192.168.20.0/24"
  std::string what;
  std::string cause;    // the likely one, or several joined by "; or "
  std::string fix;      // a command or an action
  bool operator==(const Finding&) const = default;
};

struct Snapshot {
  std::string fabric;
  std::string node;
  std::string role;                   // "hub" or "site"
  std::string state;                  // "up", or "down" when the operator took it down
  std::string wireguard;              // implementation in use
  std::string frr_version;            // empty: FRR does not answer
  std::vector<WireHealth> wires;
  std::vector<AdjacencyHealth> adjacencies;
  std::vector<LearnedPrefix> prefixes;
  std::vector<std::string> missing_daemons;
  std::vector<Prefix> unbound_lans;   // declared, but on no interface
  std::vector<std::string> problems;  // what the last reconciliation could not do
  std::vector<Finding> findings;      // filled by diagnose()
  std::string verdict;                // one line, filled by diagnose()

  [[nodiscard]] bool healthy() const { return findings.empty(); }
};

[[nodiscard]] std::string to_json(const Snapshot& snapshot);
[[nodiscard]] Result<Snapshot> snapshot_from_json(std::string_view text);

}  // namespace radial::observe
