#include "engine/noise/index_table.h"

#include "engine/noise/messages.h"

namespace radial::engine {

Peer* IndexTable::find_handshake(std::uint32_t index) const {
  const auto found = handshakes_.find(index);
  return found == handshakes_.end() ? nullptr : found->second;
}

std::uint32_t IndexTable::add_handshake(Peer& peer) {
  for (;;) {
    std::array<std::uint8_t, 4> bytes{};
    entropy_(bytes);
    const auto index = load_u32(bytes.data());
    if (find(index) == nullptr && handshakes_.try_emplace(index, &peer).second) return index;
  }
}

void IndexTable::add(Keypair& keypair) {
  handshakes_.erase(keypair.local_index());
  auto& bucket = buckets_[bucket_of(keypair.local_index())];
  keypair.next_in_bucket_.store(bucket.load(), std::memory_order_seq_cst);
  bucket.store(&keypair, std::memory_order_seq_cst);
}

void IndexTable::remove(const Keypair& keypair) {
  auto* link = &buckets_[bucket_of(keypair.local_index())];
  for (auto* at = link->load(); at != nullptr; at = link->load()) {
    if (at == &keypair) {
      // The removed keypair keeps its own link: a reader may stand on it.
      link->store(keypair.next_in_bucket_.load(), std::memory_order_seq_cst);
      return;
    }
    link = &at->next_in_bucket_;
  }
}

}  // namespace radial::engine
