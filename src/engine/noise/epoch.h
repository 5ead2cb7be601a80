// Deferred reclamation: data threads read published pointers without locks,
// the slow path unlinks an object and frees it once nobody can still hold it.
//
// A data thread owns a Reader and wraps each batch of work in a Section. What
// it loads inside from a published pointer stays alive until the Section ends.
// The slow path first unlinks an object (a sequentially consistent store), then
// calls retire(); collect() frees what was retired before every open Section
// began. A thread must not block inside a Section.
//
// Threading: a Reader belongs to one thread; retire() and collect() may be
// called from any thread. Destroy all Readers before the domain.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

namespace radial::engine {

class EpochDomain {
  struct alignas(64) Slot {
    std::atomic<std::uint64_t> epoch{0};  // 0: outside any section
    bool taken = false;                   // under mutex_
  };

 public:
  class Section {
   public:
    explicit Section(Slot& slot) : slot_(&slot) {}
    Section(Section&& other) noexcept : slot_(std::exchange(other.slot_, nullptr)) {}
    Section& operator=(Section&&) = delete;
    Section(const Section&) = delete;
    Section& operator=(const Section&) = delete;
    ~Section() {
      if (slot_ != nullptr) slot_->epoch.store(0, std::memory_order_release);
    }

   private:
    Slot* slot_;
  };

  class Reader {
   public:
    explicit Reader(EpochDomain& domain);
    ~Reader();
    Reader(const Reader&) = delete;
    Reader& operator=(const Reader&) = delete;

    // Sections of one Reader do not nest.
    [[nodiscard]] Section enter() {
      slot_->epoch.store(domain_->epoch_.load(std::memory_order_seq_cst), std::memory_order_seq_cst);
      return Section(*slot_);
    }

   private:
    EpochDomain* domain_;
    Slot* slot_;
  };

  EpochDomain() = default;
  EpochDomain(const EpochDomain&) = delete;
  EpochDomain& operator=(const EpochDomain&) = delete;
  ~EpochDomain();

  // `destroy` runs later, in a collect() or in the destructor; it must not
  // call back into the domain.
  void retire(std::function<void()> destroy);
  template <class T>
  void retire(std::unique_ptr<T> object) {
    if (object != nullptr) retire([raw = object.release()] { delete raw; });
  }

  void collect();
  [[nodiscard]] std::size_t pending() const;

 private:
  struct Retired {
    std::uint64_t epoch;
    std::function<void()> destroy;
  };

  std::atomic<std::uint64_t> epoch_{1};
  mutable std::mutex mutex_;
  std::vector<std::unique_ptr<Slot>> slots_;
  std::vector<Retired> retired_;  // ascending epochs
};

}  // namespace radial::engine
