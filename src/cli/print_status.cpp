#include "cli/print_status.h"

#include <algorithm>

#include "cli/table.h"

namespace radial::cli {
namespace {

using observe::Snapshot;

std::string handshake_text(const observe::PeerHealth& peer) {
  if (!peer.present) return "no peer";
  return peer.handshake_age ? duration_text(*peer.handshake_age) + " ago" : "never";
}

std::string next_hop_text(const observe::LearnedPrefix& prefix) {
  if (prefix.next_hops.empty()) return "on-link";
  const auto address = prefix.next_hops.front().to_string();
  const auto more = prefix.next_hops.size() > 1 ? fmt::format(" +{}", prefix.next_hops.size() - 1) : std::string();
  return prefix.node.empty() ? address + more : fmt::format("{} ({}){}", address, prefix.node, more);
}

std::string mtu_text(const observe::WireHealth& wire) {
  return wire.present ? std::to_string(wire.mtu) : std::string("-");
}

// Rows of several nodes begin with the node's name; of one, without.
std::vector<std::string> row(const std::string& node, std::vector<std::string> cells) {
  if (!node.empty()) cells.insert(cells.begin(), node);
  return cells;
}

std::string section(const Table& table) { return table.empty() ? std::string() : "\n" + table.to_string(); }

Table wires_table(bool with_node) {
  return Table(row(with_node ? "NODE" : "", {"WIRE", "MTU", "PEER", "ENDPOINT", "HANDSHAKE", "RX", "TX"}));
}

void add_wires(Table& table, const Snapshot& snapshot, const std::string& node) {
  for (const auto& wire : snapshot.wires) {
    if (wire.peers.empty()) table.add(row(node, {wire.interface, mtu_text(wire), "-", "-", "-", "-", "-"}));
    for (const auto& peer : wire.peers)
      table.add(row(node, {wire.interface, mtu_text(wire), peer.node, peer.endpoint ? peer.endpoint->to_string() : "-",
                           handshake_text(peer), bytes_text(peer.rx_bytes), bytes_text(peer.tx_bytes)}));
  }
}

// What a source filter drops is a network that nobody declared, or somebody who forges.
std::string foreign_text(const Snapshot& snapshot) {
  constexpr std::int64_t recent_s = 600;
  std::string text;
  for (const auto& wire : snapshot.wires)
    for (const auto& peer : wire.peers)
      if (peer.foreign_age && *peer.foreign_age < recent_s)
        text += fmt::format("{} {}: {} packet{} dropped from addresses that are not its own, the last {} ago\n", wire.interface, peer.node,
                            peer.foreign_packets, peer.foreign_packets == 1 ? "" : "s", duration_text(*peer.foreign_age));
  return text.empty() ? text : "\n" + text;
}

Table adjacencies_table(bool with_node) {
  return Table(row(with_node ? "NODE" : "", {"ADJACENCY", "BY", "ADDRESS", "WIRE", "STATE", "FOR"}));
}

void add_adjacencies(Table& table, const Snapshot& snapshot, const std::string& node) {
  for (const auto& adjacency : snapshot.adjacencies)
    table.add(row(node, {adjacency.node, adjacency.protocol, adjacency.address.to_string(), adjacency.interface, adjacency.state,
                         adjacency.state == "absent" ? "-" : duration_text(adjacency.up_ms / 1000)}));
}

Table prefixes_table(bool with_node) {
  return Table(row(with_node ? "NODE" : "", {"PREFIX", "BY", "NEXT HOP", "WIRE", "AGE"}));
}

void add_prefixes(Table& table, const Snapshot& snapshot, const std::string& node) {
  for (const auto& prefix : snapshot.prefixes)
    table.add(row(node, {prefix.prefix.to_string(), prefix.installed ? prefix.protocol : prefix.protocol + " (not in FIB)",
                         next_hop_text(prefix), prefix.interface, duration_text(prefix.age)}));
}

std::string counts(std::size_t good, std::size_t all) { return fmt::format("{}/{}", good, all); }

}  // namespace

std::string findings_text(const std::vector<observe::Finding>& findings, const std::string& node) {
  std::string text;
  for (const auto& finding : findings) {
    const auto place = node.empty() ? std::string() : node + ": ";
    text += fmt::format("\n{} {}{}\n", finding.severity == observe::Severity::broken ? "BROKEN" : "WARNING", place,
                        wrapped(fmt::format("{} {}", finding.subject, finding.what), 9));
    text += fmt::format("  why    {}\n", wrapped(finding.cause, 9));
    text += fmt::format("  mend   {}\n", wrapped(finding.fix, 9));
  }
  return text;
}

std::string status_text(const Snapshot& snapshot) {
  std::string text = fmt::format("{}, {} of fabric {}; FRR {}; WireGuard: {}\n", snapshot.node, snapshot.role, snapshot.fabric,
                                 snapshot.frr_version.empty() ? "does not answer" : snapshot.frr_version, snapshot.wireguard);
  auto wires = wires_table(false);
  add_wires(wires, snapshot, "");
  auto adjacencies = adjacencies_table(false);
  add_adjacencies(adjacencies, snapshot, "");
  auto prefixes = prefixes_table(false);
  add_prefixes(prefixes, snapshot, "");
  text += section(wires) + foreign_text(snapshot) + section(adjacencies) + section(prefixes);
  text += findings_text(snapshot.findings);
  return text + fmt::format("\n{}\n", snapshot.verdict);
}

std::string fabric_status_text(const std::string& fabric, const std::vector<NodeStatus>& nodes, bool detailed) {
  Table summary({"NODE", "ROLE", "FRR", "WIREGUARD", "PEERS", "ADJACENT", "ROUTES", "VERDICT"});
  auto wires = wires_table(true);
  auto adjacencies = adjacencies_table(true);
  auto prefixes = prefixes_table(true);
  std::string findings;
  std::size_t healthy = 0;
  for (const auto& [node, snapshot] : nodes) {
    if (!snapshot) {
      summary.add({node, "-", "-", "-", "-", "-", "-", "no answer"});
      findings += findings_text({{observe::Severity::broken, "radiald", "does not answer", snapshot.error().message,
                                  fmt::format("radial lab exec {} {} -- radial status", fabric, node)}}, node);
      continue;
    }
    std::size_t peers = 0, live = 0, full = 0, installed = 0;
    for (const auto& wire : snapshot->wires)
      for (const auto& peer : wire.peers) {
        ++peers;
        if (peer.has_session()) ++live;
      }
    for (const auto& adjacency : snapshot->adjacencies) full += adjacency.serves() ? 1 : 0;
    for (const auto& prefix : snapshot->prefixes) installed += prefix.installed ? 1 : 0;
    if (snapshot->healthy()) ++healthy;
    summary.add({node, snapshot->role, snapshot->frr_version.empty() ? "-" : snapshot->frr_version, snapshot->wireguard,
                 counts(live, peers), counts(full, snapshot->adjacencies.size()), std::to_string(installed),
                 snapshot->healthy() ? "healthy" : fmt::format("{} finding{}", snapshot->findings.size(),
                                                               snapshot->findings.size() == 1 ? "" : "s")});
    findings += findings_text(snapshot->findings, node);
    add_wires(wires, *snapshot, node);
    add_adjacencies(adjacencies, *snapshot, node);
    add_prefixes(prefixes, *snapshot, node);
  }
  std::string text = summary.to_string();
  if (detailed) text += section(wires) + section(adjacencies) + section(prefixes);
  text += findings;
  text += healthy == nodes.size() ? fmt::format("\nfabric {}: healthy, all {} nodes\n", fabric, nodes.size())
                                  : fmt::format("\nfabric {}: {} of {} nodes healthy\n", fabric, healthy, nodes.size());
  return text;
}

}  // namespace radial::cli
