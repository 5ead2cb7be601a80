// From the receiver index of a message to what it belongs to. Keypairs are
// found without locks by data threads; handshakes under Device's mutex only.
//
// Threading: find() inside an EpochDomain::Section or under the mutex; the rest
// under the mutex. A keypair is removed before it is retired.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <unordered_map>

#include "engine/crypto/primitives.h"
#include "engine/noise/keypair.h"

namespace radial::engine {

class IndexTable {
 public:
  explicit IndexTable(Entropy entropy) : entropy_(std::move(entropy)) {}

  [[nodiscard]] Keypair* find(std::uint32_t index) const {
    auto* keypair = buckets_[bucket_of(index)].load(std::memory_order_seq_cst);
    while (keypair != nullptr && keypair->local_index() != index) {
      keypair = keypair->next_in_bucket_.load(std::memory_order_seq_cst);
    }
    return keypair;
  }
  [[nodiscard]] Peer* find_handshake(std::uint32_t index) const;

  // A random index that nothing has, given to the peer's handshake.
  [[nodiscard]] std::uint32_t add_handshake(Peer& peer);
  void remove_handshake(std::uint32_t index) { handshakes_.erase(index); }
  // The keypair takes over the index of the handshake that made it.
  void add(Keypair& keypair);
  void remove(const Keypair& keypair);

 private:
  static constexpr std::size_t bucket_count = 4096;
  [[nodiscard]] static std::size_t bucket_of(std::uint32_t index) { return index % bucket_count; }

  Entropy entropy_;
  std::array<std::atomic<Keypair*>, bucket_count> buckets_{};
  std::unordered_map<std::uint32_t, Peer*> handshakes_;
};

}  // namespace radial::engine
