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

// A running configuration: for each daemon and context the lines in it, each
// once. The key of a nested context joins the commands that lead there:
// "router bgp 65000 / address-family ipv6 unicast"; "" is the top level, always
// present. A context without lines is present with none.
struct FrrRunning {
  std::map<std::string, std::map<std::string, std::vector<std::string>>> daemons;
  // Entries of our prefix-lists that mgmtd has and zebra does not, or the other way
  // round: for a moment after every change; where it lasts, Frr::mend. FRR 10.3's mgmtd
  // answered that an entry was gone, and zebra kept it for good, about once in fifty
  // removals on a busy machine.
  std::vector<std::string> torn = {};
};

struct FrrChange {
  enum class Kind : std::uint8_t { add, replace, remove };
  struct Step {
    std::string daemon;
    std::string context;  // key as in FrrRunning; contexts on the way are made
    std::string line;     // entered as it is; a removal is mostly "no ..."; "": only make the context
    Kind kind = Kind::add;
    std::string old =
        {};  // replace, remove: the running line that goes (its context's last command when a context goes)
    bool operator==(const Step&) const = default;
  };
  std::vector<Step> steps;  // additions and replacements first, then removals
  // Desired lines that a line which is not ours excludes: one sentence each
  // that names both and the way out. They are not in `steps`.
  std::vector<std::string> conflicts;
  // What the steps add: to be recorded as owned before they are applied.
  // Lines in conflict are not in it; recording them would make the next diff
  // overwrite what is not ours.
  std::vector<FrrLines> added;
  [[nodiscard]] bool empty() const { return steps.empty(); }
  [[nodiscard]] std::vector<std::string> describe() const;  // "ospfd: interface wg0: ip ospf cost 10"; secrets left out
};

// Pure. `owned`: the lines that Radial put there before (from our state file):
// an owned line that is no longer desired is removed; a line that is not ours
// never is. A line that carries a single value ("ip ospf cost N", "ospf
// router-id X") replaces its owned predecessor without a removal, so that no
// adjacency is reset (but for a changed area, which FRR refuses to replace). A
// value that drifted from ours is put back; a value where we never wrote one
// is a conflict. Additions keep the order of `desired`; removals run against
// the order of `owned`. A context of ours (router, route-map, bfd) that nothing
// is left in goes as a whole, `router ospf` only while no interface of somebody
// else is in OSPF. Route-maps and filters are ours in every daemon of
// `running`: vtysh hands them round when it loads a saved configuration.
[[nodiscard]] FrrChange diff_frr(const std::vector<FrrLines>& desired, const std::vector<FrrLines>& owned,
                                 const FrrRunning& running);

// The ownership record before and after a change was applied. Pure.
[[nodiscard]] std::vector<FrrLines> owned_before(std::vector<FrrLines> owned, const FrrChange& change);
[[nodiscard]] std::vector<FrrLines> owned_after(const std::vector<FrrLines>& owned,
                                                const std::vector<FrrLines>& desired);

struct OspfNeighbor {
  IpAddress router_id;
  IpAddress address;  // on the wire
  std::string interface;
  std::string state;                // "Full", "Init", "ExStart", ... without the role
  std::string role;                 // "DR", "DROther", "-", ...
  std::chrono::milliseconds up{0};  // since the last change of state; 0 when unknown
  std::chrono::milliseconds dead_in{0};
  int priority = 0;
};

struct Ospf6Neighbor {
  IpAddress router_id;
  IpAddress address;  // link-local, on the wire
  std::string interface;
  std::string state;  // "Full", ...
  std::chrono::milliseconds up{0};
};

// A configured session, whatever its state.
struct BgpSession {
  IpAddress address;
  std::string state;                 // "Established", "Active", "Idle (PfxCt)", ...
  std::chrono::milliseconds up{0};   // since it was established, or lost; 0: it never was
  std::uint64_t prefixes = 0;        // accepted from it, of all families
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

// For each prefix the route that zebra chose; all candidates where it chose none.
struct LearnedRoute {
  Prefix prefix;
  std::string protocol;              // "ospf", "bgp", "static"
  std::vector<IpAddress> next_hops;  // empty: on-link
  std::vector<std::string> interfaces;
  std::uint32_t metric = 0;
  bool installed = false;  // in the FIB
  std::chrono::seconds age{0};
};

class Frr {
 public:
  // `run_dir` holds the sockets, `config_dir` frr.conf. Nothing is connected
  // before it is needed. `deadline` bounds each command, and the wait for
  // mgmtd's lock (which another session, or a daemon that starts, may hold).
  explicit Frr(std::string run_dir = "/run/frr", std::chrono::milliseconds deadline = std::chrono::seconds(5),
               std::string config_dir = "/etc/frr");
  Frr(Frr&&) noexcept;
  Frr& operator=(Frr&&) noexcept;
  ~Frr();

  // Runs one command in one daemon after `enable`. unavailable: the daemon is
  // not there (naming its line in /etc/frr/daemons); invalid_argument: FRR
  // refused it, with its words.
  Result<std::string> command(const std::string& daemon, const std::string& command);

  Result<std::string> version();                         // "8.4.4", from zebra
  [[nodiscard]] bool serves(const std::string& daemon);  // its socket answers now
  // A number that changes when the daemon was restarted (its process id, from
  // the socket's peer credentials); nothing when it is not there.
  std::optional<std::int64_t> incarnation(const std::string& daemon);
  // Its command line, word by word; nothing where proc(5) does not show it to us.
  std::optional<std::vector<std::string>> arguments(const std::string& daemon);

  // From FRR 10 on, mgmtd holds the configuration of zebra and staticd: their
  // lines are read there and shown under the daemon asked for (staticd: static
  // routes; zebra: the rest). "mgmtd" itself shows all that it holds.
  Result<FrrRunning> running(const std::set<std::string>& daemons);
  // Enters the steps context by context, one line a command, and goes on past
  // a line that is refused: the error then names every refused line with FRR's
  // words. A removal of what is gone already is no error. Lines of zebra and
  // staticd go to mgmtd where there is one. Nothing stays in config mode. A
  // change of bgpd's prefix-lists holds for what its neighbours have announced
  // already, too.
  Status apply(const FrrChange& change);
  // Tells mgmtd what zebra has of these (FrrRunning::torn), so that a change reaches both again.
  Status mend(const std::vector<std::string>& torn);
  // Writes our lines, and nothing else, to FRR's start-up configuration, so
  // that FRR comes up configured without us: frr.conf, or DAEMON.conf where the
  // machine is set up so (vtysh.conf(5)). The rest of the file, comments and
  // all, keeps its bytes; a file that is right already is not written. It is
  // not "write memory": that drops comments and stanzas of daemons that do not
  // run, and would persist what a person is only trying out.
  Status save(const std::vector<FrrLines>& desired, const std::vector<FrrLines>& owned);

  Result<std::vector<OspfNeighbor>> ospf_neighbors();
  Result<std::vector<Ospf6Neighbor>> ospf6_neighbors();
  Result<std::vector<BgpSession>> bgp_sessions();
  Result<std::vector<OspfInterface>> ospf_interfaces();
  // By interface, as zebra has them.
  Result<std::map<std::string, std::vector<InterfaceAddress>>> zebra_addresses();
  Result<std::vector<LearnedRoute>> routes(Family family);
  // Whether the network-LSA of the designated router `address` (our own, where we are it)
  // is in the database: FRR 8.4 loses it on NBMA wires after some restarts
  // (host/frr_nbma_repair.h decides what to do).
  Result<bool> has_network_lsa(const IpAddress& address);
  // Has a neighbour say all that it announces once more (RFC 2918); no session is reset.
  Status ask_bgp_again(const IpAddress& neighbor);
  Status clear_ospf_process();
  // Drops one adjacency; it forms again at once.
  Status clear_ospf_neighbor(const IpAddress& router_id);
  // Lets ospfd drop withdrawn LSAs after a second instead of a minute, until it
  // is restarted (the command is hidden: it is neither shown nor saved). For
  // every router on an NBMA wire; entering it again is harmless.
  Status hasten_lsa_removal();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace radial::host
