#include "agent/member_role.h"

#include "agent/key_rotation.h"
#include "base/digest.h"
#include "base/log.h"
#include "control/messages.h"
#include "control/token.h"

namespace radial::agent {
namespace {

using namespace std::chrono_literals;

constexpr auto interval = 5s;
constexpr auto deadline = 4s;
constexpr auto at_once = 10ms;         // what comes in a burst is one question
constexpr auto served_again = 10min;   // to a controller that was restored or upgraded
constexpr auto after_new_key = 100ms;  // its handshake takes a round trip

}  // namespace

MemberRole::MemberRole(boost::asio::io_context& loop, const Paths& paths, ControllerAddress controller, Keyring keyring,
                       Assignment assignment, Node node)
    : loop_(loop),
      paths_(paths),
      controller_(std::move(controller)),
      keyring_(std::move(keyring)),
      assignment_(std::move(assignment)),
      node_(std::move(node)),
      pokes_(loop, [this] {
        if (node_.poked) node_.poked();
        soon();
      }),
      early_(loop) {
  // It did not live to see the newest proven.
  if (auto before = load_on_probation(paths_); before && before->config != assignment_.config)
    probation_.begin(std::move(*before), assignment_, std::chrono::steady_clock::now());
}

void MemberRole::step(std::chrono::steady_clock::time_point now) {
  if (const auto other = probation_.tick(now)) switch_to(*other);
  if (asking_ || now < next_ || !keyring_.node_secret) return;
  ask();
}

std::optional<TunnelRequest> MemberRole::signed_request(const std::string& method, const std::string& path,
                                                       const std::string& body) const {
  if (!keyring_.node_secret) return std::nullopt;
  TunnelRequest request{controller_.address, controller_.port, method, path, body, {}};
  request.signature = control::mac_of(*keyring_.node_secret, control::signed_message(method, path, body));
  return request;
}

Status MemberRole::adopt(const Assignment& assignment) {
  RADIAL_TRY(save_assignment(paths_, assignment));
  assignment_ = assignment;
  answer_.clear();
  forget_probation();
  return {};
}

std::int64_t MemberRole::held_back_revision() const {
  const auto* newer = probation_.held_back();
  return newer == nullptr ? 0 : newer->revision;
}

std::vector<observe::Finding> MemberRole::findings() const {
  using observe::Severity;
  std::vector<observe::Finding> findings;
  if (const auto* newer = probation_.held_back())
    findings.push_back({Severity::broken, fmt::format("revision {}", newer->revision),
                        fmt::format("is held back; revision {} runs in its place", assignment_.revision), why_back_,
                        "mend the fabric and apply it; or restart radiald here, which tries it again"});
  if (!unusable_.empty())
    findings.push_back({Severity::broken, "controller " + controller_.hub,
                        fmt::format("gives what cannot be used here; revision {} goes on", assignment_.revision), unusable_,
                        fmt::format("bring this node and {} to one version of Radial", controller_.hub)});
  return findings;
}

void MemberRole::forget_probation() {
  probation_.end();
  end_probation(paths_);
}

// Back to what ran before, or on to what was held back.
void MemberRole::switch_to(const Assignment& assignment) {
  if (probation_.before() != nullptr) {
    if (why_back_.empty()) why_back_ = "the controller did not answer under it";
    spdlog::warn("revision {} is taken back here: {}; running revision {}", assignment_.revision, why_back_, assignment.revision);
  } else {
    spdlog::warn("the controller does not answer under revision {} either; running revision {}", assignment_.revision, assignment.revision);
  }
  assignment_ = assignment;
  answer_.clear();
  end_probation(paths_);
  if (const auto saved = save_assignment(paths_, assignment_); !saved) spdlog::error("{}", saved.error().message);
  node_.changed(assignment_, std::nullopt);
}

Status MemberRole::put_on_probation(Assignment newer) {
  RADIAL_TRY(save_on_probation(paths_, newer));
  probation_.begin(std::move(assignment_), newer, std::chrono::steady_clock::now());
  assignment_ = std::move(newer);
  why_back_.clear();
  spdlog::info("revision {} from {}", assignment_.revision, controller_.hub);
  return {};
}

// Something that was asked at `asked` is answered.
void MemberRole::prove(std::chrono::steady_clock::time_point asked) {
  if (!probation_.settled(asked)) return;
  if (probation_.on_trial()) {
    why_back_ = node_.astray(probation_.before()->config, assignment_.config);
    if (!why_back_.empty()) return;
  }
  if (!probation_.answered(asked)) return;
  end_probation(paths_);
  spdlog::info("revision {} leads to the controller: it is kept", assignment_.revision);
}

void MemberRole::soon() {
  if (asking_) again_ = true;
  else ask_in(at_once);
}

void MemberRole::ask_in(std::chrono::milliseconds delay) {
  const auto when = std::chrono::steady_clock::now() + delay;
  if (early_.expiry() > std::chrono::steady_clock::now() && early_.expiry() <= when) return;
  early_.expires_at(when);
  early_.async_wait([this](const boost::system::error_code& error) {
    if (!error && !asking_ && keyring_.node_secret && !node_.busy()) ask();
  });
}

void MemberRole::ask() {
  asking_ = true;
  again_ = false;
  const auto now = std::chrono::steady_clock::now();
  next_ = now + interval;
  auto report = node_.report();
  report.answer = answer_;
  ask_through_tunnel(loop_, *signed_request("POST", "/v1/node", control::to_json(report)), deadline, [this, now](Result<TunnelAnswer> answer) {
    asking_ = false;
    Status status;
    if (!answer) status = forward_error(std::move(answer.error()));
    else if (answer->status >= 400) status = Unexpected(refusal_of(*answer).within("the controller refuses this node"));
    else status = take(answer->body, now);
    if (answer) {
      wipe(answer->body);
      tell_served(now);
      // Without it we ask every few seconds all the same.
      if (const auto heard = pokes_.listen(answer->own, controller_.address, poke_port); !heard) spdlog::debug("{}", heard.error().message);
    }
    const auto before = trouble_;
    trouble_ = status ? std::string() : status.error().message;
    if (!trouble_.empty() && before.empty()) spdlog::warn("{}; going on with revision {}", trouble_, assignment_.revision);
    if (trouble_.empty() && !before.empty()) spdlog::info("the controller answers again");
    if (again_) ask_in(at_once);
  });
}

Status MemberRole::follow(control::RotationStep step, const std::optional<PublicKey>& known) {
  if (step == control::RotationStep::none) return {};
  RADIAL_ASSIGN(const auto key, waiting_key(paths_));
  if (known != key) {
    offer(key);
    return {};
  }
  if (step != control::RotationStep::switch_key) return {};
  RADIAL_ASSIGN(auto own, take_waiting_key(paths_));
  spdlog::info("the wires use the new key {}", own.public_key());
  node_.rekeyed(std::move(own));
  ask_in(after_new_key);
  return {};
}

void MemberRole::offer(const PublicKey& key) {
  ask_through_tunnel(loop_, *signed_request("POST", "/v1/node/key", control::key_to_json(key)), deadline, [](const Result<TunnelAnswer>& answer) {
    if (!answer || answer->status < 400) return;  // silence: asked again at the next answer
    spdlog::warn("the controller refuses the new key: {}", refusal_of(*answer).message);
  });
}

void MemberRole::tell_served(std::chrono::steady_clock::time_point now) {
  auto served = node_.served();
  if (!served || (told_served_ == served && now - told_served_at_ < served_again)) return;
  const auto request = *signed_request("POST", "/v1/node/served", control::to_json(*served));
  ask_through_tunnel(loop_, request, deadline, [this, now, served = std::move(*served)](const Result<TunnelAnswer>& answer) {
    if (!answer) return;  // silence: told again after the next answer
    told_served_ = served;
    told_served_at_ = now;
    // An older controller keeps no record of it.
    if (answer->status >= 400 && answer->status != 404)
      spdlog::warn("the controller does not take what this hub serves: {}", refusal_of(*answer).message);
  });
}

// On disk first: what is applied is what a restart will start with.
Status MemberRole::take(const std::string& body, std::chrono::steady_clock::time_point asked) {
  prove(asked);
  if (control::says_unchanged(body)) return {};
  answer_.clear();
  auto answer = control::bundle_from_json(body);
  unusable_ = answer ? std::string() : answer.error().message;
  RADIAL_ASSIGN(auto bundle, std::move(answer));
  if (bundle.config.node != assignment_.config.node)
    return fail(Errc::protocol, "the controller answers with the configuration of {}", bundle.config.node);
  Keyring keyring;
  keyring.preshared = std::move(bundle.preshared);
  keyring.node_secret = std::move(bundle.node_secret);
  const bool same_keys = keyring.equals(keyring_);
  const bool same_config = bundle.config == assignment_.config;
  if (same_config && probation_.held_back() != nullptr) forget_probation();  // the other one was withdrawn
  const bool newer = !same_config && !probation_.refuses(bundle.config);
  if (!same_keys) {
    RADIAL_TRY(save_keyring(paths_.secrets(), keyring));
    RADIAL_ASSIGN(keyring_, load_keyring(paths_.secrets()));
  }
  if (newer) RADIAL_TRY(put_on_probation({bundle.revision, std::move(bundle.config), std::move(bundle.digest)}));
  // What is new in it means nothing here. During a trial `changed` would not be heeded.
  const bool renamed = same_config && bundle.digest != assignment_.digest && !node_.busy();
  if (renamed) assignment_.digest = std::move(bundle.digest);
  // What is refused, or waits for the end of a trial, is to be looked at again; a key that is being replaced takes every answer.
  const bool held = newer || renamed || (same_config && bundle.digest == assignment_.digest);
  if (held && bundle.rotation == control::RotationStep::none) answer_ = hex_digest(body);
  if (newer || renamed || !same_keys) node_.changed(assignment_, std::move(keyring));
  return follow(bundle.rotation, bundle.next_key);
}

}  // namespace radial::agent
