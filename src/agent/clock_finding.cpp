#include "agent/clock_finding.h"

#include <algorithm>

#include <fmt/chrono.h>
#include <sys/stat.h>

namespace radial::agent {
namespace {

using namespace std::chrono_literals;

constexpr auto allowed = 60s;  // what setting a clock right takes back

std::chrono::system_clock::time_point newest_file_in(const std::filesystem::path& folder) {
  std::time_t newest = 0;
  std::error_code ignored;
  for (const auto& entry : std::filesystem::directory_iterator(folder, ignored)) {
    struct stat info {};
    if (::stat(entry.path().c_str(), &info) == 0) newest = std::max(newest, info.st_mtim.tv_sec);
  }
  return std::chrono::system_clock::from_time_t(newest);
}

}  // namespace

std::optional<observe::Finding> clock_finding(const Paths& paths, const observe::Snapshot& snapshot,
                                              std::chrono::system_clock::time_point now) {
  const bool all_answer = std::all_of(snapshot.wires.begin(), snapshot.wires.end(), [](const auto& wire) {
    return std::all_of(wire.peers.begin(), wire.peers.end(), [](const auto& peer) { return peer.has_session(); });
  });
  if (all_answer) return std::nullopt;
  const auto written = newest_file_in(paths.state);
  if (written <= now + allowed) return std::nullopt;
  return observe::Finding{observe::Severity::warning, "clock",
                          fmt::format("says {:%F %T}, and radiald wrote files here at {:%F %T} (UTC)", fmt::gmtime(now), fmt::gmtime(written)),
                          "it was not set since the machine started, or it was ahead; WireGuard takes handshakes of the past for replays",
                          "set it: timedatectl set-ntp true, or date --set"};
}

}  // namespace radial::agent
