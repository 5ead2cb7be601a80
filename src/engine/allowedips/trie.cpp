#include "engine/allowedips/trie.h"

#include <algorithm>
#include <bit>
#include <utility>

namespace radial::engine {

// A path-compressed binary trie. The address is left-aligned in 128 bits and
// masked to `length`; an IPv4 address lies in the upper 32. A node without an
// owner has two children.
struct AllowedIps::Node {
  std::uint64_t high = 0, low = 0;
  std::array<Node*, 2> child{};
  Peer* owner = nullptr;
  std::uint8_t length = 0;
  bool fresh = true;       // made by the open transaction, not published yet
  bool discarded = false;  // fresh, and out of the tree again

  [[nodiscard]] bool matches(std::uint64_t other_high, std::uint64_t other_low) const {
    return common(other_high, other_low) >= length;
  }
  // Leading bits that this node's address has in common with another, up to 128.
  [[nodiscard]] int common(std::uint64_t other_high, std::uint64_t other_low) const {
    const auto high_difference = high ^ other_high;
    return high_difference != 0 ? std::countl_zero(high_difference) : 64 + std::countl_zero(low ^ other_low);
  }
};

namespace {

using Node = AllowedIps::Node;

unsigned bit_at(std::uint64_t high, std::uint64_t low, int index) {
  return static_cast<unsigned>((index < 64 ? high >> (63 - index) : low >> (127 - index)) & 1U);
}

std::uint64_t load_big_endian(const std::uint8_t* at, int bytes) {
  std::uint64_t value = 0;
  for (int i = 0; i < bytes; ++i) value = value << 8U | at[i];
  return value;
}

Node node_of(const Prefix& prefix, Peer* owner) {
  Node node;
  const auto* bytes = prefix.address().bytes().data();
  if (prefix.family() == Family::v4) {
    node.high = load_big_endian(bytes, 4) << 32U;
  } else {
    node.high = load_big_endian(bytes, 8);
    node.low = load_big_endian(bytes + 8, 8);
  }
  node.owner = owner;
  node.length = static_cast<std::uint8_t>(prefix.length());
  return node;
}

Peer* find(const Node* node, std::uint64_t high, std::uint64_t low, int bits) {
  Peer* best = nullptr;
  while (node != nullptr && node->matches(high, low)) {
    if (node->owner != nullptr) best = node->owner;
    if (node->length == bits) break;
    node = node->child[bit_at(high, low, node->length)];
  }
  return best;
}

void delete_tree(const Node* node) {
  if (node == nullptr) return;
  delete_tree(node->child[0]);
  delete_tree(node->child[1]);
  delete node;
}

std::size_t index_of(Family family) { return family == Family::v4 ? 0 : 1; }

}  // namespace

AllowedIps::AllowedIps(EpochDomain& epochs) : epochs_(epochs) {}

AllowedIps::~AllowedIps() {
  for (auto& root : roots_) delete_tree(root.load());
}

Peer* AllowedIps::lookup_v4(const std::uint8_t* address) const {
  return find(roots_[0].load(std::memory_order_seq_cst), load_big_endian(address, 4) << 32U, 0, 32);
}

Peer* AllowedIps::lookup_v6(const std::uint8_t* address) const {
  return find(roots_[1].load(std::memory_order_seq_cst), load_big_endian(address, 8), load_big_endian(address + 8, 8),
              128);
}

Peer* AllowedIps::lookup(const IpAddress& address) const {
  return address.is_v4() ? lookup_v4(address.bytes().data()) : lookup_v6(address.bytes().data());
}

std::vector<Prefix> AllowedIps::prefixes_of(const Peer* peer) const {
  const auto found = by_peer_.find(peer);
  if (found == by_peer_.end()) return {};
  return {found->second.begin(), found->second.end()};
}

AllowedIps::Transaction::Transaction(AllowedIps& table)
    : table_(table), roots_{table.roots_[0].load(), table.roots_[1].load()} {}

AllowedIps::Transaction::~Transaction() {
  for (const auto* node : fresh_) delete node;  // empty after commit()
}

void AllowedIps::Transaction::insert(const Prefix& prefix, Peer* peer) { set_owner(prefix, peer); }

bool AllowedIps::Transaction::remove(const Prefix& prefix, const Peer* peer) {
  if (owner(prefix) != peer) return false;
  set_owner(prefix, nullptr);
  return true;
}

void AllowedIps::Transaction::remove_all(const Peer* peer) {
  const auto prefixes = working_set(peer);  // a copy: set_owner changes the original
  for (const auto& prefix : prefixes) set_owner(prefix, nullptr);
}

void AllowedIps::Transaction::commit() {
  for (auto* node : fresh_) {
    if (node->discarded) {
      delete node;
    } else {
      node->fresh = false;
    }
  }
  fresh_.clear();
  for (std::size_t i = 0; i < roots_.size(); ++i) table_.roots_[i].store(roots_[i], std::memory_order_seq_cst);
  for (const auto& [prefix, peer] : changes_) {
    if (peer != nullptr) {
      table_.owners_[prefix] = peer;
    } else {
      table_.owners_.erase(prefix);
    }
  }
  for (auto& [peer, prefixes] : working_sets_) {
    if (prefixes.empty()) {
      table_.by_peer_.erase(peer);
    } else {
      table_.by_peer_[peer] = std::move(prefixes);
    }
  }
  if (replaced_.empty()) return;
  table_.epochs_.retire([nodes = std::move(replaced_)] {
    for (const auto* node : nodes) delete node;
  });
}

Peer* AllowedIps::Transaction::owner(const Prefix& prefix) const {
  if (const auto changed = changes_.find(prefix); changed != changes_.end()) return changed->second;
  const auto found = table_.owners_.find(prefix);
  return found == table_.owners_.end() ? nullptr : found->second;
}

void AllowedIps::Transaction::set_owner(const Prefix& prefix, Peer* peer) {
  auto* before = owner(prefix);
  if (before == peer) return;
  if (before != nullptr) working_set(before).erase(prefix);
  if (peer != nullptr) working_set(peer).insert(prefix);
  changes_[prefix] = peer;
  auto& root = roots_[index_of(prefix.family())];
  root = change(root, node_of(prefix, peer));
}

AllowedIps::Transaction::Prefixes& AllowedIps::Transaction::working_set(const Peer* peer) {
  const auto [entry, added] = working_sets_.try_emplace(peer);
  if (added) {
    if (const auto found = table_.by_peer_.find(peer); found != table_.by_peer_.end()) entry->second = found->second;
  }
  return entry->second;
}

// Gives the prefix of `wanted` its owner in the tree under `node` and returns
// the tree's new root. Never called to remove a prefix that is not there.
Node* AllowedIps::Transaction::change(Node* node, const Node& wanted) {
  if (node == nullptr) return make(wanted);
  const int common = std::min({node->common(wanted.high, wanted.low), int{node->length}, int{wanted.length}});
  if (common == node->length && common == wanted.length) {
    node = editable(node);
    node->owner = wanted.owner;
    return tidy(node);
  }
  if (common == node->length) {
    const auto side = bit_at(wanted.high, wanted.low, common);
    auto* child = change(node->child[side], wanted);
    if (child == node->child[side]) return node;
    node = editable(node);
    node->child[side] = child;
    return tidy(node);
  }
  auto* above = make(wanted);
  if (common == wanted.length) {
    above->child[bit_at(node->high, node->low, common)] = node;
    return above;
  }
  Node fork;
  fork.high = common == 0 ? 0 : wanted.high & (common >= 64 ? ~std::uint64_t{0} : ~(~std::uint64_t{0} >> common));
  fork.low = common <= 64 ? 0 : wanted.low & ~(~std::uint64_t{0} >> (common - 64));
  fork.length = static_cast<std::uint8_t>(common);
  fork.child[bit_at(node->high, node->low, common)] = node;
  fork.child[bit_at(wanted.high, wanted.low, common)] = above;
  return make(fork);
}

Node* AllowedIps::Transaction::make(const Node& model) {
  auto*& node = fresh_.emplace_back(nullptr);
  node = new Node(model);
  node->fresh = true;
  node->discarded = false;
  return node;
}

Node* AllowedIps::Transaction::editable(Node* node) {
  if (node->fresh) return node;
  replaced_.push_back(node);
  return make(*node);
}

// Takes a node that has lost its purpose out of the tree.
Node* AllowedIps::Transaction::tidy(Node* node) {
  if (node->owner != nullptr || (node->child[0] != nullptr && node->child[1] != nullptr)) return node;
  node->discarded = true;
  return node->child[0] != nullptr ? node->child[0] : node->child[1];
}

}  // namespace radial::engine
