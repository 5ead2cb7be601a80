#include "agent/member_role.h"

#include "base/log.h"
#include "control/messages.h"
#include "control/token.h"

namespace radial::agent {
namespace {

using namespace std::chrono_literals;

constexpr auto interval = 5s;
constexpr auto deadline = 4s;

}  // namespace

MemberRole::MemberRole(boost::asio::io_context& loop, const Paths& paths, ControllerAddress controller, Keyring keyring,
                       Assignment assignment, Changed changed)
    : loop_(loop),
      paths_(paths),
      controller_(std::move(controller)),
      keyring_(std::move(keyring)),
      assignment_(std::move(assignment)),
      changed_(std::move(changed)) {}

void MemberRole::step(std::chrono::steady_clock::time_point now) {
  if (asking_ || now < next_ || !keyring_.node_secret) return;
  next_ = now + interval;
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
  return {};
}

void MemberRole::ask() {
  asking_ = true;
  ask_through_tunnel(loop_, *signed_request("GET", "/v1/node", {}), deadline, [this](Result<TunnelAnswer> answer) {
    asking_ = false;
    Status status;
    if (!answer) status = forward_error(std::move(answer.error()));
    else if (answer->status >= 400) status = Unexpected(refusal_of(*answer).within("the controller refuses this node"));
    else status = take(answer->body);
    if (answer) wipe(answer->body);
    const auto before = trouble_;
    trouble_ = status ? std::string() : status.error().message;
    if (!trouble_.empty() && before.empty()) spdlog::warn("{}; going on with revision {}", trouble_, assignment_.revision);
    if (trouble_.empty() && !before.empty()) spdlog::info("the controller answers again");
  });
}

// On disk first: what is applied is what a restart will start with.
Status MemberRole::take(const std::string& body) {
  RADIAL_ASSIGN(auto bundle, control::bundle_from_json(body));
  if (bundle.config.node != assignment_.config.node)
    return fail(Errc::protocol, "the controller answers with the configuration of {}", bundle.config.node);
  Keyring keyring;
  keyring.preshared = std::move(bundle.preshared);
  keyring.node_secret = std::move(bundle.node_secret);
  const bool same_keys = keyring.equals(keyring_);
  if (same_keys && bundle.config == assignment_.config) return {};
  if (!same_keys) {
    RADIAL_TRY(save_keyring(paths_.secrets(), keyring));
    RADIAL_ASSIGN(keyring_, load_keyring(paths_.secrets()));
  }
  const Assignment assignment{bundle.revision, std::move(bundle.config)};
  RADIAL_TRY(save_assignment(paths_, assignment));
  assignment_ = assignment;
  spdlog::info("revision {} from {}", assignment_.revision, controller_.hub);
  changed_(assignment_.config, std::move(keyring));
  return {};
}

}  // namespace radial::agent
