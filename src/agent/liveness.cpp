#include "agent/liveness.h"

#include <algorithm>

#include "base/log.h"

namespace radial::agent {
namespace {

std::optional<IpAddress> tunnel_address(const NodeConfig& config, const WireEnd& end) {
  for (const auto& wire : config.wires)
    for (const auto& peer : wire.peers)
      if (wire.interface == end.interface && peer.node == end.node)
        if (const auto address = ipv4_of(peer)) return address;
  return std::nullopt;
}

}  // namespace

void Liveness::configure(const NodeConfig& config, Instant now) {
  role_ = config.role;
  patience_ = std::chrono::seconds(config.dead);
  std::map<WireEnd, End> ends;
  for (const auto& watched : watched_ends(config)) {
    const auto address = tunnel_address(config, watched);
    if (!address) continue;
    const auto known = ends_.find(watched);
    ends[watched] = known != ends_.end() && known->second.address == *address ? known->second : End{*address, 0, now, {}};
  }
  ends_ = std::move(ends);
  std::erase_if(silent_, [&](const WireEnd& end) { return !ends_.contains(end); });
}

bool Liveness::judge(Instant now) {
  std::set<WireEnd> silent;
  for (const auto& [name, end] : ends_) {
    if (!end.answered && role_ == NodeRole::hub) continue;
    if (now - end.answered.value_or(end.since) > patience_) silent.insert(name);
  }
  if (silent == silent_) return false;
  for (const auto& end : silent)
    if (!silent_.contains(end)) spdlog::warn("{} does not answer on {}", end.node, end.interface);
  for (const auto& end : silent_)
    if (!silent.contains(end)) spdlog::info("{} answers on {} again", end.node, end.interface);
  silent_ = std::move(silent);
  return true;
}

bool Liveness::hear(Instant now) {
  for (const auto& reply : probe_.drain())
    for (auto& [name, end] : ends_)
      if (end.address == reply.from && end.interface == reply.interface) end.answered = now;
  return judge(now);
}

bool Liveness::tick(host::Network& network, Instant now) {
  if (ends_.empty()) return false;
  std::map<std::string, int> indices;
  for (auto& [name, end] : ends_) {
    if (!indices.contains(name.interface)) {
      const auto link = network.link(name.interface);
      indices[name.interface] = link && link->has_value() ? (*link)->index : 0;
    }
    end.interface = indices[name.interface];
    // A failure is an answer that does not come.
    if (end.interface != 0) (void)probe_.send(end.interface, end.address);
  }
  return judge(now);
}

std::vector<observe::Finding> Liveness::findings(const NodeConfig& config) const {
  std::vector<observe::Finding> findings;
  const bool none_answers = silent_.size() == ends_.size();
  for (const auto& end : silent_) {
    const bool site = config.role == NodeRole::site;
    findings.push_back({observe::Severity::broken, fmt::format("{} {}", site ? "hub" : "site", end.node),
                        fmt::format("does not answer pings on {}: {}", end.interface,
                                    !site ? "its LANs are not announced from here, its other hubs serve it"
                                    : none_answers ? "nor does any other hub, so routes stay as they are"
                                                   : "routes go by the next hub"),
                        "it is off, or the path to it was cut; or its firewall drops ICMP echo on the wire",
                        fmt::format("look at {}; routes come back by themselves", end.node)});
  }
  return findings;
}

}  // namespace radial::agent
