#include "agent/bgp_watch.h"

#include "base/log.h"

namespace radial::agent {
namespace {

using namespace std::chrono_literals;

constexpr auto look_interval = 2s;
constexpr int look_share = 200;  // many sessions are looked at less often: at most a two hundredth of the time

}  // namespace

void BgpWatch::configure(const NodeConfig& config) {
  refusals_.configure(config);
  findings_.configure(config);
  findings_.update(refusals_.refused());
}

void BgpWatch::hear(observe::BgpRefusals::Time now) {
  const auto heard = listener_.drain();
  if (refusals_.at_work()) refusals_.hear(now, heard);
}

void BgpWatch::tick(observe::BgpRefusals::Time now) {
  if (!refusals_.at_work()) return;
  if (now >= next_look_ && refusals_.wants_sessions()) {
    const auto began = std::chrono::steady_clock::now();
    const auto sessions = frr_.bgp_sessions();
    refusals_.tick(now, sessions ? &*sessions : nullptr);
    next_look_ = now + std::max<observe::BgpRefusals::Time::duration>(look_interval, (std::chrono::steady_clock::now() - began) * look_share);
  } else {
    refusals_.tick(now, nullptr);
  }
  for (const auto& neighbor : refusals_.to_ask(now))
    if (auto asked = frr_.ask_bgp_again(neighbor); !asked)
      spdlog::debug("cannot ask {} to announce all again: {}", neighbor, asked.error().message);
  findings_.update(refusals_.refused());
}

std::vector<observe::Finding> BgpWatch::findings() const {
  return findings_.findings("here and passed on to nobody");
}

std::vector<observe::Announcement> BgpWatch::announced() const {
  std::vector<observe::Announcement> result;
  for (const auto& [site, refused] : findings_.refused())
    for (const auto& prefix : refused.prefixes) result.push_back({prefix, site});
  return result;
}

}  // namespace radial::agent
