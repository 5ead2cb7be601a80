// The tree against a map, with random insertions and prunings.
#include "steer/prefix_tree.h"

#include <map>
#include <random>

#include <gtest/gtest.h>

#include "wire_model.h"

namespace radial::test {
namespace {

struct Number {
  int value = 0;
  bool marked = false;  // as the nearest node below was, when this one was put over it
  [[nodiscard]] bool empty() const { return value == 0; }
  [[nodiscard]] static Number above(const Number& below) { return {0, below.marked}; }
};
using Tree = steering::PrefixTree<Number>;

// Shape: children lie in their parent, on their side, and every node that holds
// no value joins two.
int count_sound(const Tree::Node& node) {
  int count = node.value.value != 0 ? 1 : 0;
  for (std::size_t side = 0; side < 2; ++side) {
    if (!node.child[side]) continue;
    const auto& child = *node.child[side];
    EXPECT_EQ(child.parent, &node);
    EXPECT_TRUE(node.prefix.contains(child.prefix) && node.prefix != child.prefix);
    EXPECT_EQ(child.prefix.address().bit(node.prefix.length()), side == 1);
    EXPECT_TRUE(child.value.value != 0 || (child.child[0] && child.child[1])) << child.prefix.to_string();
    count += count_sound(child);
  }
  return count;
}

TEST(PrefixTree, AgreesWithAMap) {
  std::mt19937 random(7);
  for (const auto base : {address("10.0.0.0"), address("2001:db8::")}) {
    Tree tree;
    std::map<Prefix, int> map;
    for (int turn = 1; turn <= 4000; ++turn) {
      const auto at = Prefix::of(*base.plus(random() % 256), bits_of(base.family()) - static_cast<int>(random() % 10));
      if (random() % 2 == 0) {
        tree.at(at).value.value = turn;
        map[at] = turn;
      } else if (auto* node = tree.find(at)) {
        node->value.value = 0;
        tree.prune(*node);
        map.erase(at);
      }
      const auto asked = Prefix::host(*base.plus(random() % 256));
      const auto* found = &tree.nearest(asked);
      while (found != nullptr && found->value.value == 0) found = found->parent;
      int expected = 0;
      for (const auto& [prefix, value] : map)
        if (prefix.contains(asked)) expected = value;  // the map's order: the longest comes last
      EXPECT_EQ(found == nullptr ? 0 : found->value.value, expected);
      if (turn % 100 != 0) continue;
      EXPECT_EQ(count_sound(tree.root(base.family())), static_cast<int>(map.size()));
    }
  }
}

TEST(PrefixTree, ANodePutOverAnotherTakesAfterIt) {
  Tree tree;
  tree.at(prefix("10.1.1.0/24")).value.marked = true;
  EXPECT_TRUE(tree.at(prefix("10.1.0.0/16")).value.marked);   // over it
  EXPECT_FALSE(tree.at(prefix("10.1.1.0/25")).value.marked);  // a leaf
  (void)tree.at(prefix("10.200.0.0/16"));
  EXPECT_TRUE(tree.at(prefix("10.0.0.0/8")).value.marked);    // the joint of both
}

TEST(PrefixTree, CountsCommonBits) {
  EXPECT_EQ(steering::common_bits(address("10.0.0.0"), address("10.0.0.0")), 32);
  EXPECT_EQ(steering::common_bits(address("10.0.0.0"), address("10.0.0.1")), 31);
  EXPECT_EQ(steering::common_bits(address("10.0.0.0"), address("138.0.0.0")), 0);
  EXPECT_EQ(steering::common_bits(address("2001:db8::"), address("2001:db8:8000::")), 32);
}

}  // namespace
}  // namespace radial::test
