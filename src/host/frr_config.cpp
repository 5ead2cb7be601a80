#include "host/frr_config.h"

#include <algorithm>
#include <numeric>

#include <poll.h>

#include "host/frr_running.h"

namespace radial::host::frr {
namespace {

constexpr int lock_pause_ms = 20;
constexpr auto nowhere = static_cast<std::size_t>(-1);

// `command`, again and again while another session holds mgmtd's lock.
Result<VtyAnswer> ask_unlocked(VtySession& session, std::string_view command, std::chrono::milliseconds patience) {
  const auto deadline = VtySession::Clock::now() + patience;
  while (true) {
    auto answer = session.ask(command, VtySession::Clock::now() + patience);
    if (!answer || !answer->locked() || VtySession::Clock::now() >= deadline) return answer;
    ::poll(nullptr, 0, lock_pause_ms);
  }
}

Result<std::vector<VtyAnswer>> ask_each(VtySession& session, const std::vector<std::string>& commands,
                                        std::chrono::milliseconds patience, bool one_by_one) {
  if (!one_by_one) return session.ask_ahead(commands, patience);
  std::vector<VtyAnswer> answers;
  for (const auto& command : commands) {
    RADIAL_ASSIGN(auto answer, ask_unlocked(session, command, patience));
    answers.push_back(std::move(answer));
  }
  return answers;
}

}  // namespace

Result<std::vector<Refusal>> enter_lines(VtySession& session, std::string_view context,
                                         const std::vector<std::string>& lines, std::chrono::milliseconds patience,
                                         bool one_by_one) {
  std::vector<Refusal> refusals;
  std::vector<std::string> way{"configure terminal"};
  for (auto& command : context_path(context)) way.push_back(std::move(command));
  RADIAL_ASSIGN(const auto entered, ask_each(session, way, patience, one_by_one));
  const auto lost = std::find_if(entered.begin(), entered.end(), [](const VtyAnswer& answer) { return !answer.ok(); });

  std::vector<std::string> commands;
  std::vector<std::size_t> line_of;  // the command's index in `lines`
  for (std::size_t i = 0; i < lines.size(); ++i) {
    if (lost != entered.end()) {
      refusals.push_back({i, *lost});  // entered now, it would land in another context
    } else if (!lines[i].empty()) {    // empty: only the context was asked for
      commands.push_back(lines[i]);
      line_of.push_back(i);
    }
  }
  commands.emplace_back("end");  // harmless where config mode was never entered
  RADIAL_ASSIGN(auto answers, ask_each(session, commands, patience, one_by_one));
  for (std::size_t i = 0; i < line_of.size(); ++i)
    if (!answers[i].ok()) refusals.push_back({line_of[i], std::move(answers[i])});
  if (!answers.back().ok()) return fail(Errc::protocol, "FRR refuses to leave config mode: {}", answers.back().words());
  return refusals;
}

Result<std::vector<std::size_t>> enter_at_once(VtySession& session, const std::vector<Group>& groups,
                                               std::chrono::milliseconds patience, bool one_by_one) {
  constexpr std::chrono::milliseconds for_a_line{20};  // of the commit, which is answered as one
  std::vector<std::string> commands;
  std::vector<std::size_t> command_of;  // a line's index in `commands`; of none where only the context was asked for
  for (const auto& group : groups) {
    // From a context into the next without "exit", which would commit: FRR looks a
    // line up in the contexts around the one that it is in.
    for (auto& command : context_path(group.context)) commands.push_back(std::move(command));
    for (const auto& line : group.lines) {
      command_of.push_back(line.empty() ? nowhere : commands.size());
      if (!line.empty()) commands.push_back(line);
    }
  }
  // mgmtd takes lines without a commit for each only from who holds its locks.
  const std::vector<std::string> begin{one_by_one ? "configure terminal file-lock" : "configure terminal", "XFRR_start_configuration"};
  RADIAL_ASSIGN(const auto begun, ask_each(session, begin, patience, one_by_one));
  RADIAL_ASSIGN(const auto answers, ask_each(session, commands, patience, one_by_one));
  RADIAL_ASSIGN(const auto ended, ask_each(session, {"XFRR_end_configuration", "end"}, patience + for_a_line * commands.size(), one_by_one));

  std::vector<std::size_t> left;
  for (std::size_t line = 0; line < command_of.size(); ++line)
    if (command_of[line] != nowhere && !answers[command_of[line]].ok()) left.push_back(line);
  const auto refused = [](const std::vector<VtyAnswer>& of) {
    return static_cast<std::size_t>(std::count_if(of.begin(), of.end(), [](const VtyAnswer& answer) {
      // A commit that fails before a command of another kind is told in words alone.
      return !answer.ok() || answer.text.find("% Configuration failed") != std::string::npos;
    }));
  };
  if (refused(answers) == left.size() && refused(begun) + refused(ended) == 0) return left;
  left.resize(command_of.size());
  std::iota(left.begin(), left.end(), std::size_t{0});
  return left;
}

}  // namespace radial::host::frr
