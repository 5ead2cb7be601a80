// Cryptokey routing: the longest-match table from prefix to peer, for both
// families (WireGuard paper, section 2).
//
// Lookups are lock-free against a published, immutable tree. A change is made
// in a Transaction that copies only the paths it touches, and becomes visible
// as a whole at commit(); a transaction dropped without commit changes nothing.
// Exactly one peer owns a prefix: insert moves it from whoever had it.
//
// Threading: lookup() from any thread inside a Section of the domain given at
// construction (or under the writer's lock). Everything else from one writer
// at a time (Device's mutex).
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <set>
#include <unordered_map>
#include <vector>

#include "base/ip.h"
#include "engine/noise/epoch.h"

namespace radial::engine {

class Peer;

class AllowedIps {
 public:
  explicit AllowedIps(EpochDomain& epochs);
  ~AllowedIps();
  AllowedIps(const AllowedIps&) = delete;
  AllowedIps& operator=(const AllowedIps&) = delete;

  // Longest match for an address of 4 or 16 bytes in network order; null when none.
  [[nodiscard]] Peer* lookup_v4(const std::uint8_t* address) const;
  [[nodiscard]] Peer* lookup_v6(const std::uint8_t* address) const;
  [[nodiscard]] Peer* lookup(const IpAddress& address) const;

  // The prefixes of a peer, ascending, as committed.
  [[nodiscard]] std::vector<Prefix> prefixes_of(const Peer* peer) const;
  [[nodiscard]] std::size_t size() const { return owners_.size(); }

  struct Node;  // opaque

  class Transaction {
   public:
    explicit Transaction(AllowedIps& table);
    ~Transaction();
    Transaction(const Transaction&) = delete;
    Transaction& operator=(const Transaction&) = delete;

    void insert(const Prefix& prefix, Peer* peer);
    // Removes the prefix if `peer` owns it; false (and no change) otherwise.
    bool remove(const Prefix& prefix, const Peer* peer);
    void remove_all(const Peer* peer);
    void commit();  // once, last

   private:
    using Prefixes = std::set<Prefix>;

    [[nodiscard]] Peer* owner(const Prefix& prefix) const;
    void set_owner(const Prefix& prefix, Peer* peer);  // null: nobody
    [[nodiscard]] Prefixes& working_set(const Peer* peer);

    [[nodiscard]] Node* change(Node* node, const Node& wanted);
    [[nodiscard]] Node* make(const Node& model);
    [[nodiscard]] Node* editable(Node* node);
    [[nodiscard]] Node* tidy(Node* node);

    AllowedIps& table_;
    std::array<Node*, 2> roots_;                             // working trees, v4 and v6
    std::vector<Node*> fresh_;                               // made here, so changed in place
    std::vector<Node*> replaced_;                            // published nodes no longer in a tree
    std::unordered_map<Prefix, Peer*> changes_;              // new owner, or null
    std::unordered_map<const Peer*, Prefixes> working_sets_; // of the peers touched
  };

 private:
  EpochDomain& epochs_;
  std::array<std::atomic<Node*>, 2> roots_{};
  std::unordered_map<Prefix, Peer*> owners_;
  std::unordered_map<const Peer*, std::set<Prefix>> by_peer_;
};

}  // namespace radial::engine
