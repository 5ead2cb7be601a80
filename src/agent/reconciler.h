// Makes this machine what its configuration says, and nothing more. Every part
// is the same triad: observe what is, diff, apply; a dry run stops after diff.
// A part that fails does not stop the others: a node whose FRR is down still
// gets its wires.
//
// What Radial makes is recorded first (owned.h). An interface of the right
// name that is not ours is never touched.
//
// Threading: one thread. A call blocks for the kernel's and the daemons'
// answers, normally some milliseconds.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "agent/bgp_door.h"
#include "agent/keyring.h"
#include "agent/machine.h"
#include "agent/owned.h"
#include "agent/paths.h"
#include "agent/peer_endpoints.h"
#include "agent/quarantine.h"
#include "base/key.h"
#include "compile/fib_filter.h"
#include "compile/node_config.h"
#include "steer/values.h"

namespace radial::agent {

struct Outcome {
  std::vector<std::string> changes;   // what was done, or with dry_run would be
  std::vector<std::string> problems;  // what could not be done, and why
  bool unsettled = false;             // FRR's daemons disagree, or zebra with the kernel, for a moment perhaps: look again soon
  [[nodiscard]] bool clean() const { return changes.empty() && problems.empty(); }
};

enum class Mode : std::uint8_t { apply, dry_run };

class Reconciler {
 public:
  // Who should hold which prefix of a multipoint wire; nothing: as its
  // configuration says. Empty: there is no steering.
  using Steer = std::function<std::optional<std::vector<PlacedPrefix>>(const Wire&, const host::ObservedWire&)>;

  Reconciler(Host& machine, const Paths& paths, const PrivateKey& key, PeerEndpoints& endpoints, Steer steer = {});  // all borrowed

  // Preshared keys, and guests of our wire; from the next reconciliation on.
  void set_keyring(Keyring keyring) { keyring_ = std::move(keyring); }
  void set_quarantine(Quarantine quarantine) { quarantine_ = std::move(quarantine); }

  // Sets the endpoint that is chosen of a peer once more, and shows the peer our path by it.
  [[nodiscard]] Status dial(const Wire& wire, const WirePeer& peer);

  // Whether FRR's configuration is saved after a change, for FRR to start with.
  void set_saving(bool on) { saving_ = on; }

  // A dry run tells the lines of nftables one by one.
  Outcome reconcile(const NodeConfig& config, Mode mode);

  // Removes all that Radial made here, and puts back sysctls.
  Outcome tear_down();

 private:
  struct Pass;  // one run: what it owns, what it did

  void wire(Pass& pass, const Wire& wire);
  void remove_stale_wires(Pass& pass, const NodeConfig& config);
  void sysctls(Pass& pass, const NodeConfig& config);
  void firewall(Pass& pass, const std::string& table);
  bool mend_torn(Pass& pass, const std::vector<std::string>& torn);
  void tell_zebra(Pass& pass, const NodeConfig& config);
  // `also`: daemons to look at besides those that have, or had, lines of ours.
  // `config`: nothing when all is taken down.
  void routing(Pass& pass, const NodeConfig* config, std::vector<host::FrrLines> desired, std::span<const std::string_view> also = {});
  BgpCallers callers(const NodeConfig& config);
  std::vector<host::FrrLines> desired_lines(Pass& pass, const NodeConfig& config);
  Underlay underlay(Pass& pass, const NodeConfig& config, std::vector<LocalAddress> local);

  host::DesiredWire desired_wire(const Wire& wire, const host::ObservedWire& observed, Mode mode) const;
  void steer_peers(const Wire& wire, const host::ObservedWire& observed, host::DesiredWire& desired) const;
  std::optional<Endpoint> endpoint_of(const WirePeer& peer, Mode mode) const;
  // Peers that were given an endpoint: something to each, now. One that came back with the place where it was
  // seen has a handshake by it, and one at another endpoint learns our new path before it sends much by the old.
  [[nodiscard]] Status call(const Wire& wire, const host::WireChange& change);
  void remember_endpoints(const host::ObservedWire& observed);

  Host& host_;
  const Paths& paths_;
  const PrivateKey& key_;
  PeerEndpoints& endpoints_;
  Steer steer_;
  Keyring keyring_;
  Quarantine quarantine_;
  bool saving_ = true;
  // By wire: what was last set as endpoints, so that a changed name reaches a
  // peer that has one already.
  std::map<std::string, host::Endpoints> applied_endpoints_;
  std::optional<BgpCallers> callers_;  // as bgpd's configuration was when it was looked at last
  std::map<std::string, std::chrono::steady_clock::time_point> torn_;  // host::FrrRunning::torn: since when
  std::map<std::pair<std::string, InterfaceAddress>, std::chrono::steady_clock::time_point> overlooked_;  // by zebra: since when
};

}  // namespace radial::agent
