#include "engine/tunnel/offload/checksum.h"

#include <bit>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace radial::engine {
namespace {

// Two accumulators of 32-bit words: neither can overflow below 2^32 words.
struct Lanes {
  std::uint64_t low = 0;
  std::uint64_t high = 0;
};

// Of the last 1 to 7 bytes. Read in words as they are: put together in memory first, they
// would be loaded wider than they were stored, which waits.
std::uint64_t tail_sum(const std::uint8_t* bytes, std::size_t count) {
  std::uint64_t sum = 0;
  std::uint16_t word = 0;
  for (; count >= 2; bytes += 2, count -= 2) {
    std::memcpy(&word, bytes, 2);
    sum += word;
  }
  if (count == 0) return sum;
  return sum + (std::endian::native == std::endian::big ? static_cast<std::uint64_t>(*bytes) << 8U : *bytes);
}

template <bool copy>
std::uint64_t sum_words(std::uint64_t sum, const std::uint8_t* from, std::size_t size, std::uint8_t* to) {
  Lanes lanes;
  std::size_t at = 0;
  for (; at + 8 <= size; at += 8) {
    std::uint64_t word = 0;
    std::memcpy(&word, from + at, 8);
    if constexpr (copy) std::memcpy(to + at, &word, 8);
    lanes.low += word & 0xffffffffU;
    lanes.high += word >> 32U;
  }
  if (at < size) {
    lanes.low += tail_sum(from + at, size - at);
    if constexpr (copy) std::memcpy(to + at, from + at, size - at);
  }
  return sum + checksum_fold(lanes.low) + checksum_fold(lanes.high);
}

#if defined(__x86_64__)

const bool has_avx2 = __builtin_cpu_supports("avx2") > 0;

template <bool copy>
__attribute__((target("avx2"))) std::uint64_t sum_avx2(std::uint64_t sum, const std::uint8_t* from, std::size_t size,
                                                       std::uint8_t* to) {
  const __m256i mask = _mm256_set1_epi64x(0xffffffff);
  __m256i low = _mm256_setzero_si256();
  __m256i high = _mm256_setzero_si256();
  std::size_t at = 0;
  for (; at + 32 <= size; at += 32) {
    const __m256i words = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(from + at));
    if constexpr (copy) _mm256_storeu_si256(reinterpret_cast<__m256i*>(to + at), words);
    low = _mm256_add_epi64(low, _mm256_and_si256(words, mask));
    high = _mm256_add_epi64(high, _mm256_srli_epi64(words, 32));
  }
  const __m256i both = _mm256_add_epi64(low, high);
  alignas(32) std::uint64_t lanes[4];
  _mm256_store_si256(reinterpret_cast<__m256i*>(lanes), both);
  for (const auto lane : lanes) sum += checksum_fold(lane);
  return sum_words<copy>(sum, from + at, size - at, copy ? to + at : nullptr);
}

#endif

template <bool copy>
std::uint64_t dispatch(std::uint64_t sum, std::span<const std::uint8_t> bytes, std::uint8_t* to) {
#if defined(__x86_64__)
  if (bytes.size() >= 64 && has_avx2) return sum_avx2<copy>(sum, bytes.data(), bytes.size(), to);
#endif
  return sum_words<copy>(sum, bytes.data(), bytes.size(), to);
}

}  // namespace

std::uint64_t checksum_add(std::uint64_t sum, std::span<const std::uint8_t> bytes) {
  return dispatch<false>(sum, bytes, nullptr);
}

std::uint64_t checksum_copy(std::uint64_t sum, std::span<const std::uint8_t> bytes, std::uint8_t* to) {
  return dispatch<true>(sum, bytes, to);
}

}  // namespace radial::engine
