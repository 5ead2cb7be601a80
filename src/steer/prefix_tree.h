// A binary trie of prefixes, path-compressed, for both families, with a Value at
// each node. Nodes stay where they are until they are pruned: a Node* may be
// kept, walked up by `parent` and down by `child`. Finding one costs the depth,
// at most the family's bits.
//
// Some nodes only join two branches. They have the Value that
// `Value::above(const Value& child)` makes for a node put over another; new
// leaves have Value{}. A node may go when `value.empty()`.
//
// Threading: none of its own.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <memory>
#include <utility>

#include "base/ip.h"

namespace radial::steering {

// How many leading bits two addresses of one family share.
[[nodiscard]] inline int common_bits(const IpAddress& a, const IpAddress& b) {
  const auto left = a.bytes();
  const auto right = b.bytes();
  for (std::size_t i = 0; i < left.size(); ++i)
    if (const auto differing = static_cast<std::uint8_t>(left[i] ^ right[i]); differing != 0)
      return static_cast<int>(i) * 8 + std::countl_zero(differing);
  return bits_of(a.family());
}

template <class Value>
class PrefixTree {
 public:
  struct Node {
    Prefix prefix;
    Node* parent = nullptr;
    std::array<std::unique_ptr<Node>, 2> child;
    Value value;
  };

  PrefixTree() {
    for (const auto family : {Family::v4, Family::v6}) root(family).prefix = Prefix::any(family);
  }
  PrefixTree(PrefixTree&&) noexcept = default;
  PrefixTree& operator=(PrefixTree&&) noexcept = default;

  // 0.0.0.0/0 or ::/0; always there.
  [[nodiscard]] Node& root(Family family) { return *roots_[family == Family::v4 ? 0 : 1]; }
  [[nodiscard]] const Node& root(Family family) const { return *roots_[family == Family::v4 ? 0 : 1]; }

  // The node of exactly this prefix: null when there is none.
  [[nodiscard]] Node* find(const Prefix& prefix) {
    Node& node = nearest(prefix);
    return node.prefix == prefix ? &node : nullptr;
  }

  // The deepest node that holds the prefix.
  [[nodiscard]] Node& nearest(const Prefix& prefix) { return const_cast<Node&>(std::as_const(*this).nearest(prefix)); }
  [[nodiscard]] const Node& nearest(const Prefix& prefix) const {
    const Node* node = &root(prefix.family());
    while (node->prefix.length() < prefix.length()) {
      const Node* next = node->child[side(prefix, *node)].get();
      if (next == nullptr || !holds(next->prefix, prefix)) break;
      node = next;
    }
    return *node;
  }

  // The node of exactly this prefix, made when there is none.
  Node& at(const Prefix& prefix) {
    Node& above = nearest(prefix);
    if (above.prefix == prefix) return above;
    auto& place = above.child[side(prefix, above)];
    if (place == nullptr) return hang(place, above, prefix, Value{});
    const int shared = std::min(common_bits(place->prefix.address(), prefix.address()), prefix.length());
    auto below = std::move(place);
    Node& middle = hang(place, above, Prefix::of(prefix.address(), shared), Value::above(below->value));
    below->parent = &middle;
    const auto side_below = side(below->prefix, middle);
    middle.child[side_below] = std::move(below);
    if (shared == prefix.length()) return middle;
    return hang(middle.child[1 - side_below], middle, prefix, Value{});
  }

  // Removes the node if its value is empty and it joins nothing, then its parent
  // likewise. The node, and a parent that joined it, may be gone afterwards.
  void prune(Node& node) {
    Node* at = &node;
    while (at->parent != nullptr && at->value.empty() && !(at->child[0] && at->child[1])) {
      Node* const parent = at->parent;
      auto& place = parent->child[side(at->prefix, *parent)];
      auto orphan = std::move(at->child[at->child[0] ? 0 : 1]);
      const bool leaf = orphan == nullptr;
      if (orphan) orphan->parent = parent;
      place = std::move(orphan);
      if (!leaf) return;
      at = parent;
    }
  }

 private:
  static std::size_t side(const Prefix& prefix, const Node& under) {
    return prefix.address().bit(under.prefix.length()) ? 1 : 0;
  }
  static bool holds(const Prefix& wide, const Prefix& narrow) {
    return wide.length() <= narrow.length() && common_bits(wide.address(), narrow.address()) >= wide.length();
  }
  static Node& hang(std::unique_ptr<Node>& place, Node& parent, const Prefix& prefix, Value value) {
    place = std::make_unique<Node>();
    place->prefix = prefix;
    place->parent = &parent;
    place->value = std::move(value);
    return *place;
  }

  // Apart from the tree's own address, so that nodes stay when it moves.
  std::array<std::unique_ptr<Node>, 2> roots_{std::make_unique<Node>(), std::make_unique<Node>()};
};

}  // namespace radial::steering
