// What nodes that joined say and are asked: reports, key rotation, revocations
// that a hub has not carried out yet.
#include <algorithm>
#include <iterator>

#include <fmt/format.h>

#include "base/digest.h"
#include "compile/json.h"
#include "control/controller.h"

namespace radial::control {
namespace {

constexpr std::int64_t seconds_a_day = 24 * 3600;
constexpr std::int64_t in_contact_for = 60;     // seconds since a node spoke, which it does every five
constexpr std::size_t most_findings = 32;       // of one hub at a time
constexpr std::size_t longest_finding = 300;
constexpr std::int64_t quota_period = 3600;     // seconds
constexpr int findings_quota = 60;              // lines in the log of one hub's findings in that time
constexpr int served_quota = 60;                // of what it serves, and so many for each of its sites besides:
constexpr int served_quota_of_a_site = 2;       // a thousand sites may come in an hour
constexpr std::int64_t lines_looked_at = 500;   // of the log, to know again what was told before a restart
constexpr std::string_view ended_mark = "no longer: ";

bool has(const std::vector<std::string>& all, const std::string& one) {
  return std::find(all.begin(), all.end(), one) != all.end();
}

// Names and addresses only: what a hub sends stands in a log that people read.
std::string one_line(std::string text) {
  text.resize(std::min(text.size(), longest_finding));
  for (char& c : text)
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = ' ';
  return text;
}

std::vector<Prefix> less(const std::set<Prefix>& from, const ServedSites& without, const std::string& site) {
  std::vector<Prefix> left;
  const auto known = without.find(site);
  if (known == without.end()) left.assign(from.begin(), from.end());
  else std::set_difference(from.begin(), from.end(), known->second.begin(), known->second.end(), std::back_inserter(left));
  return left;
}

}  // namespace

std::string digest_of_config(const NodeConfig& config) { return hex_digest(radial::to_json(config)); }

Result<bool> Controller::runs_newest(const std::string& node) {
  const auto said = said_.find(node);
  if (said == said_.end() || said->second.applied.empty()) return false;
  auto& digest = digests_[node].config;
  if (digest.empty()) {
    RADIAL_ASSIGN(const auto config, config_for(node));
    digest = digest_of_config(config);
  }
  return said->second.applied == digest;
}

Result<std::vector<std::string>> Controller::hubs_behind(const std::string& node) {
  std::vector<std::string> behind;
  const auto* site = fabric_.find_site(node);
  if (site == nullptr) return behind;
  for (const auto& hub : site->hubs) {
    if (!has_key(hub)) continue;
    RADIAL_ASSIGN(const bool newest, runs_newest(hub));
    if (!newest) behind.push_back(hub);
  }
  return behind;
}

Status Controller::rotate(const std::string& node, const std::string& author, std::int64_t now) {
  if (fabric_.find_hub(node) != nullptr)
    return fail(Errc::unsupported, "{} is a hub: its key stands in every site and token. To replace it, revoke it and invite it again",
                node);
  if (fabric_.find_site(node) == nullptr || !has_key(node))
    return fail(Errc::not_found, "{} has no key to replace: it has not joined", node);
  RADIAL_ASSIGN(const auto secret, store_.node_secret(node));
  if (!secret)
    return fail(Errc::unsupported, "no radiald of {0} ever joined, so nobody there makes a new key: radial revoke {0}, then radial invite {0}", node);
  RADIAL_ASSIGN(const auto under_way, store_.rotations());
  if (std::any_of(under_way.begin(), under_way.end(), [&](const auto& one) { return one.node == node; })) return {};
  RADIAL_ASSIGN(auto transaction, store_.begin());
  RADIAL_TRY(store_.set_rotation({node, now, author, std::nullopt}));
  RADIAL_TRY(store_.audit({now, author, fmt::format("asked {} for a new key", node)}));
  return commit(std::move(transaction));
}

Result<std::vector<std::string>> Controller::rotating() {
  RADIAL_ASSIGN(const auto under_way, store_.rotations());
  std::vector<std::string> names;
  for (const auto& one : under_way) names.push_back(one.node);
  return names;
}

Result<std::vector<std::string>> Controller::joined_sites() {
  RADIAL_ASSIGN(const auto with_secret, store_.nodes_with_secret());
  std::vector<std::string> names;
  for (const auto& site : fabric_.sites)
    if (has_key(site.name) && with_secret.contains(site.name)) names.push_back(site.name);
  return names;
}

// A hub that was revoked itself, or left the fabric, reports no more; nobody is waited for there.
Result<std::vector<PendingRevocation>> Controller::pending_revocations() {
  RADIAL_ASSIGN(auto pending, store_.pending_revocations());
  std::erase_if(pending, [&](const auto& one) {
    return fabric_.find_hub(one.hub) == nullptr || !has_key(one.hub);
  });
  return pending;
}

Result<std::set<std::string>> Controller::without_agent() {
  RADIAL_ASSIGN(const auto with_secret, store_.nodes_with_secret());
  std::set<std::string> names;
  for (const auto& [name, facts] : facts_.nodes)
    if (facts.public_key && name != hub_ && !with_secret.contains(name)) names.insert(name);
  return names;
}

Result<bool> Controller::rotate_by_age(std::int64_t now) {
  if (fabric_.rotate_days == 0) return false;
  RADIAL_ASSIGN(const auto under_way, store_.rotations());
  // One after another: the network is never all in motion. A site that is away is not, and holds nobody up.
  const auto in_contact = [&](const std::string& site) {
    const auto said = said_.find(site);
    return said != said_.end() && now - said->second.at < in_contact_for;
  };
  std::set<std::string> asked;
  for (const auto& one : under_way) {
    if (in_contact(one.node)) return false;
    asked.insert(one.node);
  }
  RADIAL_ASSIGN(const auto ages, store_.key_ages());
  for (const auto& site : fabric_.sites) {
    if (!has_key(site.name) || asked.contains(site.name) || !in_contact(site.name)) continue;
    const auto since = ages.find(site.name);
    if (since == ages.end()) {  // joined under an older Radial
      RADIAL_ASSIGN(auto transaction, store_.begin());
      RADIAL_TRY(store_.set_key_age(site.name, now));
      RADIAL_TRY(commit(std::move(transaction)));
      continue;
    }
    if (now - since->second < fabric_.rotate_days * seconds_a_day) continue;
    RADIAL_TRY(rotate(site.name, "controller", now));
    return true;
  }
  return false;
}

Status Controller::offer_key(const std::string& node, const PublicKey& key, std::int64_t now) {
  RADIAL_ASSIGN(auto under_way, store_.rotations());
  const auto found = std::find_if(under_way.begin(), under_way.end(), [&](const auto& one) { return one.node == node; });
  if (found == under_way.end()) return fail(Errc::conflict, "{} was not asked for a new key", node);
  if (key.is_zero()) return fail(Errc::invalid_argument, "the public key is missing");
  if (found->next == key) return {};
  RADIAL_TRY(is_nobodys(key));
  RADIAL_ASSIGN(auto transaction, store_.begin());
  found->next = key;
  RADIAL_TRY(store_.set_rotation(*found));
  RADIAL_TRY(store_.audit({now, node, fmt::format("made the key {}", key)}));
  return commit(std::move(transaction));
}

Result<RotationStep> Controller::rotation_step(const std::string& node) {
  RADIAL_ASSIGN(const auto under_way, store_.rotations());
  for (const auto& one : under_way) {
    if (one.node != node) continue;
    if (!one.next) return RotationStep::make_key;
    RADIAL_ASSIGN(const auto behind, hubs_behind(node));
    return behind.empty() ? RotationStep::switch_key : RotationStep::wait;
  }
  return RotationStep::none;
}

Result<bool> Controller::report(const std::string& node, const Report& report, std::int64_t now) {
  const auto known = facts_.nodes.find(node);
  if (known == facts_.nodes.end() || !known->second.public_key) return fail(Errc::not_found, "{} has not joined", node);
  auto facts = known->second;
  if (report.frr) facts.frr = report.frr;
  if (!report.wireguard.empty() && report.wireguard.size() <= 64) facts.wireguard = one_line(report.wireguard);
  // It spoke to us through a wire that has the new key: the old one is done with.
  const bool rotated = facts.next_key && report.key == *facts.next_key;
  if (rotated) facts.public_key = std::exchange(facts.next_key, std::nullopt);
  const bool changed = facts != known->second;
  if (changed) {
    RADIAL_ASSIGN(auto transaction, store_.begin());
    if (rotated) {
      RADIAL_TRY(store_.end_rotation(node));
      RADIAL_TRY(store_.set_key_age(node, now));
      RADIAL_TRY(store_.audit({now, node, fmt::format("uses the key {}", *facts.public_key)}));
    }
    RADIAL_TRY(store_.set_node(node, facts));
    RADIAL_TRY(commit(std::move(transaction)));
  }
  auto& said = said_[node];
  said.at = now;
  said.radial = one_line(report.radial);
  RADIAL_TRY(note_applied(node, report.applied));
  RADIAL_TRY(note_held_back(node, report.held_back, now));
  RADIAL_TRY(note_findings(node, report.findings, now));
  return changed;
}

Status Controller::applied_here(const std::string& digest) { return note_applied(hub_, digest); }

Status Controller::note_applied(const std::string& node, const std::string& digest) {
  said_[node].applied = digest.substr(0, 64);
  RADIAL_ASSIGN(const auto pending, store_.pending_revocations());
  if (std::none_of(pending.begin(), pending.end(), [&](const auto& one) { return one.hub == node; })) return {};
  RADIAL_ASSIGN(const bool newest, runs_newest(node));
  return newest ? store_.end_pending_revocations(node) : Status();
}

// A node may say it again to a controller that was restarted: that is no news.
Status Controller::note_held_back(const std::string& node, std::int64_t revision, std::int64_t now) {
  auto& said = said_[node];
  const bool news = said.held_back.value_or(0) != revision && (said.held_back || revision != 0);
  said.held_back = revision;
  if (!news) return {};
  if (revision == 0) return store_.audit({now, node, "holds no revision back any longer"});
  const auto what = fmt::format("holds revision {} back: it did not reach the controller with it", revision);
  RADIAL_ASSIGN(const auto lines, store_.audit_log(lines_looked_at));
  const auto last = std::find_if(lines.begin(), lines.end(), [&](const auto& line) { return line.who == node; });
  return last != lines.end() && last->what == what ? Status() : store_.audit({now, node, what});
}

Status Controller::tell(Quota& quota, int most, const AuditLine& line, std::string_view over) {
  if (line.at - quota.since >= quota_period) quota = {line.at, 0};
  if (++quota.lines > most) return {};
  return store_.audit(quota.lines < most ? line : AuditLine{line.at, line.who, std::string(over)});
}

Status Controller::serves(const std::string& hub, const ServedSites& served, std::int64_t now) {
  if (fabric_.find_hub(hub) == nullptr) return fail(Errc::permission_denied, "{} is no hub", hub);
  auto& said = said_[hub];
  if (!said.served) { RADIAL_ASSIGN(said.served, store_.served(hub)); }
  if (served == *said.served) return {};
  const auto before = *said.served;
  RADIAL_ASSIGN(auto transaction, store_.begin());
  RADIAL_TRY(store_.set_served(hub, served));
  const auto most = served_quota + served_quota_of_a_site * static_cast<int>(fabric_.sites.size());
  const auto tell_less = [&](std::string_view what, const ServedSites& from, const ServedSites& without) -> Status {
    for (const auto& [site, prefixes] : from) {
      const auto text = first_few(less(prefixes, without, site));
      if (!text.empty())
        RADIAL_TRY(tell(said.served_quota, most, {now, hub, fmt::format("{} {}, announced by {}", what, text, site)},
                        "serves more changes of what sites announce than are written in an hour: see 'radial routes' there"));
    }
    return {};
  };
  RADIAL_TRY(tell_less("serves no longer", before, served));
  RADIAL_TRY(tell_less("serves", served, before));
  RADIAL_TRY(transaction.commit());
  said.served = served;
  return {};
}

// Once for each change, and never more than the quota.
Status Controller::note_findings(const std::string& node, std::vector<std::string> findings, std::int64_t now) {
  if (fabric_.find_hub(node) == nullptr) return {};
  findings.resize(std::min(findings.size(), most_findings));
  for (auto& one : findings) one = one_line(std::move(one));
  auto& said = said_[node];
  if (findings == said.findings && said.told_findings) return {};
  auto before = said.findings;
  if (!std::exchange(said.told_findings, true)) {  // the first report since we started: what was told, stands in the log
    RADIAL_ASSIGN(const auto lines, store_.audit_log(lines_looked_at));
    std::vector<std::string> ended;
    for (const auto& line : lines) {
      if (line.who != node) continue;
      if (line.what.starts_with(ended_mark)) ended.push_back(line.what.substr(ended_mark.size()));
      else if (has(findings, line.what) && !has(ended, line.what)) before.push_back(line.what);
    }
  }
  const auto tell_one = [&](std::string what) {
    return tell(said.findings_quota, findings_quota, {now, node, std::move(what)},
                "has more findings than are written in an hour: see 'radial status' there");
  };
  for (const auto& one : findings)
    if (!has(before, one)) RADIAL_TRY(tell_one(one));
  for (const auto& one : before)
    if (!has(findings, one)) RADIAL_TRY(tell_one(fmt::format("{}{}", ended_mark, one)));
  said.findings = std::move(findings);
  return {};
}

Result<std::vector<Member>> Controller::members() {
  RADIAL_ASSIGN(const auto ages, store_.key_ages());
  RADIAL_ASSIGN(const auto without, without_agent());
  std::vector<Member> all;
  const auto add = [&](const std::string& name, bool hub) -> Status {
    Member one;
    one.name = name;
    one.hub = hub;
    one.agent = !without.contains(name);
    if (const auto facts = facts_.nodes.find(name); facts != facts_.nodes.end()) {
      one.key = facts->second.public_key;
      one.frr = facts->second.frr;
      one.wireguard = facts->second.wireguard;
    }
    if (const auto age = ages.find(name); age != ages.end() && one.key) one.key_since = age->second;
    const auto said = said_.find(name);
    if (said != said_.end() && said->second.at != 0) one.seen = said->second.at;
    if (one.key) {
      RADIAL_ASSIGN(one.current, runs_newest(name));
      if (said != said_.end()) {
        one.held_back = said->second.held_back.value_or(0);
        one.radial = said->second.radial;
      }
      RADIAL_ASSIGN(const auto step, rotation_step(name));
      if (step != RotationStep::none) one.rotation = step;
      if (step == RotationStep::wait) { RADIAL_ASSIGN(one.awaited, hubs_behind(name)); }
    }
    all.push_back(std::move(one));
    return {};
  };
  for (const auto& hub : fabric_.hubs) RADIAL_TRY(add(hub.name, true));
  for (const auto& site : fabric_.sites) RADIAL_TRY(add(site.name, false));
  return all;
}

}  // namespace radial::control
