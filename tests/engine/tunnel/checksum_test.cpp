#include "engine/tunnel/offload/checksum.h"

#include <gtest/gtest.h>

#include "naive_packet.h"

namespace radial::engine {
namespace {

TEST(Checksum, AgreesWithTheNaiveSumAtEverySizeAndAlignment) {
  std::mt19937 random(1);
  for (std::size_t size = 0; size < 700; ++size) {
    const auto offset = random() % 33;
    auto bytes = naive::random_bytes(random, size + offset);
    if (size % 5 == 0) std::fill(bytes.begin(), bytes.end(), std::uint8_t{0xff});
    const std::span<const std::uint8_t> part(bytes.data() + offset, size);
    const auto expected = naive::sum(naive::Bytes(part.begin(), part.end()), 0, size);
    naive::Bytes copied(size + 1, 0x5a);
    for (const auto folded : {checksum_fold(checksum_add(0, part)), checksum_fold(checksum_copy(0, part, copied.data()))}) {
      std::array<std::uint8_t, 2> wire{};
      std::memcpy(wire.data(), &folded, 2);
      ASSERT_EQ(wire[0] * 256U + wire[1], expected) << size;
    }
    ASSERT_TRUE(std::equal(part.begin(), part.end(), copied.begin()));
    ASSERT_EQ(copied.back(), 0x5a);
  }
}

TEST(Checksum, ALargestPacketOfOnesDoesNotOverflow) {
  const naive::Bytes ones(65536, 0xff);
  EXPECT_EQ(checksum_fold(checksum_add(0xffff'ffffU, ones)), 0xffff);
}

}  // namespace
}  // namespace radial::engine
