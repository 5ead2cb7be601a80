#include "agent/refusal_findings.h"

#include <fmt/format.h>

#include "base/utc.h"

namespace radial::agent {
void RefusalFindings::configure(const NodeConfig& config) {
  grants_.clear();
  for (const auto& wire : config.wires)
    if (serves_sites(wire, config.node))
      for (const auto& peer : wire.peers) grants_[peer.node] = peer.grant.any ? "any" : to_string(peer.grant);
}

void RefusalFindings::update(std::map<std::string, observe::RefusedOfSite> refused) {
  refused_ = std::move(refused);
  std::erase_if(since_, [&](const auto& one) { return !refused_.contains(one.first); });
  for (const auto& [site, what] : refused_)
    if (!since_.contains(site)) since_[site] = utc_now();
}

std::vector<observe::Finding> RefusalFindings::findings(std::string_view where) const {
  std::vector<observe::Finding> findings;
  for (const auto& [site, what] : refused_) {
    const auto grant = grants_.find(site);
    findings.push_back({observe::Severity::warning, fmt::format("site {}", site),
                        fmt::format("announces {}{}, refused {} since {}", first_few(what.prefixes), what.more ? " at least" : "",
                                    where, since_.at(site)),
                        fmt::format("its grant is {}", grant == grants_.end() ? "unknown" : grant->second),
                        "widen its grant in the fabric file; or stop the announcement at the site"});
  }
  return findings;
}

}  // namespace radial::agent
