#include "observe/bgp_refusals.h"

#include <algorithm>
#include <set>

namespace radial::observe {
namespace {

using namespace std::chrono_literals;

constexpr auto slack = 1500ms;  // FRR 8.4 tells a session's age in seconds

}  // namespace

void BgpRefusals::configure(const NodeConfig& config) {
  std::map<Place, Site> sites;
  if (config.role == NodeRole::hub && config.bgp.runs()) {
    for (const auto& wire : config.wires) {
      if (!serves_sites(wire, config.node)) continue;
      for (const auto& peer : wire.peers) {
        if (!peer.public_key || peer.trust != Trust::routed) continue;
        for (const auto& address : peer.addresses)
          if (address.is_v4()) sites.emplace(Place{address, wire.interface}, Site{peer.node, peer.grant});
      }
    }
  }
  for (auto& [place, site] : sites) {
    const auto before = sites_.find(place);
    if (before == sites_.end() || before->second.node != site.node) continue;
    auto grant = std::move(site.grant);
    site = std::move(before->second);
    if (grant == site.grant) continue;
    // What is refused from now on, bgpd asks for by itself when its prefix-list changes.
    site.grant = std::move(grant);
    for (auto& connection : site.connections)
      std::erase_if(connection.refused, [&](const auto& one) { return site.grant.covers(one.first); });
  }
  sites_ = std::move(sites);
  named_ = 0;
  for (const auto& [place, site] : sites_)
    for (const auto& connection : site.connections) named_ += connection.refused.size();
}

void BgpRefusals::hear(Time now, const std::vector<host::HeardBgp>& heard) {
  for (const auto& one : heard)
    if (const auto site = sites_.find({one.sender, one.interface}); site != sites_.end()) hear(now, site->second, one);
}

void BgpRefusals::hear(Time now, Site& site, const host::HeardBgp& heard) {
  auto connection = std::find_if(site.connections.begin(), site.connections.end(), [&](const Connection& one) {
    return one.their_port == heard.their_port && one.our_port == heard.our_port;
  });
  if (heard.segment.closes || (heard.segment.opens && connection != site.connections.end())) {
    if (connection != site.connections.end()) drop(site, static_cast<std::size_t>(connection - site.connections.begin()));
    connection = site.connections.end();
    if (heard.segment.closes) return;
  }
  if (connection == site.connections.end()) {
    // The session's own is not to be crowded out by others that a site opens beside it.
    if (site.connections.size() >= most_connections) {
      const auto idle = std::find_if_not(site.connections.begin(), site.connections.end(), refuses);
      drop(site, idle == site.connections.end() ? 0 : static_cast<std::size_t>(idle - site.connections.begin()));
    }
    site.connections.push_back({heard.their_port, heard.our_port, now});
    connection = std::prev(site.connections.end());
  }
  if (heard.segment.opens) site.known = true;
  for (const auto& message : connection->stream.take(now, heard.segment))
    if (const auto update = host::read_bgp_update(message)) judge(now, site, *connection, *update);
}

void BgpRefusals::judge(Time now, Site& site, Connection& connection, const host::BgpUpdate& update) {
  for (const auto& prefix : update.withdrawn) named_ -= connection.refused.erase(prefix);
  for (const auto& prefix : update.announced) {
    if (site.grant.covers(prefix)) continue;
    if (const auto known = connection.refused.find(prefix); known != connection.refused.end()) {
      known->second = now;
    } else if (connection.refused.size() < most_named_of_a_site && named_ < most_named) {
      connection.refused.emplace(prefix, now);
      ++named_;
    } else {
      connection.more = true;
    }
  }
  // All that had a name is gone; what had none may be there still.
  if (connection.more && connection.refused.empty()) {
    connection.more = false;
    site.wants_asking = true;
  }
}

void BgpRefusals::forget(Connection& connection) {
  named_ -= connection.refused.size();
  connection.refused.clear();
  connection.more = false;
}

void BgpRefusals::drop(Site& site, std::size_t connection) {
  forget(site.connections[connection]);
  site.connections.erase(site.connections.begin() + static_cast<std::ptrdiff_t>(connection));
}

bool BgpRefusals::wants_sessions() const {
  return std::any_of(sites_.begin(), sites_.end(), [](const auto& one) {
    const Site& site = one.second;
    return !site.known || site.connections.size() > 1 ||
           std::any_of(site.connections.begin(), site.connections.end(), refuses);
  });
}

void BgpRefusals::tick(Time now, const std::vector<host::BgpSession>* sessions) {
  for (auto& [place, site] : sites_)
    for (auto& connection : site.connections) site.wants_asking |= connection.stream.lost(now);
  if (sessions == nullptr) return;
  std::map<IpAddress, const host::BgpSession*> up;
  for (const auto& session : *sessions)
    if (session.state == "Established") up.emplace(session.address, &session);
  for (auto& [place, site] : sites_) {
    if (const auto session = up.find(place.address); session != up.end()) {
      look(now, site, *session->second);
      continue;
    }
    // One that is just coming up is not to be asked: it says all by itself.
    for (auto& connection : site.connections)
      if (now - connection.began > told_again_within) forget(connection);
  }
}

void BgpRefusals::look(Time now, Site& site, const host::BgpSession& session) {
  keep_live(site, session, now);
  site.wants_asking |= !site.known;
  if (std::any_of(site.connections.begin(), site.connections.end(), refuses)) {
    if (!site.asked) site.asked = now;
    site.wants_asking |= now - *site.asked > ask_again_after;
  }
  if (!site.awaits || now - *site.asked <= told_again_within) return;
  // What it did not say again it had withdrawn.
  site.awaits = false;
  for (auto& connection : site.connections)
    named_ -= std::erase_if(connection.refused, [&](const auto& one) { return one.second < *site.asked; });
}

// One connection is the session's: the last that began before it was established. Else the
// first, which was up before we listened.
void BgpRefusals::keep_live(Site& site, const host::BgpSession& session, Time now) {
  auto& all = site.connections;
  if (all.size() < 2) return;
  const auto established = now - session.up + slack;
  const auto later = std::find_if(all.begin(), all.end(), [&](const Connection& one) { return one.began > established; });
  const auto live = later == all.begin() ? later : std::prev(later);
  for (auto one = all.begin(); one != all.end(); ++one)
    if (one != live) forget(*one);
  Connection kept = std::move(*live);
  all.clear();
  all.push_back(std::move(kept));
}

std::vector<IpAddress> BgpRefusals::to_ask(Time now) {
  std::vector<IpAddress> result;
  for (auto& [place, site] : sites_) {
    if (!site.wants_asking || (site.awaits && now - *site.asked < between_asks)) continue;
    site.wants_asking = false;
    site.known = true;
    site.asked = now;
    site.awaits = true;
    for (auto& connection : site.connections) connection.more = false;
    result.push_back(place.address);
  }
  return result;
}

std::map<std::string, RefusedOfSite> BgpRefusals::refused() const {
  std::map<std::string, RefusedOfSite> result;
  std::map<std::string, std::set<Prefix>> names;
  for (const auto& [place, site] : sites_)
    for (const auto& connection : site.connections) {
      if (!refuses(connection)) continue;
      result[site.node].more |= connection.more;
      for (const auto& [prefix, when] : connection.refused) names[site.node].insert(prefix);
    }
  for (auto& [site, prefixes] : names) result[site].prefixes.assign(prefixes.begin(), prefixes.end());
  return result;
}

}  // namespace radial::observe
