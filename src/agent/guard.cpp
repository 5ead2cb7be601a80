#include "agent/guard.h"

#include <algorithm>

#include <nlohmann/json.hpp>

#include "agent/kept_twice.h"
#include "base/log.h"
#include "base/utc.h"
#include "compile/cut_off.h"
#include "host/frr_lsdb.h"

namespace radial::agent {
namespace {

using Json = nlohmann::ordered_json;
using namespace std::chrono_literals;

constexpr int format_version = 1;
constexpr auto audit_interval = 5s;
constexpr int audit_share = 50;  // a large database is looked at less often: at most a fiftieth of the time

Result<CutOffs> load_one(const std::filesystem::path& file) {
  auto text = read_file(file);
  if (!text) {
    if (text.error().sys_errno == ENOENT) return CutOffs{};
    return forward_error(std::move(text.error()));
  }
  try {
    const auto json = Json::parse(*text);
    if (json.at("version") != format_version)
      return fail(Errc::unsupported, "{} was written by another version of Radial", file.string());
    CutOffs cut_offs;
    for (const auto& [site, entry] : json.at("sites").items())
      cut_offs[site] = {entry.at("what").get<std::string>(), entry.at("since").get<std::string>()};
    return cut_offs;
  } catch (const std::exception& error) {
    return fail(Errc::protocol, "{} is damaged ({}): it names the sites that were cut off from routing; remove it to let all of them back",
                file.string(), error.what());
  }
}

}  // namespace

Result<CutOffs> load_cut_offs(const std::filesystem::path& file) { return load_either(file, load_one); }

Status save_cut_offs(const std::filesystem::path& file, const CutOffs& cut_offs) {
  auto sites = Json::object();
  for (const auto& [site, cut] : cut_offs) sites[site] = {{"what", cut.what}, {"since", cut.since}};
  const Json json{{"version", format_version}, {"sites", std::move(sites)}};
  return write_twice(file, json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n", 0600);
}

Guard::Guard(host::Frr& frr, const Paths& paths, std::vector<host::OspfListener> listeners, CutOffs cut_offs)
    : frr_(frr), paths_(paths), cut_offs_(std::move(cut_offs)) {
  for (auto& listener : listeners) {
    const auto version = listener.version();
    ears_.push_back({.listener = std::move(listener), .judge = observe::LsaJudge(version)});
  }
}

void Guard::configure(const NodeConfig& config) {
  for (auto& ear : ears_) ear.judge.configure(config);
  refused_.configure(config);
  note_refused();
}

std::vector<int> Guard::fds() const {
  std::vector<int> fds;
  for (const auto& ear : ears_) fds.push_back(ear.listener.fd());
  return fds;
}

bool Guard::act(const std::vector<observe::Offence>& offences) {
  bool any = false;
  for (const auto& offence : offences) {
    if (cut_offs_.contains(offence.site)) continue;
    spdlog::error("{} {}: cut off from routing; 'radial readmit {}' lets it back", offence.site, offence.what, offence.site);
    cut_offs_[offence.site] = {offence.what, utc_now()};
    any = true;
  }
  if (any) note_refused();
  if (any)
    if (auto saved = save_cut_offs(paths_.cut_offs(), cut_offs_); !saved) spdlog::error("{}", saved.error().message);
  return any;
}

bool Guard::act_at(observe::OspfTime now, const std::vector<observe::Offence>& offences) {
  if (now >= turmoil_until_) return act(offences);
  for (const auto& offence : offences) {
    spdlog::info("{} {}: let pass, as the fabric is being changed", offence.site, offence.what);
    forget(offence.site);
  }
  return false;
}

void Guard::forget(const std::string& site) {
  for (auto& ear : ears_) ear.judge.forget(site);
}

bool Guard::hear(observe::OspfTime now, Ear& ear) {
  const auto heard = ear.listener.drain();
  mtus_.hear(heard);
  return ear.judge.at_work() && act_at(now, ear.judge.hear(now, heard));
}

bool Guard::hear(observe::OspfTime now) {
  bool acted = false;
  for (auto& ear : ears_) acted |= hear(now, ear);
  return acted;
}

std::vector<Guard::Question> Guard::questions(observe::OspfTime now) const {
  std::vector<Question> all;
  for (const auto& ear : ears_)
    for (auto& [hub, lsas] : ear.judge.questions(now)) all.push_back({hub, {ear.listener.version(), false, std::move(lsas)}});
  return all;
}

HubMessage Guard::answer(const HubMessage& question) const {
  HubMessage message{question.ospf, true, {}};
  for (const auto& ear : ears_)
    if (ear.listener.version() == question.ospf)
      for (const auto& one : question.lsas) message.lsas.push_back(ear.judge.answer(one));
  return message;
}

bool Guard::answered(observe::OspfTime now, const IpAddress& hub, const HubMessage& answer) {
  bool acted = false;
  for (auto& ear : ears_)
    if (ear.listener.version() == answer.ospf)
      for (const auto& one : answer.lsas) acted |= act_at(now, ear.judge.answered(hub, one));
  return acted;
}

bool Guard::tick(observe::OspfTime now, Ear& ear) {
  auto& judge = ear.judge;
  const auto version = ear.listener.version();
  if (const auto incarnation = frr_.incarnation(version == host::OspfVersion::v3 ? "ospf6d" : "ospfd");
      incarnation && incarnation != ear.incarnation) {
    ear.incarnation = incarnation;
    judge.we_restarted(now);
  }
  if (judge.wonders_what_we_said())
    if (const auto own = host::read_own_lsas(frr_, version)) judge.we_said(now, *own);
  bool acted = act_at(now, judge.tick(now));
  if (now < ear.next_audit) return acted;
  const auto began = std::chrono::steady_clock::now();
  const auto database = host::read_ospf_database(frr_, version);
  if (database) acted |= act_at(now, judge.audit(*database));
  note_refused();
  ear.next_audit = now + std::max<observe::OspfTime::duration>(audit_interval,
                                                               (std::chrono::steady_clock::now() - began) * audit_share);
  return acted;
}

bool Guard::tick(observe::OspfTime now) {
  bool acted = false;
  for (auto& ear : ears_)
    if (ear.judge.at_work()) acted |= tick(now, ear);
  return acted;
}

void Guard::note_refused() {
  std::map<std::string, observe::RefusedOfSite> refused;
  for (const auto& ear : ears_) {
    for (const auto& one : ear.judge.refused()) {
      if (cut_offs_.contains(one.site)) continue;
      auto& prefixes = refused[one.site].prefixes;
      // By prefix first: one that two kinds of LSA announce is one.
      if (prefixes.empty() || prefixes.back() != one.prefix) prefixes.push_back(one.prefix);
    }
  }
  refused_.update(std::move(refused));
}

std::set<std::string> Guard::names() const {
  std::set<std::string> names;
  for (const auto& [site, cut] : cut_offs_) names.insert(site);
  return names;
}

NodeConfig Guard::guarded(NodeConfig config) const {
  return cut_offs_.empty() ? std::move(config) : without_routing(std::move(config), names());
}

bool Guard::is_neighbor(const std::string& site, const std::vector<Router>& routers) {
  const auto* router = find_router(routers, site);
  if (router == nullptr) return false;
  // A daemon that does not answer, or does not run here, has no neighbours.
  const auto among = [&](const auto& neighbors) {
    return neighbors && std::any_of(neighbors->begin(), neighbors->end(), [&](const auto& one) { return one.router_id == router->id; });
  };
  return among(frr_.ospf_neighbors()) || among(frr_.ospf6_neighbors());
}

Status Guard::readmit(const std::string& site, const std::vector<Router>& routers) {
  auto left = cut_offs_;
  if (left.erase(site) == 0) return fail(Errc::not_found, "{} is not cut off", site);
  if (is_neighbor(site, routers))
    return fail(Errc::unavailable, "{} was cut off just now, and OSPF has not let go of it yet: try again when the dead interval is over", site);
  RADIAL_TRY(save_cut_offs(paths_.cut_offs(), left));
  cut_offs_ = std::move(left);
  forget(site);
  return {};
}

std::vector<observe::Finding> Guard::findings() const {
  std::vector<observe::Finding> findings;
  for (const auto& [site, cut] : cut_offs_)
    findings.push_back({observe::Severity::broken, fmt::format("site {}", site),
                        fmt::format("is cut off from routing since {}: it {}", cut.since, cut.what),
                        "somebody else than its operator runs it; or its FRR was set up to do this",
                        fmt::format("look at the site first; then, here: radial readmit {}", site)});
  for (auto& finding : refused_.findings("here and at every node")) findings.push_back(std::move(finding));
  return findings;
}

}  // namespace radial::agent
