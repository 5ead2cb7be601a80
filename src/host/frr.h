// FRRouting on this machine, over its vty UNIX sockets (/run/frr/DAEMON.vty;
// protocol in field notes and FRR's lib/vty.c). Radial owns single lines in
// contexts, never a file and never somebody else's line. Observe, diff, apply.
//
// Threading: one object, one thread; a command blocks for its answer, at most
// `deadline`. A daemon that restarts is reconnected to on the next command.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/ip.h"
#include "base/result.h"

namespace radial::host {

// Same shape as compile's FrrStanza (host does not know compile).
struct FrrLines {
  std::string daemon;
  std::string context;             // "" is the top level
  std::vector<std::string> lines;  // in the order to enter them
  bool operator==(const FrrLines&) const = default;
};

// A running configuration: for each daemon and context the lines in it.
struct FrrRunning {
  std::map<std::string, std::map<std::string, std::vector<std::string>>> daemons;
};

struct FrrChange {
  struct Step {
    std::string daemon;
    std::string context;
    std::string line;      // entered as it is; a removal is "no ..."
    bool operator==(const Step&) const = default;
  };
  std::vector<Step> steps;  // additions first, then removals
  [[nodiscard]] bool empty() const { return steps.empty(); }
  [[nodiscard]] std::vector<std::string> describe() const;  // "ospfd: interface wg0: ip ospf cost 10"
};

// Pure. `owned`: the lines that Radial put there before (from our state file):
// an owned line that is no longer desired is removed; a line that is not ours
// never is. A line that carries a single value ("ip ospf cost N", "ospf
// router-id X") replaces its owned predecessor without a removal, so that no
// adjacency is reset.
[[nodiscard]] FrrChange diff_frr(const std::vector<FrrLines>& desired, const std::vector<FrrLines>& owned,
                                 const FrrRunning& running);

struct OspfNeighbor {
  IpAddress router_id;
  IpAddress address;        // on the wire
  std::string interface;
  std::string state;        // "Full", "Init", "ExStart", ... without the role
  std::string role;         // "DR", "DROther", "-", ...
  std::chrono::milliseconds up{0};         // since the last change of state; 0 when unknown
  std::chrono::milliseconds dead_in{0};
  int priority = 0;
};

struct OspfInterface {
  std::string interface;
  bool up = false;
  std::string network_type;
  std::string state;
  std::uint32_t cost = 0;
  std::uint32_t hello_ms = 0;
  std::uint32_t dead_s = 0;
  int mtu = 0;
  bool passive = false;
};

struct LearnedRoute {
  Prefix prefix;
  std::string protocol;                   // "ospf", "bgp", "static"
  std::vector<IpAddress> next_hops;       // empty: on-link
  std::vector<std::string> interfaces;
  std::uint32_t metric = 0;
  bool installed = false;                 // in the FIB
  std::chrono::seconds age{0};
};

class Frr {
 public:
  // `run_dir` holds the sockets. Nothing is connected before it is needed.
  explicit Frr(std::string run_dir = "/run/frr", std::chrono::milliseconds deadline = std::chrono::seconds(5));
  Frr(Frr&&) noexcept;
  Frr& operator=(Frr&&) noexcept;
  ~Frr();

  // Runs one command in one daemon after `enable`. unavailable: the daemon is
  // not there (naming its line in /etc/frr/daemons); invalid_argument: FRR
  // refused it, with its words.
  Result<std::string> command(const std::string& daemon, const std::string& command);

  Result<std::string> version();                       // "8.4.4", from zebra
  [[nodiscard]] bool serves(const std::string& daemon);  // its socket answers now
  // A number that changes when the daemon was restarted (its process id, from
  // the socket's peer credentials); nothing when it is not there.
  std::optional<std::int64_t> incarnation(const std::string& daemon);

  Result<FrrRunning> running(const std::set<std::string>& daemons);
  Status apply(const FrrChange& change);
  // `write memory` as vtysh does it, from running configurations (so that FRR comes up
  // configured without us); what a person wrote in frr.conf is kept.
  Status save();

  Result<std::vector<OspfNeighbor>> ospf_neighbors();
  Result<std::vector<OspfInterface>> ospf_interfaces();
  Result<std::vector<LearnedRoute>> routes(Family family);
  // Whether this router originates a network-LSA for `address` (its own on an
  // NBMA wire where it is DR): FRR 8.4 forgets it after some restarts.
  Result<bool> originates_network_lsa(const IpAddress& address);
  Status clear_ospf_process();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace radial::host
