#include "observe/diagnose.h"

#include <algorithm>
#include <set>

namespace radial::observe {
namespace {

// WireGuard renews a session every 120 s while there is traffic, and OSPF
// hellos are traffic; one that is older than REJECT_AFTER_TIME carries nothing.
constexpr std::int64_t stale_handshake_s = 180;

// How long a Full adjacency may go without bringing routes.
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

// Findings about one wire; adds to `dead` the nodes that cannot have an
// adjacency because of what was found.
void judge_wire(const NodeConfig& config, const WireHealth& wire, std::vector<Finding>& findings,
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
    } else if (*peer.handshake_age > stale_handshake_s) {
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

std::optional<Finding> judge_adjacency(const AdjacencyHealth& adjacency) {
  const auto subject = fmt::format("adjacency {}", adjacency.node);
  if (adjacency.state == "Full") return std::nullopt;
  if (adjacency.state == "ExStart" || adjacency.state == "Exchange") return exchange_stuck(adjacency);
  if (adjacency.state == "absent" || adjacency.state == "Down" || adjacency.state == "Attempt")
    return Finding{Severity::broken, subject, fmt::format("no OSPF hello from it on {}", adjacency.interface),
                   "the node is off or the path to it was cut (its handshake looks fresh for 180 s more); or ospfd does "
                   "not run there; or its area or timers differ",
                   fmt::format("ping {}; then at {}: radial status", adjacency.address, adjacency.node)};
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

// Full is not routes: an area whose designated router lost its network-LSA has
// every neighbour Full and no path at all.
bool full_but_empty(const Snapshot& snapshot) {
  return !snapshot.adjacencies.empty() && snapshot.prefixes.empty() &&
         std::all_of(snapshot.adjacencies.begin(), snapshot.adjacencies.end(), [](const auto& adjacency) {
           return adjacency.state == "Full" && adjacency.up_ms > settled_ms;
         });
}

std::string adjacencies_of(std::size_t count) { return count == 1 ? "1 adjacency" : fmt::format("{} adjacencies", count); }

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
  for (const auto& wire : snapshot.wires) judge_wire(config, wire, findings, dead);
  std::size_t full = 0;
  for (const auto& adjacency : snapshot.adjacencies) {
    if (adjacency.state == "Full") ++full;
    if (dead.contains(adjacency.node) || !snapshot.missing_daemons.empty()) continue;
    if (auto finding = judge_adjacency(adjacency)) findings.push_back(std::move(*finding));
  }
  if (full_but_empty(snapshot))
    findings.push_back({Severity::broken, "routes", "none is learned, although every adjacency is Full",
                        "nobody announces a LAN; or the hub's ospfd lost its network-LSA (FRR 8.4 after a restart)",
                        "at the hub: radial status; its radiald mends the latter by itself within some seconds"});
  for (const auto& prefix : snapshot.unbound_lans)
    findings.push_back({Severity::warning, fmt::format("LAN {}", prefix), "is declared, but no interface of this node is in it",
                        "its interface is down or has another address; or the LAN is declared for the wrong node",
                        "ip -br address, then correct the interface or the fabric file"});
  for (const auto& problem : snapshot.problems)
    findings.push_back({Severity::broken, "reconcile", problem, "see the message", "radiald tries again by itself"});

  const auto summary = fmt::format("{} of {} Full, {} learned", full, adjacencies_of(snapshot.adjacencies.size()),
                                   plural(static_cast<std::size_t>(std::count_if(
                                              snapshot.prefixes.begin(), snapshot.prefixes.end(),
                                              [](const auto& prefix) { return prefix.installed; })),
                                          "route"));
  snapshot.verdict = findings.empty() ? fmt::format("healthy: {}", summary)
                                      : fmt::format("{}: {}", plural(findings.size(), "finding"), summary);
}

}  // namespace radial::observe
