#include "agent/change_member.h"

#include "agent/tunnel_client.h"
#include "base/log.h"

namespace radial::agent {
namespace {

using namespace std::chrono_literals;

constexpr auto idle_interval = 2s;
constexpr auto deadline = 3s;

}  // namespace

ChangeMember::ChangeMember(boost::asio::io_context& loop, MemberRole& member, NodeChange& change)
    : loop_(loop), member_(member), change_(change) {}

void ChangeMember::step(std::chrono::steady_clock::time_point now) {
  if (asking_ || (now < next_ && !change_.busy())) return;
  next_ = now + idle_interval;
  ask();
}

void ChangeMember::soon() {
  if (!asking_) ask();
}

void ChangeMember::ask() {
  const auto told = change_.report();
  const auto request = member_.signed_request("POST", "/v1/node/report", control::to_json(told));
  if (!request) return;
  asking_ = true;
  ask_through_tunnel(loop_, *request, deadline, [this, staged = told.staged, failed = told.failed](Result<TunnelAnswer> answer) {
    asking_ = false;
    if (!answer || answer->status >= 400) return;  // MemberRole says so
    const auto instruction = control::instruction_from_json(answer->body);
    if (!instruction) return spdlog::warn("{}", instruction.error().message);
    change_.obey(*instruction);
    // The controller waits for every node's answer to a plan, and to what is staged.
    const auto now = change_.report();
    if (now.staged != staged || now.failed != failed) ask();
  });
}

}  // namespace radial::agent
