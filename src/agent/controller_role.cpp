#include "agent/controller_role.h"

#include <algorithm>
#include <ctime>

#include "base/file.h"
#include "base/log.h"
#include "control/fabric_edit.h"
#include "control/messages.h"
#include "fabric/strict_json.h"

namespace radial::agent {
namespace {

using Json = nlohmann::ordered_json;

std::int64_t now() { return std::time(nullptr); }

// Who asks, for the audit log: on the UNIX socket only root changes things.
std::string author_of(const Request& request) { return request.uid == 0 ? "root" : fmt::format("uid {}", request.uid); }

std::string written(const Json& json) { return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n"; }

Response failed(const Error& error) {
  int status = 500;
  switch (error.code) {
    case Errc::invalid_argument: status = 400; break;
    case Errc::permission_denied: status = 403; break;
    case Errc::not_found: status = 404; break;
    case Errc::conflict:
    case Errc::already_exists: status = 409; break;
    default: break;
  }
  return {status, written({{"error", error.message}})};
}

Result<std::vector<std::string>> words(const nlohmann::json& json, const char* key) {
  std::vector<std::string> result;
  if (!json.contains(key)) return result;
  if (!json[key].is_array()) return fail(Errc::invalid_argument, "'{}' is no list", key);
  for (const auto& word : json[key]) {
    if (!word.is_string()) return fail(Errc::invalid_argument, "'{}' holds something that is no text", key);
    result.push_back(word.get<std::string>());
  }
  return result;
}

Result<std::string> site_of(const nlohmann::json& json) {
  if (!json.is_object() || !json.contains("site") || !json["site"].is_string())
    return fail(Errc::invalid_argument, "the request names no site");
  return json["site"].get<std::string>();
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
  return {};
}

void ControllerRole::after_change() {
  waiting_ = true;
  // The store has it; a working copy that cannot be written is no reason to
  // tell the operator that nothing happened.
  if (auto copied = write_working_copy(); !copied) spdlog::error("{}", copied.error().message);
  changed_();
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
  RADIAL_ASSIGN(quarantine.guests, controller_.guests());
  std::sort(quarantine.guests.begin(), quarantine.guests.end(), [](const auto& a, const auto& b) { return a.address < b.address; });
  return quarantine;
}

Result<Keyring> ControllerRole::keyring() {
  Keyring keyring;
  RADIAL_ASSIGN(keyring.preshared, controller_.preshared_keys());
  return keyring;
}

void ControllerRole::step(host::WireGuard& wireguard) {
  if (!waiting_) return;
  const auto expired = controller_.expire(now());
  if (!expired) return spdlog::error("{}", expired.error().message);
  if (*expired) changed_();
  const auto all = controller_.invitations();
  if (!all) return spdlog::error("{}", all.error().message);
  waiting_ = std::any_of(all->begin(), all->end(), [](const auto& one) { return one.live(); });
  if (std::none_of(all->begin(), all->end(), [](const auto& one) { return one.state == control::InvitationState::claimed; })) return;
  const auto wire = wireguard.observe(controller_.fabric().interface);
  if (!wire) return;
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

std::optional<Response> ControllerRole::handle(const Request& request) {
  if (request.method == "GET") {
    if (request.path == "/v1/invitations") return invitations();
    if (request.path == "/v1/log") return log();
    if (request.path == "/v1/revisions") return revisions();
    if (request.path == "/v1/change") return changes_.status();
    if (request.path == "/v1/fabric") return {{200, written({{"revision", controller_.revision()}, {"fabric", controller_.fabric_text()}})}};
    return std::nullopt;
  }
  if (request.method != "POST" || request.uid != 0) return std::nullopt;
  if (request.path == "/v1/invitations") return invite(request);
  if (request.path == "/v1/invitations/withdraw")
    return named(request, [&](const std::string& site) { return controller_.withdraw(site, author_of(request), now()); });
  if (request.path == "/v1/revoke")
    return named(request, [&](const std::string& site) { return controller_.revoke(site, author_of(request), now()); });
  if (request.path == "/v1/rollback") return roll_back(request);
  if (request.path == "/v1/confirm") return confirm(request);
  return std::nullopt;
}

Response ControllerRole::invite(const Request& request) {
  const auto json = parse_strict_json(request.body, {64U << 10U, 4});
  if (!json) return failed(json.error());
  control::InviteRequest wish;
  auto site = site_of(*json);
  if (!site) return failed(site.error());
  wish.site = std::move(*site);
  auto lans = words(*json, "lans");
  auto grants = words(*json, "grants");
  if (!lans || !grants) return failed(lans ? grants.error() : lans.error());
  wish.lans = std::move(*lans);
  wish.grants = std::move(*grants);
  if (json->contains("seconds")) {
    const auto seconds = json_integer<std::int64_t>((*json)["seconds"], "seconds", 1);
    if (!seconds) return failed(seconds.error());
    wish.seconds = *seconds;
  }
  auto invited = controller_.invite(wish, author_of(request), now());
  if (!invited) return failed(invited.error());
  after_change();
  Response response{200, written({{"token", invited->token}, {"expires", invited->expires}})};
  wipe(invited->token);
  return response;
}

Response ControllerRole::invitations() {
  const auto all = controller_.invitations();
  if (!all) return failed(all.error());
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

Response ControllerRole::named(const Request& request, const std::function<Status(const std::string&)>& act) {
  const auto json = parse_strict_json(request.body, {4096, 4});
  if (!json) return failed(json.error());
  const auto site = site_of(*json);
  if (!site) return failed(site.error());
  if (const auto done = act(*site); !done) return failed(done.error());
  after_change();
  return {200, written({{"site", *site}})};
}

Response ControllerRole::log() {
  const auto lines = controller_.log(1000);
  if (!lines) return failed(lines.error());
  Json list = Json::array();
  for (const auto& line : *lines) list.push_back({{"at", line.at}, {"who", line.who}, {"what", line.what}});
  return {200, written({{"log", std::move(list)}})};
}

Response ControllerRole::revisions() {
  const auto all = controller_.revisions();
  if (!all) return failed(all.error());
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

Response ControllerRole::roll_back(const Request& request) {
  const auto json = parse_strict_json(request.body, {4096, 4});
  if (!json) return failed(json.error());
  std::optional<std::int64_t> to;
  if (json->is_object() && json->contains("revision")) {
    const auto number = json_integer<std::int64_t>((*json)["revision"], "revision", 1);
    if (!number) return failed(number.error());
    to = *number;
  }
  const auto revision = controller_.earlier(to);
  if (!revision) return failed(revision.error());
  control::RolloutOptions options;
  if (json->is_object() && json->contains("deadline")) {
    const auto seconds = json_integer<int>((*json)["deadline"], "deadline", 8, 3600);
    if (!seconds) return failed(seconds.error());
    options.seconds = *seconds;
  }
  auto begun = changes_.begin({revision->fabric, fmt::format("revision {}", revision->number), author_of(request),
                               fmt::format("rolled back to revision {}", revision->number), options});
  return begun ? std::move(*begun) : failed(begun.error());
}

Response ControllerRole::confirm(const Request& request) {
  auto confirmed = changes_.confirm(author_of(request));
  return confirmed ? std::move(*confirmed) : failed(confirmed.error());
}

Response ControllerRole::hear(const std::string& node, const Request& request) {
  auto heard = changes_.hear(node, request.body);
  return heard ? std::move(*heard) : failed(heard.error());
}

// Inside the tunnel: a guest may join, a node may ask for its own. Whatever
// else is asked gets one answer.
Response ControllerRole::answer_node(const Request& request) {
  if (!request.from) return failed({Errc::permission_denied, "no source address", 0});
  if (request.method == "POST" && request.path == "/v1/join") return join(request);
  const auto node = controller_.authenticate(
      *request.from, control::signed_message(request.method, request.path, request.body), request.signature);
  if (!node) return failed(node.error());
  if (request.method == "GET" && request.path == "/v1/node") {
    const auto bundle = controller_.bundle_for(*node);
    if (!bundle) return failed(bundle.error());
    return {200, control::to_json(*bundle)};
  }
  if (request.method == "POST" && request.path == "/v1/node/report") return hear(*node, request);
  return failed({Errc::not_found, "no such resource", 0});
}

Response ControllerRole::join(const Request& request) {
  const auto wish = control::join_request_from_json(request.body);
  if (!wish) return failed(wish.error());
  const auto bundle = controller_.join(*wish, *request.from, now());
  if (!bundle) {
    spdlog::warn("a join from {} was refused: {}", *request.from, bundle.error().message);
    return failed(bundle.error());
  }
  spdlog::info("{} joins with the key {}", wish->site, wish->public_key);
  after_change();
  return {200, control::to_json(*bundle)};
}

}  // namespace radial::agent
