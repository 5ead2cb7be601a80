#include "agent/setup.h"

#include <chrono>
#include <ctime>
#include <thread>

#include <boost/asio/ip/udp.hpp>
#include <nlohmann/json.hpp>
#include <unistd.h>

#include "agent/assignment.h"
#include "agent/author.h"
#include "agent/frr_service.h"
#include "agent/keyring.h"
#include "agent/machine.h"
#include "agent/peer_places.h"
#include "agent/quarantined_wire.h"
#include "agent/settings.h"
#include "agent/start_daemon.h"
#include "agent/tunnel_client.h"
#include "base/file.h"
#include "control/fabric_edit.h"
#include "control/messages.h"

namespace radial::agent {
namespace {

using namespace std::chrono_literals;

constexpr std::uint16_t default_port = 51820;
constexpr auto endpoint_patience = 12s;

Status need_root() {
  if (::geteuid() != 0) return fail(Errc::permission_denied, "needs root: it sets up WireGuard, FRR and files in /etc");
  return {};
}

Status make_folders(const Paths& paths) {
  RADIAL_TRY(make_directories(paths.config, 0755));
  return make_directories(paths.state, 0700);
}

// The key that is there (of a run that was interrupted, or an operator's), or a new one.
Result<PrivateKey> own_key(const Paths& paths) {
  if (!std::filesystem::exists(paths.private_key())) {
    auto text = PrivateKey::generate().reveal_base64() + "\n";
    auto written = write_file_atomically(paths.private_key(), text, 0600);
    wipe(text);
    RADIAL_TRY(std::move(written));
  }
  return load_private_key(paths.private_key());
}

Result<FrrVersion> frr_version() {
  host::Frr frr;
  RADIAL_ASSIGN(const auto text, frr.version());
  return FrrVersion::parse(text);
}

// What a fabric begins with.
struct Beginning {
  std::string hub;     // this machine
  std::string fabric;  // its name
  std::string yaml;
  FabricFacts facts;
};

Result<Beginning> new_fabric(const InitOptions& wish) {
  std::vector<std::string> endpoints;
  for (const auto& one : wish.endpoints) {
    RADIAL_ASSIGN(auto text, endpoint_text(one));
    endpoints.push_back(std::move(text));
  }
  return Beginning{wish.name, wish.fabric, control::first_fabric(wish.fabric, wish.name, endpoints, wish.lans), {}};
}

Result<Beginning> fabric_of_file(const InitOptions& wish) {
  Beginning begin;
  RADIAL_ASSIGN(begin.yaml, read_file(wish.from, 4U << 20U));
  RADIAL_ASSIGN(const auto fabric, control::parse_or_fail(begin.yaml, wish.from.string()));
  begin.fabric = fabric.name;
  // A machine is seldom called as its hub in the file.
  begin.hub = fabric.find_hub(wish.name) == nullptr && fabric.hubs.size() == 1 ? fabric.hubs.front().name : wish.name;
  RADIAL_ASSIGN(begin.facts, load_facts_of(wish.from, wish.facts));
  return begin;
}

// A key that its sites know must be the one that is here.
Status check_key(const Paths& paths, const Beginning& begin) {
  const auto known = begin.facts.nodes.find(begin.hub);
  if (known == begin.facts.nodes.end() || !known->second.public_key) return {};
  if (std::filesystem::exists(paths.private_key())) {
    RADIAL_ASSIGN(const auto key, load_private_key(paths.private_key()));
    if (key.public_key() == *known->second.public_key) return {};
  }
  return fail(Errc::invalid_argument, "the sites know {} by the key {}, and {} is not its private key: put that there first (radial import --private-key-to {})",
              begin.hub, *known->second.public_key, paths.private_key().string(), paths.private_key().string());
}

Result<std::map<std::string, PresharedKey>> preshared_by_site(const Paths& paths, const Beginning& begin) {
  RADIAL_ASSIGN(auto keyring, load_keyring(paths.secrets()));
  std::map<std::string, PresharedKey> by_site;
  for (auto& [peer, key] : keyring.preshared)
    for (const auto& [name, known] : begin.facts.nodes)
      if (known.public_key == peer && name != begin.hub) by_site.emplace(name, key.clone());
  return by_site;
}

// An earlier init that was killed may have made the store already.
Result<std::string> make_store(const Paths& paths, const Beginning& begin) {
  const auto now = static_cast<std::int64_t>(std::time(nullptr));
  if (auto before = control::Controller::open(paths.controller_store(), begin.hub)) return before->fabric_text();
  // Made beside and moved into place: it is there whole, or not at all.
  auto beside = paths.controller_store();
  beside += ".new";
  for (const auto* end : {"", "-journal"}) ::unlink((beside.string() + end).c_str());
  RADIAL_ASSIGN(const auto preshared, preshared_by_site(paths, begin));
  RADIAL_TRY(control::Controller::create(beside, begin.yaml, begin.hub, begin.facts, preshared, author_of(::geteuid(), login_of(::getpid())), now));
  if (::rename(beside.c_str(), paths.controller_store().c_str()) != 0)
    return fail_errno(errno, fmt::format("cannot make {}", paths.controller_store().string()));
  return begin.yaml;
}

std::string pending_text(const std::string& digest) { return nlohmann::json{{"token", digest}}.dump() + "\n"; }

Result<control::Bundle> ask_to_join(const control::Token& token, const control::JoinRequest& request) {
  boost::asio::io_context loop;
  Result<TunnelAnswer> answer = fail(Errc::unavailable, "not asked");
  ask_through_tunnel(loop, {token.controller, token.port, "POST", "/v1/join", control::to_json(request), {}}, endpoint_patience,
                     [&](Result<TunnelAnswer> came) { answer = std::move(came); });
  loop.run();
  if (!answer) return forward_error(std::move(answer.error()));
  if (answer->status >= 400) return Unexpected(refusal_of(*answer));
  auto bundle = control::bundle_from_json(answer->body);
  wipe(answer->body);
  return bundle;
}

struct Answered {
  control::Bundle bundle;
  Endpoint at;  // numeric
};

// Every address of every endpoint in turn, until one answers.
Result<Answered> ask_at_endpoints(QuarantinedWire& wire, const control::Token& token, const control::JoinRequest& request,
                                  const Tell& tell) {
  std::string tried;
  boost::asio::io_context loop;
  boost::asio::ip::udp::resolver resolver(loop);
  for (const auto& endpoint : token.endpoints) {
    boost::system::error_code error;
    const auto found = resolver.resolve(endpoint.host, std::to_string(endpoint.port), error);
    if (error) {
      tried += fmt::format("\n  {}: {}", endpoint, error.message());
      continue;
    }
    for (const auto& one : found) {
      RADIAL_ASSIGN(const auto address, IpAddress::parse(one.endpoint().address().to_string()));
      const auto numeric = Endpoint::of(address, endpoint.port);
      tell(fmt::format("dialling {} at {}", token.hub, numeric));
      RADIAL_TRY(wire.dial(numeric));
      auto bundle = ask_to_join(token, request);
      if (bundle) return Answered{std::move(*bundle), numeric};
      if (bundle.error().code != Errc::unavailable) return forward_error(std::move(bundle.error()));
      tried += fmt::format("\n  {}: no answer", numeric);
    }
  }
  return fail(Errc::unavailable,
              "{} does not answer: the token was used or withdrawn, or UDP does not reach the hub. Nothing was changed.\n"
              "Tried:{}", token.hub, tried);
}

}  // namespace

Result<std::string> endpoint_text(const std::string& wish) {
  if (auto with_port = Endpoint::parse(wish)) return with_port->to_string();
  const bool bare_v6 = wish.find(':') != wish.rfind(':') && wish.find('[') == std::string::npos;
  const auto text = fmt::format(fmt::runtime(bare_v6 ? "[{}]:{}" : "{}:{}"), wish, default_port);
  RADIAL_ASSIGN(const auto endpoint, Endpoint::parse(text));
  return endpoint.to_string();
}

Status initialise(const DaemonOptions& options, const InitOptions& wish, const Tell& tell) {
  const auto& paths = options.paths;
  RADIAL_TRY(need_root());
  if (std::filesystem::exists(paths.node())) {
    RADIAL_ASSIGN(const auto name, read_file(paths.node(), 4096));
    return fail(Errc::already_exists, "this machine is the node {} already", name.substr(0, name.find('\n')));
  }
  RADIAL_ASSIGN(auto begin, wish.from.empty() ? new_fabric(wish) : fabric_of_file(wish));
  // Every mistake before the first change.
  RADIAL_ASSIGN(const auto compiled, compile_for(begin.hub, begin.yaml, wish.from.empty() ? "fabric.yaml" : wish.from.string(), begin.facts));
  RADIAL_TRY(check_key(paths, begin));
  RADIAL_TRY(make_folders(paths));
  RADIAL_ASSIGN(const auto key, own_key(paths));
  RADIAL_ASSIGN(const auto done, enable_frr_for(compiled.config));
  for (const auto& line : done) tell(line);
  RADIAL_ASSIGN(const auto version, frr_version());
  RADIAL_ASSIGN(const auto machine, open_host(options.userspace_wireguard));
  begin.facts.nodes[begin.hub] = {key.public_key(), version, machine.wireguard->implementation()};
  RADIAL_ASSIGN(const auto text, make_store(paths, begin));
  RADIAL_TRY(write_file_atomically(paths.fabric(), text, 0644));
  RADIAL_TRY(write_file_atomically(paths.node(), begin.hub + "\n", 0644));
  tell(fmt::format("made {}: {} is {} and the controller of fabric {}", paths.config.string(), begin.hub, wish.from.empty() ? "the first hub" : "its hub", begin.fabric));
  RADIAL_ASSIGN(const auto started, start_daemon(options));
  tell(started);
  return {};
}

Status join(const DaemonOptions& options, const std::string& token_text, const Tell& tell) {
  const auto& paths = options.paths;
  RADIAL_TRY(need_root());
  RADIAL_ASSIGN(const auto token, control::parse_token(token_text));
  const auto digest = control::hex_of(control::digest_of_token(token_text));
  const auto pending = read_file(paths.pending_join(), 4096);
  const bool interrupted = pending && *pending == pending_text(digest);
  if (std::filesystem::exists(paths.node())) {
    RADIAL_ASSIGN(const auto name, read_file(paths.node(), 4096));
    if (!interrupted)
      return fail(Errc::already_exists, "this machine is the node {} already; nothing was changed", name.substr(0, name.find('\n')));
    tell("this token was taken before; going on from there");
  } else {
    if (std::time(nullptr) >= token.expires) return fail(Errc::permission_denied, "this token has expired: ask for a new one");
    RADIAL_ASSIGN(auto machine, open_host(options.userspace_wireguard));
    RADIAL_TRY(make_folders(paths));
    RADIAL_TRY(write_file_atomically(paths.pending_join(), pending_text(digest), 0600));
    RADIAL_ASSIGN(const auto key, own_key(paths));
    control::JoinRequest request{token.site, key.public_key(), std::nullopt, machine.wireguard->implementation(), digest,
                                 control::mac_of(token.preshared, control::join_message(digest, key.public_key()))};
    if (const auto version = frr_version()) request.frr = *version;
    auto answered = [&]() -> Result<Answered> {
      // Gone at the end of this scope, whatever happens.
      RADIAL_ASSIGN(auto wire, QuarantinedWire::make(machine, token, pending.has_value()));
      return ask_at_endpoints(wire, token, request, tell);
    }();
    if (!answered) return forward_error(std::move(answered.error()));
    auto& [bundle, at] = *answered;
    Keyring keyring;
    keyring.preshared = std::move(bundle.preshared);
    keyring.node_secret = std::move(bundle.node_secret);
    RADIAL_TRY(save_keyring(paths.secrets(), keyring));
    RADIAL_TRY(save_assignment(paths, {bundle.revision, bundle.config, bundle.digest}));
    PeerPlaces places(paths.peer_places());
    places.remember(token.hub_key, at);
    RADIAL_TRY(places.save());
    RADIAL_TRY(save_controller_address(paths, {token.hub, token.controller, token.port}));
    RADIAL_TRY(write_file_atomically(paths.node(), token.site + "\n", 0644));
  }
  std::string warning;
  RADIAL_ASSIGN(const auto assignment, load_assignment(paths, warning));
  RADIAL_ASSIGN(const auto done, enable_frr_for(assignment.config));
  for (const auto& line : done) tell(line);
  tell(fmt::format("{} is enrolled in fabric {}", token.site, token.fabric));
  RADIAL_ASSIGN(const auto started, start_daemon(options));
  tell(started);
  return {};
}

}  // namespace radial::agent
