#include <algorithm>
#include <set>

#include <fmt/format.h>

#include "fabric/file/rules.h"

namespace radial::file {
namespace {

// A prefix that a node declares (a LAN) or that it is granted by name.
struct Claim {
  Prefix prefix;
  std::size_t node = 0;     // index in nodes()
  bool lan = false;
  bool deliberate = false;  // listed in the node's grant: it may be shared
  const Spot* spot = nullptr;
};

std::vector<Claim> claims_of(const std::vector<const DraftNode*>& nodes) {
  std::vector<Claim> claims;
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    const auto& node = *nodes[i];
    const Grant claimed = node.claimed();
    for (const auto& lan : node.lans)
      claims.push_back({lan.value.prefix, i, true, !node.grant.sound || claimed.covers(lan.value.prefix), &lan.spot});
    for (const auto& listed : node.grant.prefixes)
      if (!listed.value.is_default()) claims.push_back({listed.value, i, false, true, &listed.spot});
  }
  return claims;
}

// The claims that hold the one being looked at, innermost on top, no two
// neighbours of one node: of a node's nested claims the outer speaks for all
// (it can only be less deliberate than what lies inside it).
class Enclosing {
 public:
  explicit Enclosing(const std::vector<Claim>& claims) : claims_(claims) {}

  void leave_all_but(const Prefix& prefix) {
    while (!stack_.empty() && !claims_[stack_.back()].prefix.contains(prefix)) stack_.pop_back();
  }

  [[nodiscard]] std::optional<std::size_t> of_another_node(std::size_t node) const {
    for (auto at = stack_.rbegin(); at != stack_.rend(); ++at)  // two steps at most
      if (claims_[*at].node != node) return *at;
    return std::nullopt;
  }

  void enter(std::size_t claim) {
    if (stack_.empty() || claims_[stack_.back()].node != claims_[claim].node) stack_.push_back(claim);
  }

 private:
  const std::vector<Claim>& claims_;
  std::vector<std::size_t> stack_;
};

std::string describe(const Claim& claim, const std::vector<const DraftNode*>& nodes) {
  return claim.lan
             ? fmt::format("{}, a LAN of {} (line {})", claim.prefix, nodes[claim.node]->name, claim.spot->line)
             : fmt::format("{}, granted to {} (line {})", claim.prefix, nodes[claim.node]->name, claim.spot->line);
}

void complain_overlap(const Claim& one, const Claim& two, const std::vector<const DraftNode*>& nodes,
                      MistakeList& mistakes) {
  const bool one_is_later =
      one.spot->line > two.spot->line || (one.spot->line == two.spot->line && one.node > two.node);
  const Claim& later = one_is_later ? one : two;
  const Claim& earlier = one_is_later ? two : one;
  std::string fix;
  if (one.lan && two.lan) {
    fix = "give each node a prefix of its own; if both reach the same network, share it by listing ";
    if (one.deliberate || two.deliberate) {
      const Claim& silent = one.deliberate ? two : one;
      fix += fmt::format("{} in the grant of {}", silent.prefix, nodes[silent.node]->name);
    } else {
      fix += fmt::format("it in the grant of {} and of {}", nodes[earlier.node]->name, nodes[later.node]->name);
    }
  } else {
    const Claim& lan = one.lan && !one.deliberate ? one : two;
    const Claim& grant = &lan == &one ? two : one;
    fix = fmt::format("list {} in the grant of {} to share it, or narrow the grant of {}", lan.prefix,
                      nodes[lan.node]->name, nodes[grant.node]->name);
  }
  complain(mistakes, *later.spot, later.prefix.to_string(), "overlaps " + describe(earlier, nodes), std::move(fix));
}

}  // namespace

// Two nodes' prefixes that overlap nest, so a walk in sorted order with the
// enclosing claims at hand meets every overlap: O(n log n). A pair is in order
// when both are deliberate; a listed grant always is.
void check_sharing(const Draft& draft, MistakeList& mistakes) {
  const auto nodes = draft.nodes();
  auto claims = claims_of(nodes);
  std::stable_sort(claims.begin(), claims.end(), [](const Claim& a, const Claim& b) { return a.prefix < b.prefix; });
  Enclosing all(claims);
  Enclosing silent(claims);  // those that are not deliberate
  std::set<std::pair<const Spot*, std::size_t>> told;  // a LAN, and the node it conflicts with
  for (std::size_t i = 0; i < claims.size(); ++i) {
    const Claim& claim = claims[i];
    all.leave_all_but(claim.prefix);
    silent.leave_all_but(claim.prefix);
    const auto other = (claim.deliberate ? silent : all).of_another_node(claim.node);
    if (other) {
      const Claim& outer = claims[*other];
      const bool inner_is_silent = !claim.deliberate;
      const auto key = inner_is_silent ? std::pair(claim.spot, outer.node) : std::pair(outer.spot, claim.node);
      if (told.insert(key).second) complain_overlap(claim, outer, nodes, mistakes);
    }
    all.enter(i);
    if (!claim.deliberate) silent.enter(i);
  }
}

}  // namespace radial::file
