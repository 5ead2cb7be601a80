#include "host/frr_config.h"

#include <poll.h>

#include "host/frr_running.h"

namespace radial::host::frr {
namespace {

constexpr int lock_pause_ms = 20;

// `command`, again and again while another session holds mgmtd's lock.
Result<VtyAnswer> ask_unlocked(VtySession& session, std::string_view command, VtySession::Clock::time_point deadline) {
  while (true) {
    auto answer = session.ask(command, deadline);
    if (!answer || !answer->locked() || VtySession::Clock::now() >= deadline) return answer;
    ::poll(nullptr, 0, lock_pause_ms);
  }
}

}  // namespace

Result<std::vector<Refusal>> enter_lines(VtySession& session, std::string_view context, const std::vector<std::string>& lines,
                                         VtySession::Clock::time_point deadline) {
  std::vector<Refusal> refusals;
  std::vector<std::string> way{"configure terminal"};
  for (auto& command : context_path(context)) way.push_back(std::move(command));
  bool inside = true;
  for (const auto& command : way) {
    RADIAL_ASSIGN(auto answer, ask_unlocked(session, command, deadline));
    if (answer.ok()) continue;
    // Lines entered now would land in another context.
    for (std::size_t i = 0; i < lines.size(); ++i) refusals.push_back({i, answer});
    inside = false;
    break;
  }
  for (std::size_t i = 0; inside && i < lines.size(); ++i) {
    if (lines[i].empty()) continue;  // only the context was asked for
    RADIAL_ASSIGN(auto answer, ask_unlocked(session, lines[i], deadline));
    if (!answer.ok()) refusals.push_back({i, std::move(answer)});
  }
  // Harmless where config mode was never entered.
  RADIAL_ASSIGN(const auto left, session.ask("end", deadline));
  if (!left.ok()) return fail(Errc::protocol, "FRR refuses to leave config mode: {}", left.words());
  return refusals;
}

}  // namespace radial::host::frr
