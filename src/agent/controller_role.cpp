#include "agent/controller_role.h"

#include <algorithm>
#include <ctime>

#include "base/file.h"
#include "base/log.h"
#include "control/fabric_edit.h"
#include "control/messages.h"

namespace radial::agent {
namespace {

using Json = nlohmann::ordered_json;
using namespace std::chrono_literals;

constexpr std::int64_t ages_interval = 10;  // seconds between looks at the keys' ages

std::int64_t now() { return std::time(nullptr); }

std::vector<std::string> words(const nlohmann::json& json, const char* key) {
  return json.value(key, std::vector<std::string>());
}

}  // namespace

ControllerRole::ControllerRole(const Paths& paths, std::string node, control::Controller controller, std::function<void()> changed)
    : paths_(paths),
      node_(std::move(node)),
      controller_(std::move(controller)),
      changed_(std::move(changed)),
      changes_(controller_, node_, [this] { after_change(); }) {}

Result<std::unique_ptr<ControllerRole>> ControllerRole::open(const Paths& paths, const std::string& node,
                                                             std::function<void()> changed) {
  auto controller = control::Controller::open(paths.controller_store(), node);
  if (!controller) {
    if (controller.error().code == Errc::not_found && !std::filesystem::exists(paths.controller_store()))
      return std::unique_ptr<ControllerRole>();
    return forward_error(std::move(controller.error()));
  }
  auto role = std::unique_ptr<ControllerRole>(new ControllerRole(paths, node, std::move(*controller), std::move(changed)));
  // A crash between a revision and its working copy leaves an older one of
  // ours. Anything else is an operator's edit that is not applied yet.
  const auto copy = read_file(paths.fabric(), 4U << 20U);
  if (!copy) RADIAL_TRY(role->write_working_copy());
  else if (*copy != role->fabric_text()) {
    RADIAL_ASSIGN(const auto all, role->controller_.revisions());
    // The text before the newest revision is enough: one is written at a time.
    if (all.size() > 1) {
      const auto newest = control::line_diff(*copy, role->fabric_text());
      if (newest == all.front().diff) RADIAL_TRY(role->write_working_copy());
      else spdlog::warn("{} differs from revision {}: 'radial apply' makes it a new one", paths.fabric().string(), role->controller_.revision());
    }
  }
  role->waiting_ = true;
  return role;
}

Status ControllerRole::write_working_copy() {
  RADIAL_TRY(write_file_atomically(paths_.fabric(), controller_.fabric_text(), 0644));
  return write_file_atomically(paths_.facts(), controller_.facts().to_json(), 0644);
}

Status ControllerRole::serve(boost::asio::io_context& loop) {
  RADIAL_ASSIGN(const auto place, quarantine());
  RADIAL_ASSIGN(server_, HttpServer::listen(loop, place.controller, place.port,
                                            [this](const Request& request) { return answer_node(request); }));
  tell_timer_ = std::make_unique<boost::asio::steady_timer>(loop);
  poker_ = std::make_unique<Poker>(loop);
  if (const auto opened = poker_->open(place.controller, poke_port); !opened)
    spdlog::warn("{}: nodes learn of changes when they ask, every 5 s", opened.error().message);
  return {};
}

// Hubs first: a revoked site is cut off at them. Again to those that did not
// ask, as a datagram may be lost.
void ControllerRole::tell_nodes(int round) {
  constexpr std::array<std::chrono::milliseconds, 3> pauses{100ms, 200ms, 400ms};
  if (!poker_) return;
  std::deque<IpAddress> waiting;
  for (const bool hub : {true, false})
    for (const auto& [name, place] : places_)
      if (place.hub == hub && !place.told) waiting.push_back(place.address);
  if (waiting.empty()) return;
  poker_->poke(std::move(waiting));
  if (round >= static_cast<int>(pauses.size())) return;
  tell_timer_->expires_after(pauses[static_cast<std::size_t>(round)]);
  tell_timer_->async_wait([this, round](const boost::system::error_code& error) {
    if (!error) tell_nodes(round + 1);
  });
}

// A hub runs another configuration now: sites may have waited for that.
void ControllerRole::tell_rotating() {
  const auto rotating = controller_.rotating();
  if (!rotating || !poker_) return;
  std::deque<IpAddress> waiting;
  for (const auto& name : *rotating)
    if (const auto place = places_.find(name); place != places_.end()) waiting.push_back(place->second.address);
  if (!waiting.empty()) poker_->poke(std::move(waiting));
}

Result<Response> ControllerRole::begin_change(const ChangeRole::Wish& wish) {
  auto begun = changes_.begin(wish);
  if (!begun || !poker_) return begun;
  std::deque<IpAddress> all;
  for (const auto& [name, place] : places_) all.push_back(place.address);
  poker_->poke(std::move(all));
  return begun;
}

void ControllerRole::after_change() {
  waiting_ = true;
  // The store has it; a working copy that cannot be written is no reason to
  // tell the operator that nothing happened.
  if (auto copied = write_working_copy(); !copied) spdlog::error("{}", copied.error().message);
  changed_();
  for (auto& [name, place] : places_) place.told = false;
  tell_nodes(0);
}

Result<FabricFacts> ControllerRole::facts_for(const std::string& fabric_yaml, std::string_view file_name) {
  RADIAL_ASSIGN(const auto fabric, control::parse_or_fail(fabric_yaml, file_name));
  return controller_.facts_for(fabric);
}

Status ControllerRole::set_fabric(const std::string& fabric_yaml, const std::string& author) {
  RADIAL_ASSIGN(const auto number, controller_.set_fabric(fabric_yaml, author, "radial apply", now()));
  spdlog::info("revision {}", number);
  return write_working_copy();
}

Result<Quarantine> ControllerRole::quarantine() {
  Quarantine quarantine;
  quarantine.interface = controller_.fabric().interface;
  const auto& book = controller_.facts().addresses;
  const auto own = book.find({node_, node_});
  if (own == book.end()) return fail(Errc::internal, "no tunnel address is planned for {}", node_);
  quarantine.controller = own->second;
  quarantine.port = control::controller_port;
  RADIAL_ASSIGN(const auto own_config, config());
  for (const auto& wire : own_config.wires)
    if (wire.shape == WireShape::point_to_point) quarantine.hub_wires.push_back(wire.interface);
  RADIAL_ASSIGN(quarantine.guests, controller_.guests());
  std::sort(quarantine.guests.begin(), quarantine.guests.end(), [](const auto& a, const auto& b) { return a.address < b.address; });
  return quarantine;
}

Result<Keyring> ControllerRole::keyring() {
  Keyring keyring;
  RADIAL_ASSIGN(keyring.preshared, controller_.preshared_keys());
  return keyring;
}

void ControllerRole::heard_from_self(const control::Report& report, const std::optional<control::ServedSites>& served) {
  if (served)
    if (const auto noted = controller_.serves(node_, *served, now()); !noted) spdlog::error("{}", noted.error().message);
  const auto changed = controller_.report(node_, report, now());
  if (!changed) return spdlog::error("{}", changed.error().message);
  if (*changed) after_change();
  if (std::exchange(applied_[node_], report.applied) != report.applied) tell_rotating();
}

void ControllerRole::step(host::WireGuard& wireguard) {
  if (const auto time = now(); time - looked_at_ages_ >= ages_interval) {
    looked_at_ages_ = time;
    const auto asked = controller_.rotate_by_age(time);
    if (!asked) spdlog::error("{}", asked.error().message);
    else if (*asked) after_change();
  }
  if (!waiting_) return;
  const auto expired = controller_.expire(now());
  if (!expired) return spdlog::error("{}", expired.error().message);
  if (*expired) changed_();
  const auto all = controller_.invitations();
  if (!all) return spdlog::error("{}", all.error().message);
  waiting_ = std::any_of(all->begin(), all->end(), [](const auto& one) { return one.live(); });
  if (std::none_of(all->begin(), all->end(), [](const auto& one) { return one.state == control::InvitationState::claimed; })) return;
  const auto own = config();
  if (!own) return;
  for (const auto& each : own->wires) {
    const auto wire = wireguard.observe(each.interface);
    if (!wire) continue;
    for (const auto& peer : wire->peers) {
      if (!peer.last_handshake) continue;
      const auto arrived = controller_.arrived(peer.public_key, now());
      if (!arrived) return spdlog::error("{}", arrived.error().message);
      if (*arrived) {
        spdlog::info("a node joined with the key {}", peer.public_key);
        changed_();
      }
    }
  }
}

// The tables are data, so that tests can hold docs/openapi.json against them.
struct ControllerRole::Tables {
  using Row = ServedRoute<ControllerRole>;
  static constexpr auto where = Where::controller;
  static constexpr std::array socket = {
      Row{{"GET", "/v1/change", where, Caller::reader}, &ControllerRole::change},
      Row{{"POST", "/v1/confirm", where, Caller::root}, &ControllerRole::confirm},
      Row{{"GET", "/v1/fabric", where, Caller::reader}, &ControllerRole::fabric},
      Row{{"GET", "/v1/invitations", where, Caller::reader}, &ControllerRole::invitations},
      Row{{"POST", "/v1/invitations", where, Caller::root}, &ControllerRole::invite},
      Row{{"POST", "/v1/invitations/withdraw", where, Caller::root}, &ControllerRole::withdraw},
      Row{{"GET", "/v1/log", where, Caller::reader}, &ControllerRole::log},
      Row{{"GET", "/v1/members", where, Caller::reader}, &ControllerRole::members},
      Row{{"POST", "/v1/preshared", where, Caller::root}, &ControllerRole::preshared},
      Row{{"GET", "/v1/revisions", where, Caller::reader}, &ControllerRole::revisions},
      Row{{"POST", "/v1/revoke", where, Caller::root}, &ControllerRole::revoke},
      Row{{"POST", "/v1/rollback", where, Caller::root}, &ControllerRole::roll_back},
      Row{{"POST", "/v1/rotate", where, Caller::root}, &ControllerRole::rotate},
  };

  static constexpr Route guest = {"POST", "/v1/join", Where::tunnel, Caller::guest};
  struct NodeRow {
    Route route;
    Response (ControllerRole::*answer)(const std::string& node, const Request& request);
  };
  static constexpr std::array tunnel = {
      NodeRow{{"GET", "/v1/node", Where::tunnel, Caller::node}, &ControllerRole::node},
      NodeRow{{"POST", "/v1/node", Where::tunnel, Caller::node}, &ControllerRole::report},
      NodeRow{{"POST", "/v1/node/key", Where::tunnel, Caller::node}, &ControllerRole::next_key},
      NodeRow{{"POST", "/v1/node/report", Where::tunnel, Caller::node}, &ControllerRole::hear},
      NodeRow{{"POST", "/v1/node/served", Where::tunnel, Caller::node}, &ControllerRole::hear_served},
  };
};

std::vector<Route> ControllerRole::routes() {
  std::vector<Route> all{Tables::guest};
  list_routes(Tables::socket, all);
  list_routes(Tables::tunnel, all);
  return all;
}

bool ControllerRole::answers(std::string_view path) { return has_path(Tables::socket, path); }

Response ControllerRole::handle(const Request& request) { return answer_by(Tables::socket, *this, request); }

Response ControllerRole::change(const Request& /*request*/, const Body& /*body*/) { return changes_.status(); }

Response ControllerRole::fabric(const Request& /*request*/, const Body& /*body*/) {
  return {200, written({{"revision", controller_.revision()}, {"fabric", controller_.fabric_text()}})};
}

Response ControllerRole::invite(const Request& request, const Body& body) {
  control::InviteRequest wish;
  wish.site = body["site"].get<std::string>();
  wish.lans = words(body, "lans");
  wish.grants = words(body, "grants");
  wish.endpoints = words(body, "endpoints");
  wish.hub = body.value("hub", false);
  wish.seconds = body.value("seconds", wish.seconds);
  if (const auto given = body.find("public_key"); given != body.end()) {
    const auto key = PublicKey::parse(given->get_ref<const std::string&>());
    if (!key) return refusal(400, "'public_key' is not a WireGuard public key (32 bytes in base64)");
    if (const auto taken = controller_.take_in(wish, *key, request.author(), now()); !taken) return refusal(taken.error());
    after_change();
    return {200, written({{"public_key", key->to_string()}})};
  }
  auto invited = controller_.invite(wish, request.author(), now());
  if (!invited) return refusal(invited.error());
  after_change();
  Response response{200, written({{"token", invited->token}, {"expires", invited->expires}})};
  wipe(invited->token);
  return response;
}

Response ControllerRole::invitations(const Request& /*request*/, const Body& /*body*/) {
  const auto all = controller_.invitations();
  if (!all) return refusal(all.error());
  Json list = Json::array();
  for (const auto& one : *all)
    list.push_back({{"site", one.node},
                    {"state", std::string(to_string(one.state))},
                    {"created", one.created},
                    {"expires", one.expires},
                    {"by", one.author},
                    {"key", one.claimed_by ? one.claimed_by->to_string() : ""}});
  return {200, written({{"invitations", std::move(list)}})};
}

Response ControllerRole::withdraw(const Request& request, const Body& body) {
  const auto site = body["site"].get<std::string>();
  return changed(site, controller_.withdraw(site, request.author(), now()));
}

Response ControllerRole::preshared(const Request& request, const Body& body) {
  const auto site = body["site"].get<std::string>();
  const bool names_only = body.value("names_only", false);
  const auto keys = names_only ? controller_.preshared_keys_of(site) : controller_.show_preshared_keys_of(site, request.author(), now());
  if (!keys) return refusal(keys.error());
  Json by_peer = Json::object();
  for (const auto& [peer, key] : *keys) by_peer[peer] = names_only ? std::string() : key.reveal_base64();
  Response response{200, written({{"site", site}, {"preshared", by_peer}})};
  for (auto& [peer, key] : by_peer.items()) wipe(key.get_ref<std::string&>());
  return response;
}

Response ControllerRole::revoke(const Request& request, const Body& body) {
  const auto site = body["site"].get<std::string>();
  return changed(site, controller_.revoke(site, request.author(), now()));
}

Response ControllerRole::changed(const std::string& site, const Status& done) {
  if (!done) return refusal(done.error());
  after_change();
  return {200, written({{"site", site}})};
}

Response ControllerRole::log(const Request& /*request*/, const Body& /*body*/) {
  const auto lines = controller_.log(1000);
  if (!lines) return refusal(lines.error());
  Json list = Json::array();
  for (const auto& line : *lines) list.push_back({{"at", line.at}, {"who", line.who}, {"what", line.what}});
  return {200, written({{"log", std::move(list)}})};
}

Response ControllerRole::revisions(const Request& /*request*/, const Body& /*body*/) {
  const auto all = controller_.revisions();
  if (!all) return refusal(all.error());
  Json list = Json::array();
  for (const auto& one : *all)
    list.push_back({{"revision", one.number},
                    {"at", one.at},
                    {"by", one.author},
                    {"reason", one.reason},
                    {"diff", one.diff},
                    {"state", std::string(to_string(one.state))},
                    {"why", one.why}});
  return {200, written({{"revisions", std::move(list)}})};
}

Response ControllerRole::roll_back(const Request& request, const Body& body) {
  std::optional<std::int64_t> to;
  if (body.contains("revision")) to = body["revision"].get<std::int64_t>();
  const auto revision = controller_.earlier(to);
  if (!revision) return refusal(revision.error());
  control::RolloutOptions options;
  options.seconds = body.value("deadline", options.seconds);
  auto begun = begin_change({revision->fabric, fmt::format("revision {}", revision->number), request.author(),
                             fmt::format("rolled back to revision {}", revision->number), options});
  return begun ? std::move(*begun) : refusal(begun.error());
}

Response ControllerRole::confirm(const Request& request, const Body& /*body*/) {
  auto confirmed = changes_.confirm(request.author());
  return confirmed ? std::move(*confirmed) : refusal(confirmed.error());
}

Response ControllerRole::hear(const std::string& node, const Request& request) {
  auto heard = changes_.hear(node, request.body);
  return heard ? std::move(*heard) : refusal(heard.error());
}

// Inside the tunnel: a guest may join, a node may ask for its own. Whatever
// else is asked gets one answer.
Response ControllerRole::answer_node(const Request& request) {
  if (!request.from) return refusal({Errc::permission_denied, "no source address", 0});
  if (request.method == Tables::guest.method && request.path == Tables::guest.path) return join(request);
  const auto node = controller_.authenticate(
      *request.from, control::signed_message(request.method, request.path, request.body), request.signature);
  if (!node) return refusal(node.error());
  const auto* row = find_row(Tables::tunnel, request);
  return row == nullptr ? refusal(404, "no such resource") : (this->*row->answer)(*node, request);
}

// The same, and it tells what it runs.
Response ControllerRole::report(const std::string& name, const Request& request) {
  const auto report = control::report_from_json(request.body);
  if (!report) return refusal(report.error());
  const auto changed = controller_.report(name, *report, now());
  if (!changed) return refusal(changed.error());
  if (*changed) after_change();
  if (controller_.fabric().find_hub(name) != nullptr && std::exchange(applied_[name], report->applied) != report->applied) tell_rotating();
  return answer(name, request, report->answer);
}

Response ControllerRole::hear_served(const std::string& name, const Request& request) {
  const auto served = control::served_from_json(request.body);
  if (!served) return refusal(served.error());
  if (const auto noted = controller_.serves(name, *served, now()); !noted) return refusal(noted.error());
  return {200, written({{"node", name}})};
}

Response ControllerRole::node(const std::string& name, const Request& request) { return answer(name, request, {}); }

Response ControllerRole::answer(const std::string& name, const Request& request, const std::string& has) {
  const bool hub = controller_.fabric().find_hub(name) != nullptr;
  places_[name] = {*request.from, hub, true};
  auto answer = controller_.answer_for(name, has);
  if (!answer) return refusal(answer.error());
  if (answer->rotation == control::RotationStep::switch_key) {
    // In a moment it speaks with another key: its hubs look out for it.
    if (switching_) switching_();
    std::deque<IpAddress> hubs;
    for (const auto& [other, place] : places_)
      if (place.hub) hubs.push_back(place.address);
    if (poker_) poker_->poke(std::move(hubs));
  }
  return {200, std::move(answer->text)};
}

Response ControllerRole::next_key(const std::string& name, const Request& request) {
  const auto key = control::key_from_json(request.body);
  if (!key) return refusal(key.error());
  if (const auto done = controller_.offer_key(name, *key, now()); !done) return refusal(done.error());
  after_change();
  return {200, written({{"node", name}})};
}

Response ControllerRole::rotate(const Request& request, const Body& body) {
  std::vector<std::string> sites;
  if (body.contains("site")) {
    sites.push_back(body["site"].get<std::string>());
  } else {
    auto joined = controller_.joined_sites();
    if (!joined) return refusal(joined.error());
    sites = std::move(*joined);
  }
  for (const auto& site : sites)
    if (const auto asked = controller_.rotate(site, request.author(), now()); !asked) return refusal(asked.error());
  after_change();
  return {200, written({{"sites", sites}})};
}

Response ControllerRole::members(const Request& /*request*/, const Body& /*body*/) {
  const auto all = controller_.members();
  if (!all) return refusal(all.error());
  Json nodes = Json::array();
  for (const auto& one : *all) {
    Json node{{"node", one.name}, {"role", one.hub ? "hub" : "site"}, {"joined", one.key.has_value()}};
    if (one.key) node["public_key"] = one.key->to_string();
    node["agent"] = one.agent;
    if (one.key_since) node["key_since"] = *one.key_since;
    if (one.seen) node["seen"] = *one.seen;
    node["current"] = one.current;
    if (one.held_back != 0) node["held_back"] = one.held_back;
    if (one.frr) node["frr"] = fmt::format("{}.{}", one.frr->major, one.frr->minor);
    if (!one.wireguard.empty()) node["wireguard"] = one.wireguard;
    if (!one.radial.empty()) node["radial"] = one.radial;
    if (one.rotation) node["rotation"] = std::string(control::to_string(*one.rotation));
    if (!one.awaited.empty()) node["awaited"] = one.awaited;
    nodes.push_back(std::move(node));
  }
  const auto pending = controller_.pending_revocations();
  if (!pending) return refusal(pending.error());
  Json revocations = Json::array();
  for (const auto& one : *pending)
    revocations.push_back({{"node", one.node}, {"public_key", one.key.to_string()}, {"hub", one.hub}, {"since", one.at}});
  return {200, written({{"members", std::move(nodes)}, {"revocations", std::move(revocations)}})};
}

Response ControllerRole::join(const Request& request) {
  const auto wish = control::join_request_from_json(request.body);
  if (!wish) return refusal(wish.error());
  const auto bundle = controller_.join(*wish, *request.from, now());
  if (!bundle) {
    spdlog::warn("a join from {} was refused: {}", *request.from, bundle.error().message);
    return refusal(bundle.error());
  }
  spdlog::info("{} joins with the key {}", wish->site, wish->public_key);
  after_change();
  return {200, control::to_json(*bundle)};
}

}  // namespace radial::agent
