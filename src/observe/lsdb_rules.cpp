#include "observe/lsdb_rules.h"

#include <algorithm>
#include <utility>

#include "compile/frr_stanzas.h"

namespace radial::observe {
namespace {

using host::LsaType;

constexpr std::size_t remembered_instances = 16;
constexpr std::size_t remembered_ages = 20'000;   // and for so long:
constexpr auto ages_last = std::chrono::seconds(60);
constexpr std::size_t most_brought = 64;          // of one site in its own name, not judged yet
constexpr auto brought_lasts = std::chrono::seconds(30);  // without an answer of another hub
constexpr std::size_t remembered_keys = 100'000;  // of all honest routers; a flood must not grow it without a bound
constexpr auto exchange_lasts = std::chrono::seconds(10);
constexpr auto exchange_apart = std::chrono::seconds(3);
// Sequence numbers count up by one an instance from 0x80000001 (signed): no
// router comes this far in its life.
constexpr std::uint32_t far_beyond = 0x00100000;
constexpr std::uint32_t first_sequence = 0x80000001U;

std::uint32_t instances_made(std::uint32_t sequence) { return sequence - first_sequence; }

bool speaks_with(const NodeConfig& config, const Wire& wire, host::OspfVersion version) {
  return wire.ospf != OspfMode::none && (version == host::OspfVersion::v2 || runs(config, "ospf6d"));
}

}  // namespace

LsaJudge::Key LsaJudge::key_of(const host::OspfLsa& lsa) { return {lsa.type, lsa.id, lsa.originator}; }

LsaJudge::Instance LsaJudge::instance_of(const host::OspfLsa& lsa) { return {lsa.sequence, lsa.checksum, lsa.withdrawn()}; }

std::pair<LsaJudge::Key, LsaJudge::Instance> LsaJudge::named_by(const HeardLsa& heard) {
  return {{heard.type, heard.id, heard.originator}, {heard.sequence, heard.checksum, heard.withdrawn}};
}

void LsaJudge::configure(const NodeConfig& config) {
  std::vector<Site> sites;
  std::set<std::string> site_wires;
  if (config.role == NodeRole::hub) {
    for (const auto& wire : config.wires) {
      if (!serves_sites(wire, config.node)) continue;
      site_wires.insert(wire.interface);
      if (!speaks_with(config, wire, version_)) continue;
      for (const auto& peer : wire.peers) {
        const auto* router = find_router(config.routers, peer.node);
        if (router == nullptr) continue;
        sites.push_back({.node = peer.node, .interface = wire.interface, .router_id = router->id, .grant = peer.grant, .addresses = peer.addresses,
                         .others_behind = router->others_behind, .several_hubs = router->several_hubs});
      }
    }
  }
  const auto same = [](const Site& a, const Site& b) {
    return a.node == b.node && a.interface == b.interface && a.router_id == b.router_id && a.grant == b.grant &&
           a.addresses == b.addresses && a.others_behind == b.others_behind && a.several_hubs == b.several_hubs;
  };
  if (site_wires == site_wires_ && config.router_id == router_id_ && config.routers == routers_ && config.tunnels == tunnels_ &&
      std::equal(sites.begin(), sites.end(), sites_.begin(), sites_.end(), same))
    return;
  site_wires_ = std::move(site_wires);
  router_id_ = config.router_id;
  routers_ = config.routers;
  other_hubs_.clear();
  for (const auto& one : routers_)
    if (one.hub && one.id != router_id_) other_hubs_.push_back(one.id);
  tunnels_ = config.tunnels;
  sites_ = std::move(sites);
  said_.clear();
  present_.clear();
  false_links_.clear();
  claimed_links_.clear();
  refused_.clear();
}

LsaJudge::Site* LsaJudge::site_at(const std::string& interface, const IpAddress& address) {
  for (auto& site : sites_)
    if (site.interface == interface &&
        std::find(site.addresses.begin(), site.addresses.end(), address) != site.addresses.end())
      return &site;
  return nullptr;
}

const Router* LsaJudge::router(const IpAddress& id) const {
  const auto found = std::find_if(routers_.begin(), routers_.end(), [&](const Router& one) { return one.id == id; });
  return found == routers_.end() ? nullptr : &*found;
}

std::string LsaJudge::name_of(const IpAddress& router_id) const {
  const auto* known = router(router_id);
  return known != nullptr ? fmt::format("{} ({})", known->node, router_id) : router_id.to_string();
}

std::string_view LsaJudge::version_called() const { return version_ == host::OspfVersion::v3 ? "OSPFv3" : "OSPF"; }

std::string LsaJudge::lsa_called(LsaType type) const {
  const auto name = host::to_string(type, version_);
  return version_ == host::OspfVersion::v3 ? fmt::format("OSPFv3 {}", name) : std::string(name);
}

bool LsaJudge::may_announce(const Site& site, const Prefix& prefix) const {
  // What is within a tunnel comes with being on the wire: an address of its
  // own, or the wire's prefix while no designated router is known.
  return site.grant.covers(prefix) ||
         std::any_of(tunnels_.begin(), tunnels_.end(), [&](const Prefix& tunnel) { return tunnel.contains(prefix); });
}

// By a router that has no reason to say what is false.
void LsaJudge::said(const host::OspfLsa& lsa) {
  const auto key = key_of(lsa);
  const auto instance = instance_of(lsa);
  for (auto& site : sites_) {
    const auto claims = site.claims.find(key);
    if (claims == site.claims.end()) continue;
    std::erase_if(claims->second, [&](const Claim& claim) { return claim.instance == instance; });
    if (claims->second.empty()) site.claims.erase(claims);
  }
  remember(key, instance);
}

// By its originator. What a site brought us before counts as confirmed when the originator leaves it at that.
void LsaJudge::said_by_itself(OspfTime now, const host::OspfLsa& lsa) {
  const auto key = key_of(lsa);
  const auto instance = instance_of(lsa);
  for (auto& site : sites_) {
    const auto claims = site.claims.find(key);
    if (claims == site.claims.end()) continue;
    for (auto& claim : claims->second) {
      if (claim.instance == instance) {
        if (!claim.said) claim.said = now;
      } else if (claim.said && now - *claim.said < confirm_within && instances_made(instance.sequence) >= instances_made(claim.instance.sequence)) {
        // A newer one, or the same one withdrawn. With the same content it is no contradiction: it answers somebody who goes on.
        claim.disowned |= instance.withdrawn || lsa.content != claim.content;
      }
    }
  }
  remember(key, instance);
}

void LsaJudge::remember(const Key& key, const Instance& instance) {
  if (said_.size() >= remembered_keys && !said_.contains(key)) return;
  auto& instances = said_[key];
  if (std::find(instances.begin(), instances.end(), instance) != instances.end()) return;
  instances.push_back(instance);
  if (instances.size() > remembered_instances) instances.pop_front();
}

std::string LsaJudge::wrong_with_own(const Site& site, const host::OspfLsa& lsa) const {
  if ((lsa.type == LsaType::summary || lsa.type == LsaType::asbr_summary) && site.border == false) {
    const bool granted = !lsa.prefixes.empty() &&
                         std::all_of(lsa.prefixes.begin(), lsa.prefixes.end(),
                                     [&](const auto& one) { return may_announce(site, one.prefix); });
    if (!granted)
      return fmt::format("originates the {} LSA {}, which only an area border router may, and says of itself that it is none",
                         lsa_called(lsa.type), lsa.prefixes.empty() ? lsa.id.to_string() : lsa.prefixes.front().prefix.to_string());
  }
  if (lsa.type == LsaType::intra_prefix && lsa.attached_to != lsa.originator)
    return fmt::format("hangs prefixes of its own on OSPFv3 LSAs of {}", name_of(lsa.attached_to));
  return {};
}

std::string LsaJudge::flood_of(const Site& site) const {
  const auto& [all, ungranted] = site.amount;
  if (all <= most_prefixes && ungranted <= most_ungranted) return {};
  return fmt::format("floods the fabric over {}: {} prefixes, {} of them outside its grant", version_called(), all, ungranted);
}

void LsaJudge::set_amount(Site& site, const Key& key, const host::OspfLsa& lsa) const {
  if (const auto known = site.announced.find(key); known != site.announced.end()) {
    site.amount.prefixes -= known->second.prefixes;
    site.amount.ungranted -= known->second.ungranted;
    site.announced.erase(known);
  }
  if (lsa.withdrawn()) return;
  Amount amount{std::max<std::size_t>(1, lsa.prefixes.size()), 0};
  for (const auto& one : lsa.prefixes) amount.ungranted += may_announce(site, one.prefix) ? 0 : 1;
  site.announced.emplace(key, amount);
  site.amount.prefixes += amount.prefixes;
  site.amount.ungranted += amount.ungranted;
}

void LsaJudge::judge_own(OspfTime now, Site& site, const host::OspfLsa& lsa, std::vector<Offence>& offences) {
  const auto key = key_of(lsa);
  const auto instance = instance_of(lsa);
  note_age(now, lsa);
  if (lsa.type == LsaType::router) site.border = lsa.border;
  if (!lsa.withdrawn()) {
    const auto wrong = wrong_with_own(site, lsa);
    std::vector<IpAddress> links;
    // It may be gone again before an audit: the site's own ospfd answers a forger beside it.
    if (lsa.type == LsaType::router)
      for (const auto& neighbor : lsa.neighbors)
        if (is_site(neighbor)) links.push_back(neighbor);
    const auto same = [&](const Own& one) { return one.key == key && one.instance == instance; };
    if ((!wrong.empty() || !links.empty()) && site.own.size() < most_brought && std::none_of(site.own.begin(), site.own.end(), same)) {
      site.own.push_back({{instance, lsa.age, now}, key, wrong, std::move(links)});
      judge_brought_own(site, offences);
    }
  }
  set_amount(site, key, lsa);
  const auto flood = flood_of(site);
  if (flood.empty()) {
    site.flooding_since.reset();
  } else if (!site.several_hubs) {
    found_flooding(site, offences);
  } else if (!site.flooding_since) {
    site.flooding_since = now;
  }
}

void LsaJudge::found_flooding(Site& site, std::vector<Offence>& offences) const {
  offences.push_back({site.node, flood_of(site)});
  site.flooding_since.reset();
  site.announced.clear();
  site.amount = {};
}

void LsaJudge::judge_claim(OspfTime now, Site& site, const host::OspfLsa& lsa, std::vector<Offence>& offences) {
  if (lsa.originator == router_id_ && now < settled_at_) return;
  const auto key = key_of(lsa);
  const auto instance = instance_of(lsa);
  std::uint32_t latest = 0;
  if (const auto known = said_.find(key); known != said_.end()) {
    if (std::find(known->second.begin(), known->second.end(), instance) != known->second.end()) return;
    for (const auto& one : known->second) latest = std::max(latest, instances_made(one.sequence));
    // Older than what its originator said: nobody believes it.
    if (instances_made(lsa.sequence) < latest) return;
  }
  note_age(now, lsa);
  if (!claimed_.insert({key, instance}).second) return;  // by this site, or by another that is held to account for it
  site.claims[key].push_back({{instance, lsa.age, now}, lsa.content});
  if (site.claims.size() > remembered_keys) {
    offences.push_back({site.node, fmt::format("floods the fabric with {} LSAs of others", version_called())});
    site.claims.clear();
  }
}

std::vector<Offence> LsaJudge::hear(OspfTime now, const std::vector<host::HeardOspf>& heard) {
  std::vector<Offence> offences;
  for (const auto& [interface, sender, packet] : heard) {
    if (!site_wires_.contains(interface)) {
      // Other hubs and this one's LANs are the operator's own; what a site forged
      // at another hub is that hub's to find.
      note_presence(now, packet);
      for (const auto& lsa : packet.lsas) {
        note_age(now, lsa);
        if (lsa.originator == packet.router_id) said_by_itself(now, lsa);
        else said(lsa);
      }
      continue;
    }
    auto* site = site_at(interface, sender);
    if (site == nullptr || packet.instance != 0) continue;  // not for the fabric's routers
    if (packet.router_id != site->router_id && router(packet.router_id) != nullptr)
      offences.push_back({site->node, fmt::format("speaks {} as {}", version_called(), name_of(packet.router_id))});
    if (packet.router_id == site->router_id) note_presence(now, packet);
    if (packet.starts_exchange && (site->exchanges.empty() || now - site->exchanges.back() > exchange_apart))
      site->exchanges.push_back(now);
    for (const auto& lsa : packet.lsas) {
      if (lsa.originator == site->router_id) {
        said_by_itself(now, lsa);
        judge_own(now, *site, lsa, offences);
      } else {
        judge_claim(now, *site, lsa, offences);
      }
    }
  }
  return offences;
}

void LsaJudge::note_presence(OspfTime now, const host::OspfPacket& packet) {
  if (router(packet.router_id) == nullptr) return;
  if (const auto known = present_.find(packet.router_id); known != present_.end() && packet.starts_exchange) known->second.since = now;
  if (!packet.hello) return;
  const auto& neighbors = packet.hello->neighbors;
  if (std::find(neighbors.begin(), neighbors.end(), router_id_) == neighbors.end()) {
    present_.erase(packet.router_id);
    return;
  }
  const auto interval = std::max(packet.hello->interval, std::chrono::seconds(1));
  const auto [known, first] = present_.try_emplace(packet.router_id, Presence{now, now});
  if (now - known->second.last > 2 * interval + interval / 2) known->second.since = now;  // more than one was lost
  known->second.last = now;
}

bool LsaJudge::heard_around(const IpAddress& router_id, OspfTime when) const {
  const auto known = present_.find(router_id);
  return known != present_.end() && known->second.since + settles_within <= when && known->second.last >= when + confirm_within;
}

// What the originator said at that time reached us by itself, not only through `site`.
bool LsaJudge::would_have_heard(const IpAddress& originator, const Site& site, OspfTime when) const {
  if (originator == router_id_) return we_said_at_ > when;
  if (heard_around(originator, when)) return true;
  // A router beside it on its LAN, the fabric's or not, may have no other way to us.
  if (site.others_behind) return false;
  return std::all_of(other_hubs_.begin(), other_hubs_.end(), [&](const IpAddress& hub) { return heard_around(hub, when); });
}

bool LsaJudge::is_site(const IpAddress& router_id) const {
  const auto* known = router(router_id);
  return known != nullptr && !known->hub;
}

bool LsaJudge::is_its_own(const Site& site, const Brought& brought) const {
  return !site.several_hubs || std::all_of(other_hubs_.begin(), other_hubs_.end(), [&](const IpAddress& hub) {
    const auto said = brought.younger.find(hub);
    return said != brought.younger.end() && !said->second;
  });
}

void LsaJudge::judge_brought_own(Site& site, std::vector<Offence>& offences) {
  std::erase_if(site.own, [&](const Own& one) {
    if (!is_its_own(site, one)) return false;
    if (!one.wrong.empty()) offences.push_back({site.node, one.wrong});
    for (const auto& neighbor : one.links) claimed_links_.emplace(site.router_id, neighbor);
    return true;
  });
}

// Of what is judged, or need not be: else a forger could bring another hub what nobody there looks at, and be excused by it here.
void LsaJudge::note_age(OspfTime now, const host::OspfLsa& lsa) {
  if (other_hubs_.empty()) return;
  while (!ages_in_order_.empty() && (ages_in_order_.size() >= remembered_ages || now - ages_in_order_.front().first > ages_last)) {
    ages_.erase(ages_in_order_.front().second);
    ages_in_order_.pop_front();
  }
  const std::pair heard{key_of(lsa), instance_of(lsa)};
  if (ages_.try_emplace(heard, lsa.age).second) ages_in_order_.emplace_back(now, heard);
}

std::map<IpAddress, std::vector<HeardLsa>> LsaJudge::questions(OspfTime now) const {
  std::map<IpAddress, std::vector<HeardLsa>> all;
  const auto ask = [&](const Key& key, const Brought& brought) {
    if (now - brought.when < confirm_within) return;
    for (const auto& hub : other_hubs_)
      if (!brought.younger.contains(hub) && all[hub].size() < most_questions)
        all[hub].push_back({key.type, key.id, key.originator, brought.instance.sequence, brought.instance.checksum, brought.instance.withdrawn, 0});
  };
  for (const auto& site : sites_) {
    if (!site.several_hubs) continue;
    for (const auto& one : site.own) ask(one.key, one);
    for (const auto& [key, claims] : site.claims)
      for (const auto& claim : claims)
        if (claim.proven_false) ask(key, claim);
  }
  return all;
}

HeardLsa LsaJudge::answer(HeardLsa question) const {
  const auto known = ages_.find(named_by(question));
  question.age = known == ages_.end() ? -1 : known->second;
  return question;
}

std::vector<Offence> LsaJudge::answered(const IpAddress& hub, const HeardLsa& answer) {
  std::vector<Offence> offences;
  if (std::find(other_hubs_.begin(), other_hubs_.end(), hub) == other_hubs_.end()) return offences;
  const auto [key, instance] = named_by(answer);
  const auto note = [&](Brought& brought) { brought.younger[hub] = answer.age >= 0 && answer.age < brought.age; };
  for (auto& site : sites_) {
    if (!site.several_hubs) continue;
    for (auto& one : site.own)
      if (one.key == key && one.instance == instance) note(one);
    judge_brought_own(site, offences);
    if (const auto claims = site.claims.find(key); claims != site.claims.end())
      for (auto& claim : claims->second)
        if (claim.instance == instance) note(claim);
  }
  return offences;
}

bool LsaJudge::is_on_wire(const IpAddress& router_id, const std::string& interface) const {
  return router_id == router_id_ || std::any_of(sites_.begin(), sites_.end(), [&](const Site& site) {
           return site.interface == interface && site.router_id == router_id;
         });
}

bool LsaJudge::wonders_what_we_said() const {
  return std::any_of(sites_.begin(), sites_.end(), [&](const Site& site) {
    return std::any_of(site.claims.begin(), site.claims.end(), [&](const auto& claims) {
      return claims.first.originator == router_id_ &&
             std::any_of(claims.second.begin(), claims.second.end(), [&](const Claim& claim) { return claim.when >= we_said_at_; });
    });
  });
}

void LsaJudge::we_restarted(OspfTime now) {
  settled_at_ = now + settles_within;
  for (auto& site : sites_) std::erase_if(site.claims, [&](const auto& claims) { return claims.first.originator == router_id_; });
}

void LsaJudge::we_said(OspfTime now, const host::OspfDatabase& own) {
  we_said_at_ = now;
  for (const auto& lsa : own.lsas)
    if (lsa.originator == router_id_) said(lsa);
}

void LsaJudge::expire(OspfTime now, Site& site) const {
  while (!site.exchanges.empty() && now - site.exchanges.front() > offence_window) site.exchanges.pop_front();
  std::erase_if(site.own, [&](const Own& one) { return now - one.when > brought_lasts; });
  for (auto claims = site.claims.begin(); claims != site.claims.end();) {
    std::erase_if(claims->second, [&](const Claim& claim) { return now - claim.when > offence_window; });
    claims = claims->second.empty() ? site.claims.erase(claims) : std::next(claims);
  }
}

// What it claims in others' names and is proven false by now; empty: not enough.
std::string LsaJudge::forged_by(Site& site, OspfTime now) {
  std::string text;
  std::size_t keys = 0;
  for (auto& [key, claims] : site.claims) {
    std::erase_if(claims, [&](const Claim& claim) { return claim.said && !claim.disowned && now - *claim.said >= confirm_within; });
    const bool ours = router(key.originator) != nullptr && (key.type != LsaType::link || is_on_wire(key.originator, site.interface));
    std::set<std::uint32_t> false_sequences;
    bool wild = false;
    bool outside_exchange = false;
    for (auto& claim : claims) {
      if ((claim.said && !claim.disowned) || now - claim.when < confirm_within) continue;
      claim.proven_false = claim.proven_false || would_have_heard(key.originator, site, claim.when);
      if (!claim.proven_false || !is_its_own(site, claim)) continue;
      false_sequences.insert(claim.instance.sequence);
      wild |= instances_made(claim.instance.sequence) > far_beyond;
      outside_exchange |= std::none_of(site.exchanges.begin(), site.exchanges.end(), [&](const OspfTime& began) {
        return claim.when >= began && claim.when - began < exchange_lasts;
      });
    }
    if (false_sequences.empty()) continue;
    if (outside_exchange) ++keys;
    const auto limit = key.type == LsaType::network ? forged_of_a_network_lsa : forged_of_one_key;
    if (text.empty() && ours && (wild || false_sequences.size() >= limit + site.exchanges.size()))
      text = fmt::format("forges the {} LSA {} of {}: {} that it never said", lsa_called(key.type), key.id, name_of(key.originator),
                         false_sequences.size() == 1 ? "an instance" : fmt::format("{} instances", false_sequences.size()));
  }
  if (text.empty() && keys > forged_keys) text = fmt::format("sends {} {} LSAs of others that they never said", keys, version_called());
  return text;
}

std::vector<Offence> LsaJudge::tick(OspfTime now) {
  std::vector<Offence> offences;
  claimed_.clear();
  for (auto& site : sites_) {
    expire(now, site);
    for (const auto& [key, claims] : site.claims)
      for (const auto& claim : claims) claimed_.emplace(key, claim.instance);
    auto forged = forged_by(site, now);
    if (!forged.empty()) offences.push_back({site.node, std::move(forged)});
    if (site.flooding_since && now - *site.flooding_since >= flood_stands) found_flooding(site, offences);
  }
  return offences;
}

std::vector<Offence> LsaJudge::audit(const host::OspfDatabase& database) {
  std::vector<Offence> offences;
  refused_.clear();
  auto links = std::exchange(claimed_links_, {});  // from, to
  for (const auto& lsa : database.lsas)
    if (lsa.type == LsaType::router && !lsa.withdrawn() && !claimed_.contains({key_of(lsa), instance_of(lsa)}))
      for (const auto& neighbor : lsa.neighbors) links.emplace(lsa.originator, neighbor);
  // A link to a hub may stand alone: the LSA of a node that is off stays for an hour.
  std::set<std::pair<std::string, IpAddress>> false_links;
  std::map<IpAddress, Site*> by_router;
  for (auto& site : sites_) by_router[site.router_id] = &site;
  for (const auto& [from, to] : links) {
    const auto site = by_router.find(from);
    if (site != by_router.end() && !site->second->others_behind && is_site(to) && !links.contains({to, from}))
      false_links.emplace(site->second->node, to);
  }
  for (const auto& lsa : database.lsas) {
    const auto site = by_router.find(lsa.originator);
    if (site == by_router.end() || lsa.withdrawn()) continue;
    if (lsa.type == LsaType::router && !site->second->border) site->second->border = lsa.border;  // said before we listened
    for (const auto& announced : lsa.prefixes)
      if (lsa.type != LsaType::network && !may_announce(*site->second, announced.prefix) && refused_.size() < most_prefixes)
        refused_.insert({site->second->node, announced.prefix, lsa.type});
  }
  for (const auto& link : false_links)
    if (false_links_.contains(link))
      offences.push_back({link.first, fmt::format("claims {} link to {}, which knows of none",
                                                 version_ == host::OspfVersion::v3 ? "an OSPFv3" : "a", name_of(link.second))});
  false_links_ = std::move(false_links);
  return offences;
}

void LsaJudge::forget(const std::string& node) {
  for (auto& site : sites_) {
    if (site.node != node) continue;
    site.announced.clear();
    site.claims.clear();
    site.exchanges.clear();
    site.own.clear();
    site.amount = {};
    site.flooding_since.reset();
  }
  std::erase_if(false_links_, [&](const auto& link) { return link.first == node; });
}

}  // namespace radial::observe
