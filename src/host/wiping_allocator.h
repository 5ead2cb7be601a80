// Memory that is overwritten before it is given back: for buffers through
// which keys pass (UAPI text, netlink messages). A vector that grows leaves no
// copy of what it held. Not for std::string, whose short form lives outside
// the allocator.
#pragma once

#include <cstddef>
#include <cstdint>
#include <new>
#include <vector>

#include <string.h>  // explicit_bzero

namespace radial::host {

template <class T>
struct WipingAllocator {
  using value_type = T;

  WipingAllocator() = default;
  template <class U>
  WipingAllocator(const WipingAllocator<U>&) noexcept {}

  [[nodiscard]] T* allocate(std::size_t count) { return static_cast<T*>(::operator new(count * sizeof(T))); }
  void deallocate(T* memory, std::size_t count) noexcept {
    ::explicit_bzero(memory, count * sizeof(T));
    ::operator delete(memory);
  }
  template <class U>
  bool operator==(const WipingAllocator<U>&) const noexcept { return true; }
};

using SecretBytes = std::vector<std::uint8_t, WipingAllocator<std::uint8_t>>;
using SecretText = std::vector<char, WipingAllocator<char>>;

}  // namespace radial::host
