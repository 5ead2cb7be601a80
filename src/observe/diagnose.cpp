#include "observe/diagnose.h"

#include <algorithm>
#include <set>

namespace radial::observe {
namespace {

// How long a Full adjacency may go without bringing routes, and a route without being used.
constexpr std::int64_t settled_ms = 10'000;

const WirePeer* find_peer(const NodeConfig& config, const std::string& interface, const std::string& node) {
  for (const auto& wire : config.wires) {
    if (wire.interface != interface) continue;
    for (const auto& peer : wire.peers)
      if (peer.node == node) return &peer;
  }
  return nullptr;
}

std::string dial_hint(const WirePeer* peer) {
  if (peer == nullptr || peer->endpoints.empty())
    return fmt::format("look at the other end: 'radial status' there");
  return fmt::format("check that UDP to {} passes (firewall, name, port)", peer->endpoints.front().to_string());
}

// A router that says hello over the wire: then a handshake that looks old tells of a clock that was set meanwhile.
bool is_heard_over(const Snapshot& snapshot, const WireHealth& wire, const std::string& node) {
  return std::any_of(snapshot.adjacencies.begin(), snapshot.adjacencies.end(), [&](const AdjacencyHealth& one) {
    return one.interface == wire.interface && one.node == node && one.serves();
  });
}

// Findings about one wire; adds to `dead` the nodes that cannot have an
// adjacency because of what was found.
void judge_wire(const NodeConfig& config, const Snapshot& snapshot, const WireHealth& wire, std::vector<Finding>& findings,
                std::set<std::string>& dead) {
  const auto subject = fmt::format("wire {}", wire.interface);
  if (!wire.present || !wire.up) {
    findings.push_back({Severity::broken, subject,
                        wire.present ? "is administratively down" : "does not exist",
                        "somebody changed it, or its WireGuard process cannot start",
                        "radiald repairs this by itself; if it stays, read its log: journalctl -u radiald"});
    for (const auto& peer : wire.peers) dead.insert(peer.node);
    return;
  }
  for (const auto& peer : wire.peers) {
    const auto* declared = find_peer(config, wire.interface, peer.node);
    if (!peer.present) {
      findings.push_back({Severity::broken, fmt::format("{} peer {}", wire.interface, peer.node), "is missing from the wire",
                          "somebody removed it", "radiald repairs this by itself; 'radial apply' does it now"});
      dead.insert(peer.node);
    } else if (!peer.handshake_age) {
      findings.push_back({Severity::broken, fmt::format("{} peer {}", wire.interface, peer.node),
                          "has never completed a handshake",
                          "no UDP path between the two; or the keys do not match",
                          dial_hint(declared)});
      dead.insert(peer.node);
    } else if (!peer.has_session() && !is_heard_over(snapshot, wire, peer.node)) {
      findings.push_back({Severity::broken, fmt::format("{} peer {}", wire.interface, peer.node),
                          fmt::format("last handshake {} s ago (a live one is under {} s)", *peer.handshake_age, stale_handshake_s),
                          "the node is off; or the path between the two is cut", dial_hint(declared)});
      dead.insert(peer.node);
    }
  }
}

Finding exchange_stuck(const AdjacencyHealth& adjacency) {
  Finding finding{Severity::broken, fmt::format("adjacency {}", adjacency.node),
                  fmt::format("is stuck in {} on {}", adjacency.state, adjacency.interface), {}, {}};
  const auto theirs = adjacency.their_mtu ? std::to_string(*adjacency.their_mtu) : std::string("unknown");
  const auto mtus = fmt::format("MTU here {}, there {}", adjacency.our_mtu, theirs);
  if (adjacency.their_mtu && *adjacency.their_mtu != adjacency.our_mtu) {
    const bool ours_smaller = adjacency.our_mtu < *adjacency.their_mtu;
    finding.cause = fmt::format("the two ends differ ({})", mtus);
    finding.fix = ours_smaller
                      ? fmt::format("give both ends one MTU; or, if this uplink needs {0}, declare 'mtu: {0}' for this site",
                                    adjacency.our_mtu)
                      : fmt::format("give both ends one MTU; or, if the other uplink needs {0}, declare 'mtu: {0}' for {1}",
                                    *adjacency.their_mtu, adjacency.node);
  } else {
    finding.cause = fmt::format(
        "{}: {}the underlay silently drops large packets; or one end's ospfd was restarted this second", mtus,
        adjacency.their_mtu ? "equal, so " : "the two ends differ; or ");
    finding.fix = fmt::format("try 'ping -M do -s {} {}'; if it fails and a small one works, lower 'mtu' in the fabric",
                              adjacency.our_mtu - 28, adjacency.address.to_string());
  }
  return finding;
}

// States: RFC 4271, 8.2.2. FRR sits in Idle only without a route to the
// neighbour, for a moment, or for the time that follows a flood.
Finding judge_session(const AdjacencyHealth& session, const WirePeer* peer) {
  const auto subject = fmt::format("BGP session {}", session.node);
  if (session.state.find("PfxCt") != std::string::npos)
    return {Severity::broken, subject, "is closed: the node announced more prefixes than it may",
            fmt::format("it announces far more than its grant ({}) is for; or somebody announces through it",
                        peer == nullptr ? "unknown" : to_string(peer->grant)),
            fmt::format("at {}: 'vtysh -c \"show bgp ipv4\"', and stop what announces them; the session is tried again "
                        "every minute, at once with 'vtysh -c \"clear bgp {}\"' here",
                        session.node, session.address)};
  if (session.state.find("Admin") != std::string::npos)
    return {Severity::broken, subject, "is shut down in FRR's configuration here", "somebody entered 'neighbor … shutdown'",
            fmt::format("vtysh -c 'configure terminal' -c 'router bgp' -c 'no neighbor {} shutdown'", session.address)};
  if (session.state == "absent")
    return {Severity::broken, subject, "is not in FRR's configuration", "bgpd was restarted this moment; or FRR refused our lines",
            "radiald repairs this by itself; 'radial apply' does it now and says why not"};
  if (session.state == "OpenSent" || session.state == "OpenConfirm")
    return {Severity::warning, subject, fmt::format("is in {} (not yet Established)", session.state),
            "it is being opened; or the two ends disagree on the AS or on a timer", "wait some seconds and look again"};
  return {Severity::broken, subject,
          fmt::format("is in {}: no TCP connection to {} port 179 on {}", session.state, session.address, session.interface),
          "the node is off or the path to it was cut (its handshake looks fresh for 180 s more); or bgpd does not run "
          "there; or a firewall there drops TCP port 179",
          fmt::format("ping {}; then at {}: radial status", session.address, session.node)};
}

std::optional<Finding> judge_adjacency(const AdjacencyHealth& adjacency, const WirePeer* peer) {
  const bool v3 = adjacency.protocol == "ospf6";
  const auto subject = fmt::format("{}adjacency {}", v3 ? "OSPFv3 " : "", adjacency.node);
  if (adjacency.serves()) return std::nullopt;
  if (adjacency.protocol == "bgp") return judge_session(adjacency, peer);
  if (adjacency.state == "ExStart" || adjacency.state == "Exchange") return exchange_stuck(adjacency);
  if (adjacency.state == "absent" || adjacency.state == "Down" || adjacency.state == "Attempt")
    return Finding{Severity::broken, subject, fmt::format("no OSPF{} hello from it on {}", v3 ? "v3" : "", adjacency.interface),
                   fmt::format("the node is off or the path to it was cut (its handshake looks fresh for 180 s more); or {} "
                               "does not run there; or its area or timers differ", v3 ? "ospf6d" : "ospfd"),
                   fmt::format("ping {}{}; then at {}: radial status", adjacency.address,
                               v3 ? "%" + adjacency.interface : "", adjacency.node)};
  if (adjacency.state == "Init")
    return Finding{Severity::broken, subject, "it is heard, but it does not hear us",
                   "its AllowedIPs or its firewall drop our hellos; or its OSPF network type differs",
                   fmt::format("at {}: radial status, and tcpdump -ni {} proto 89", adjacency.node, adjacency.interface)};
  return Finding{Severity::warning, subject, fmt::format("is {} (not yet Full)", adjacency.state),
                 "the database is still being loaded", "wait some seconds and look again"};
}

std::string plural(std::size_t count, std::string_view noun) {
  return fmt::format("{} {}{}", count, noun, count == 1 ? "" : "s");
}

std::string adjacencies_of(std::size_t count) { return count == 1 ? "1 adjacency" : fmt::format("{} adjacencies", count); }

// Routes in the FIB that routing brought.
std::size_t learned(const std::vector<LearnedPrefix>& prefixes) {
  return static_cast<std::size_t>(std::count_if(prefixes.begin(), prefixes.end(), [](const LearnedPrefix& prefix) {
    return prefix.installed && prefix.protocol != "static";
  }));
}

// Full is not routes: an area whose designated router lost its network-LSA has
// every neighbour Full and no path at all.
bool full_but_empty(const Snapshot& snapshot) {
  return !snapshot.adjacencies.empty() && learned(snapshot.prefixes) == 0 &&
         std::all_of(snapshot.adjacencies.begin(), snapshot.adjacencies.end(), [](const auto& adjacency) {
           return adjacency.serves() && adjacency.up_ms > settled_ms;
         });
}

// A site's way to another node's network, which routing has found and zebra does not
// use. (At a hub a refused route is no fault: its own static route carries on.)
bool is_learned_in_vain(const NodeConfig& config, const LearnedPrefix& prefix) {
  const auto& granted = config.elsewhere.prefixes;
  return config.role == NodeRole::site && !prefix.installed && prefix.protocol != "static" && prefix.age * 1000 > settled_ms &&
         std::find(granted.begin(), granted.end(), prefix.prefix) != granted.end();
}

// "2 of 3 adjacencies Full, 1 of 1 BGP session Established"; what does not run is not named.
std::string adjacency_summary(const std::vector<AdjacencyHealth>& adjacencies) {
  std::size_t ospf = 0, full = 0, bgp = 0, established = 0;
  for (const auto& adjacency : adjacencies) {
    const bool session = adjacency.protocol == "bgp";
    ++(session ? bgp : ospf);
    if (adjacency.serves()) ++(session ? established : full);
  }
  std::string text;
  if (ospf > 0) text = fmt::format("{} of {} Full, ", full, adjacencies_of(ospf));
  if (bgp > 0) text += fmt::format("{} of {} Established, ", established, plural(bgp, "BGP session"));
  return text;
}

}  // namespace

void diagnose(const NodeConfig& config, Snapshot& snapshot, std::vector<Finding> found) {
  auto& findings = snapshot.findings;
  findings = std::move(found);
  if (snapshot.state == "down") {
    snapshot.verdict = "down: taken down by the operator; 'radial up' brings it back";
    findings.push_back({Severity::broken, "node", "is taken down", "'radial down' was run here", "radial up"});
    return;
  }
  for (const auto& daemon : snapshot.missing_daemons)
    findings.push_back({Severity::broken, fmt::format("FRR's {}", daemon), "does not answer", "it is not enabled, or it crashed",
                        fmt::format("set {}=yes in /etc/frr/daemons and run 'systemctl restart frr'", daemon)});
  std::set<std::string> dead;
  for (const auto& wire : snapshot.wires) judge_wire(config, snapshot, wire, findings, dead);
  for (const auto& adjacency : snapshot.adjacencies) {
    if (dead.contains(adjacency.node) || !snapshot.missing_daemons.empty()) continue;
    if (auto finding = judge_adjacency(adjacency, find_peer(config, adjacency.interface, adjacency.node)))
      findings.push_back(std::move(*finding));
  }
  if (full_but_empty(snapshot))
    findings.push_back({Severity::broken, "routes", "none is learned, although every adjacency is up",
                        "nobody announces a LAN; or the hub's ospfd lost its network-LSA (FRR 8.4 after a restart)",
                        "at the hub: radial status; its radiald mends the latter by itself within some seconds"});
  for (const auto& prefix : snapshot.prefixes)
    if (is_learned_in_vain(config, prefix))
      findings.push_back({Severity::broken, fmt::format("prefix {}", prefix.prefix),
                          fmt::format("is learned by {} and not in the FIB: nothing reaches it from here", prefix.protocol),
                          "zebra's filter refused it, or FRR's daemons disagree on that filter; or the kernel refused it",
                          fmt::format("radiald mends its filter by itself within seconds; if this stays: vtysh -c 'show ip{} route {}' "
                                      "says more, and 'systemctl restart frr' lets zebra judge anew",
                                      prefix.prefix.family() == Family::v4 ? "" : "v6", prefix.prefix)});
  for (const auto& prefix : snapshot.unbound_lans)
    findings.push_back({Severity::warning, fmt::format("LAN {}", prefix), "is declared, but no interface of this node is in it",
                        "its interface is down or has another address; or the LAN is declared for the wrong node",
                        "ip -br address, then correct the interface or the fabric file"});
  for (const auto& problem : snapshot.problems)
    findings.push_back({Severity::broken, "reconcile", problem, "see the message", "radiald tries again by itself"});

  const auto summary = fmt::format("{}{} learned", adjacency_summary(snapshot.adjacencies),
                                   plural(learned(snapshot.prefixes), "route"));
  snapshot.verdict = findings.empty() ? fmt::format("healthy: {}", summary)
                                      : fmt::format("{}: {}", plural(findings.size(), "finding"), summary);
}

}  // namespace radial::observe
