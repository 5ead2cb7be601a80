#include "agent/complaints.h"

#include <algorithm>

#include <fmt/format.h>

namespace radial::agent {
namespace {

// "wg0 peer berlin" and every kind of adjacency: of which neighbour.
std::string neighbour_of(const std::string& subject) {
  for (const auto* kind : {" peer ", "adjacency ", "BGP session "})
    if (const auto at = subject.find(kind); at != std::string::npos) return subject.substr(at + std::string_view(kind).size());
  return {};
}

bool about_peer(const std::string& subject) { return subject.find(" peer ") != std::string::npos; }

}  // namespace

Complaints complaints_of(const observe::Snapshot& diagnosed) {
  Complaints complaints;
  for (const auto& finding : diagnosed.findings) {
    const bool counts = finding.severity == observe::Severity::broken || finding.subject.starts_with("LAN ") ||
                        !neighbour_of(finding.subject).empty();
    if (!counts) continue;
    // Every problem of a reconciliation has the same subject.
    const auto key = finding.subject == "reconcile" ? "reconcile " + finding.what : finding.subject;
    complaints.emplace(key, finding.subject == "reconcile" ? finding.what : fmt::format("{} {}", finding.subject, finding.what));
  }
  return complaints;
}

std::string worse_than(const Complaints& before, const Complaints& now) {
  const auto excused = [&](const std::string& key) {
    if (before.contains(key)) return true;
    const auto neighbour = neighbour_of(key);
    if (neighbour.empty()) return false;
    // A peer that is away is noticed by routing first, by its handshake later.
    return std::any_of(before.begin(), before.end(), [&](const auto& other) {
      return neighbour_of(other.first) == neighbour && (about_peer(key) || about_peer(other.first));
    });
  };
  std::string text;
  for (const auto& [key, what] : now)
    if (!excused(key)) text += fmt::format("{}{}", text.empty() ? "" : ", ", what);
  return text;
}

}  // namespace radial::agent
