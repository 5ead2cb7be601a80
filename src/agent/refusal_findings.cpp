#include "agent/refusal_findings.h"

#include <array>
#include <ctime>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace radial::agent {
namespace {

constexpr std::size_t most_shown = 5;

std::string announced_text(const observe::RefusedOfSite& refused) {
  const auto& all = refused.prefixes;
  const auto shown = std::min(all.size(), most_shown);
  auto text = fmt::format("{}", fmt::join(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(shown), ", "));
  if (refused.more) return fmt::format("{} and more than {} others", text, all.size() - shown);
  if (all.size() > shown) text += fmt::format(" and {} more", all.size() - shown);
  return text;
}

}  // namespace

std::string utc_now() {
  const auto now = std::time(nullptr);
  std::tm parts{};
  ::gmtime_r(&now, &parts);
  std::array<char, 32> text{};
  std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%SZ", &parts);
  return text.data();
}

std::string grant_text(const Grant& grant) {
  if (grant.any) return "any";
  return grant.prefixes.empty() ? "nothing" : fmt::format("{}", fmt::join(grant.prefixes, ", "));
}

void RefusalFindings::update(std::map<std::string, observe::RefusedOfSite> refused) {
  refused_ = std::move(refused);
  std::erase_if(since_, [&](const auto& one) { return !refused_.contains(one.first); });
  for (const auto& [site, what] : refused_)
    if (!since_.contains(site)) since_[site] = utc_now();
}

std::vector<observe::Finding> RefusalFindings::findings(std::string_view where,
                                                        const std::map<std::string, std::string>& grants) const {
  std::vector<observe::Finding> findings;
  for (const auto& [site, what] : refused_) {
    const auto grant = grants.find(site);
    findings.push_back({observe::Severity::warning, fmt::format("site {}", site),
                        fmt::format("announces {}, refused {} since {}", announced_text(what), where, since_.at(site)),
                        fmt::format("its grant is {}", grant == grants.end() ? "unknown" : grant->second),
                        "widen its grant in the fabric file; or stop the announcement at the site"});
  }
  return findings;
}

}  // namespace radial::agent
