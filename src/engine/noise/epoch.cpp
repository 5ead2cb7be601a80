#include "engine/noise/epoch.h"

#include <algorithm>

namespace radial::engine {

EpochDomain::Reader::Reader(EpochDomain& domain) : domain_(&domain) {
  const std::lock_guard lock(domain.mutex_);
  for (const auto& slot : domain.slots_) {
    if (!slot->taken) {
      slot->taken = true;
      slot_ = slot.get();
      return;
    }
  }
  slot_ = domain.slots_.emplace_back(std::make_unique<Slot>()).get();
  slot_->taken = true;
}

EpochDomain::Reader::~Reader() {
  const std::lock_guard lock(domain_->mutex_);
  slot_->epoch.store(0, std::memory_order_release);
  slot_->taken = false;
}

EpochDomain::~EpochDomain() {
  for (auto& object : retired_) object.destroy();
}

// The object was unlinked before this call. A reader whose section could have
// found it entered with an epoch no greater than the one noted here: in the
// total order of sequentially consistent operations its store of the slot
// precedes its load of the pointer, which precedes the unlinking, which
// precedes the increment.
void EpochDomain::retire(std::function<void()> destroy) {
  const std::lock_guard lock(mutex_);
  retired_.push_back({epoch_.fetch_add(1, std::memory_order_seq_cst), std::move(destroy)});
}

void EpochDomain::collect() {
  std::vector<Retired> free;
  {
    const std::lock_guard lock(mutex_);
    if (retired_.empty()) return;
    auto oldest = UINT64_MAX;
    for (const auto& slot : slots_) {
      const auto epoch = slot->epoch.load(std::memory_order_seq_cst);
      if (epoch != 0) oldest = std::min(oldest, epoch);
    }
    const auto keep = std::find_if(retired_.begin(), retired_.end(),
                                   [&](const Retired& object) { return object.epoch >= oldest; });
    free.assign(std::make_move_iterator(retired_.begin()), std::make_move_iterator(keep));
    retired_.erase(retired_.begin(), keep);
  }
  for (auto& object : free) object.destroy();
}

std::size_t EpochDomain::pending() const {
  const std::lock_guard lock(mutex_);
  return retired_.size();
}

}  // namespace radial::engine
