// What is clever about prefixes, against what is plain.
#include <algorithm>
#include <random>

#include <gtest/gtest.h>

#include "fabric/fabric.h"
#include "fabric/file/rules.h"
#include "fabric/prefix_index.h"

namespace radial {
namespace {

Prefix random_prefix(std::mt19937& random) {
  // Few bits, so that prefixes often nest or are equal.
  const int length = 8 + static_cast<int>(random() % 6);
  if (random() % 4 == 0)
    return Prefix::of(IpAddress::parse(fmt::format("fd{:02x}::", random() % 64)).value(), length + 2);
  return Prefix::of(IpAddress::from_v4(10U << 24U | static_cast<std::uint32_t>(random() % 64) << 18U), length);
}

std::vector<Prefix> random_prefixes(std::mt19937& random, std::size_t most) {
  std::vector<Prefix> prefixes(random() % (most + 1));
  for (auto& prefix : prefixes) prefix = random_prefix(random);
  return prefixes;
}

TEST(PrefixIndex, FindsAnOverlapWhereThereIsOne) {
  std::mt19937 random(1);
  for (int round = 0; round < 20000; ++round) {
    const auto prefixes = random_prefixes(random, 12);
    std::vector<PrefixIndex::Item> items;
    for (std::size_t i = 0; i < prefixes.size(); ++i) items.push_back({prefixes[i], i});
    const PrefixIndex index(items);
    const auto wanted = random_prefix(random);
    const bool expected =
        std::any_of(prefixes.begin(), prefixes.end(), [&](const auto& p) { return p.overlaps(wanted); });
    const auto found = index.overlapping(wanted);
    ASSERT_EQ(found.has_value(), expected);
    ASSERT_TRUE(!found || prefixes[found->id].overlaps(wanted));
  }
}

TEST(Grant, CoversAsALinearSearchWould) {
  std::mt19937 random(2);
  for (int round = 0; round < 20000; ++round) {
    const auto prefixes = random_prefixes(random, 8);
    Grant grant{random() % 8 == 0, prefixes};
    keep_widest(grant.prefixes);
    for (std::size_t i = 1; i < grant.prefixes.size(); ++i)
      ASSERT_FALSE(grant.prefixes[i - 1].overlaps(grant.prefixes[i]));
    const auto wanted = random_prefix(random);
    const bool expected = grant.any || std::any_of(prefixes.begin(), prefixes.end(),
                                                   [&](const auto& p) { return p.contains(wanted); });
    ASSERT_EQ(grant.covers(wanted), expected);
  }
}

// A pair is in order when each prefix is listed in its own node's grant.
bool any_unshared_overlap(const file::Draft& draft) {
  const auto nodes = draft.nodes();
  for (const auto* a : nodes)
    for (const auto* b : nodes) {
      if (a == b) continue;
      const auto claimed = [](const file::DraftNode* node, const Prefix& prefix) {
        return std::any_of(node->grant.prefixes.begin(), node->grant.prefixes.end(),
                           [&](const auto& listed) { return listed.value.contains(prefix); });
      };
      for (const auto& lan : a->lans) {
        for (const auto& other : b->lans)
          if (lan.value.prefix.overlaps(other.value.prefix) &&
              !(claimed(a, lan.value.prefix) && claimed(b, other.value.prefix)))
            return true;
        for (const auto& listed : b->grant.prefixes)
          if (lan.value.prefix.overlaps(listed.value) && !claimed(a, lan.value.prefix)) return true;
      }
    }
  return false;
}

TEST(Sharing, IsJudgedAsByComparingAllPairs) {
  std::mt19937 random(3);
  int clean = 0;
  for (int round = 0; round < 20000; ++round) {
    file::Draft draft;
    draft.sites.resize(2 + random() % 3);
    int line = 0;
    for (auto& site : draft.sites) {
      site.name = fmt::format("site-{}", line);
      for (const auto& prefix : random_prefixes(random, 3)) site.lans.push_back({{prefix, false}, {++line, "lan"}});
      if (random() % 2 == 0)
        for (const auto& prefix : random_prefixes(random, 2))
          site.grant.prefixes.push_back({prefix, {++line, "grant"}});
      if (random() % 3 == 0)
        for (const auto& lan : site.lans) site.grant.prefixes.push_back({lan.value.prefix, {++line, "grant"}});
    }
    file::MistakeList mistakes;
    file::check_sharing(draft, mistakes);
    ASSERT_EQ(!mistakes.empty(), any_unshared_overlap(draft)) << "round " << round;
    clean += mistakes.empty() ? 1 : 0;
  }
  EXPECT_GT(clean, 1000);  // both answers occur
  EXPECT_LT(clean, 19000);
}

}  // namespace
}  // namespace radial
