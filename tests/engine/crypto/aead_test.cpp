#include "engine/crypto/aead.h"

#include <algorithm>
#include <random>

#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <sodium.h>

#include "tests_hex.h"

namespace radial::engine {
namespace {

using testing_hex::from_hex;
using testing_hex::to_hex;
using Buffer = std::vector<std::uint8_t>;

// What every backend is held against: libsodium's RFC 8439 function with
// WireGuard's nonce. That it is RFC 8439's is shown by the RFC's own vector.
Buffer reference_seal(const std::array<std::uint8_t, 32>& key, std::uint64_t counter, const Buffer& plain) {
  std::array<std::uint8_t, 12> nonce{};
  for (std::size_t i = 0; i < 8; ++i) nonce[4 + i] = static_cast<std::uint8_t>(counter >> (8 * i));
  Buffer out(plain.size() + aead_tag_size);
  crypto_aead_chacha20poly1305_ietf_encrypt(out.data(), nullptr, plain.data(), plain.size(), nullptr, 0, nullptr,
                                            nonce.data(), key.data());
  return out;
}

TEST(AeadReference, IsThatOfRfc8439) {
  // RFC 8439, section 2.8.2.
  const auto key = from_hex("808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f");
  const auto nonce = from_hex("070000004041424344454647");
  const auto associated = from_hex("50515253c0c1c2c3c4c5c6c7");
  const std::string plain =
      "Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the future, sunscreen would be "
      "it.";
  Buffer out(plain.size() + 16);
  crypto_aead_chacha20poly1305_ietf_encrypt(out.data(), nullptr, reinterpret_cast<const std::uint8_t*>(plain.data()),
                                            plain.size(), associated.data(), associated.size(), nullptr, nonce.data(),
                                            key.data());
  EXPECT_EQ(to_hex(std::span(out).first(16)), "d31a8d34648e60db7b86afbc53ef7ec2");
  EXPECT_EQ(to_hex(std::span(out).last(16)), "1ae10b594f09e26a7e902ecbd0600691");
}

class AeadTest : public ::testing::TestWithParam<AeadBackend> {
 protected:
  void SetUp() override {
    aead_ = make_aead(GetParam());
    if (aead_ == nullptr) GTEST_SKIP() << to_string(GetParam()) << " does not work on this machine";
  }
  Buffer random_bytes(std::size_t size) {
    Buffer bytes(size);
    for (auto& byte : bytes) byte = static_cast<std::uint8_t>(random_());
    return bytes;
  }
  std::unique_ptr<AeadKey> random_key() {
    std::array<std::uint8_t, 32> bytes{};
    for (auto& byte : bytes) byte = static_cast<std::uint8_t>(random_());
    return std::make_unique<AeadKey>(Secret::from_bytes(bytes));
  }
  static std::array<std::uint8_t, 32> bytes_of(const AeadKey& key) {
    std::array<std::uint8_t, 32> bytes{};
    std::copy_n(key.data(), bytes.size(), bytes.begin());
    return bytes;
  }

  std::mt19937 random_{11};
  std::unique_ptr<Aead> aead_;
};

TEST_P(AeadTest, SealsEverySizeAsTheReferenceDoesInPlace) {
  const auto key = random_key();
  for (std::size_t size = 0; size <= 1600; size += size < 300 ? 1 : 7) {
    const auto plain = random_bytes(size);
    const std::uint64_t counter = random_();
    auto buffer = plain;
    buffer.resize(size + aead_tag_size);
    AeadJob job{key.get(), counter, buffer.data(), buffer.data(), size};
    aead_->seal(std::span(&job, 1));
    ASSERT_EQ(buffer, reference_seal(bytes_of(*key), counter, plain)) << size;
    aead_->open(std::span(&job, 1));
    ASSERT_TRUE(job.ok) << size;
    ASSERT_EQ(Buffer(buffer.begin(), buffer.begin() + static_cast<std::ptrdiff_t>(size)), plain);
  }
}

TEST_P(AeadTest, LargePacketsAndTheWholeCounter) {
  const auto key = random_key();
  for (const std::size_t size : {4096U, 9000U, 65500U}) {
    for (const std::uint64_t counter : {std::uint64_t{0}, std::uint64_t{1} << 32U, UINT64_MAX - 8193}) {
      const auto plain = random_bytes(size);
      Buffer sealed(size + aead_tag_size);
      AeadJob job{key.get(), counter, plain.data(), sealed.data(), size};
      aead_->seal(std::span(&job, 1));
      ASSERT_EQ(sealed, reference_seal(bytes_of(*key), counter, plain));
    }
  }
}

TEST_P(AeadTest, ManyPacketsOfManyKeysAtOnce) {
  std::vector<std::unique_ptr<AeadKey>> keys;
  for (int i = 0; i < 5; ++i) keys.push_back(random_key());
  for (const std::size_t count : {1U, 31U, 32U, 33U, 200U}) {
    std::vector<Buffer> plain;
    std::vector<Buffer> sealed;
    std::vector<AeadJob> jobs;
    for (std::size_t i = 0; i < count; ++i) {
      plain.push_back(random_bytes(random_() % 1500));
      sealed.emplace_back(plain.back().size() + aead_tag_size);
    }
    for (std::size_t i = 0; i < count; ++i) {
      jobs.push_back({keys[random_() % 5].get(), random_(), plain[i].data(), sealed[i].data(), plain[i].size()});
    }
    aead_->seal(jobs);
    for (std::size_t i = 0; i < count; ++i) {
      ASSERT_EQ(sealed[i], reference_seal(bytes_of(*jobs[i].key), jobs[i].counter, plain[i])) << i << " of " << count;
    }
    // Opens out of place; every fifth is damaged somewhere.
    std::vector<Buffer> opened;
    for (std::size_t i = 0; i < count; ++i) {
      if (i % 5 == 4) sealed[i][random_() % sealed[i].size()] ^= static_cast<std::uint8_t>(1U << random_() % 8);
      opened.emplace_back(plain[i].size() + 1);
    }
    for (std::size_t i = 0; i < count; ++i) {
      jobs[i].in = sealed[i].data();
      jobs[i].out = opened[i].data();
    }
    aead_->open(jobs);
    for (std::size_t i = 0; i < count; ++i) {
      ASSERT_EQ(jobs[i].ok, i % 5 != 4) << i << " of " << count;
      opened[i].pop_back();
      if (jobs[i].ok) {
        ASSERT_EQ(opened[i], plain[i]);
      }
    }
  }
}

TEST_P(AeadTest, EveryFlippedBitIsFound) {
  const auto key = random_key();
  const auto plain = random_bytes(48);
  Buffer sealed(plain.size() + aead_tag_size);
  AeadJob job{key.get(), 5, plain.data(), sealed.data(), plain.size()};
  aead_->seal(std::span(&job, 1));
  for (std::size_t bit = 0; bit < sealed.size() * 8; ++bit) {
    auto damaged = sealed;
    damaged[bit / 8] ^= static_cast<std::uint8_t>(1U << bit % 8);
    AeadJob open{key.get(), 5, damaged.data(), damaged.data(), plain.size()};
    aead_->open(std::span(&open, 1));
    ASSERT_FALSE(open.ok) << bit;
  }
  AeadJob other_counter{key.get(), 6, sealed.data(), sealed.data(), plain.size()};
  aead_->open(std::span(&other_counter, 1));
  EXPECT_FALSE(other_counter.ok);
}

TEST_P(AeadTest, WorksAfterItsKeysWereForgotten) {
  const auto key = random_key();
  const auto plain = random_bytes(1000);
  Buffer sealed(plain.size() + aead_tag_size);
  AeadJob job{key.get(), 1, plain.data(), sealed.data(), plain.size()};
  aead_->seal(std::span(&job, 1));
  aead_->forget_keys();
  aead_->seal(std::span(&job, 1));
  EXPECT_EQ(sealed, reference_seal(bytes_of(*key), 1, plain));
}

INSTANTIATE_TEST_SUITE_P(Backends, AeadTest,
                         ::testing::Values(AeadBackend::ipsec_mb, AeadBackend::openssl, AeadBackend::sodium,
                                           AeadBackend::portable),
                         [](const auto& parameter) {
                           switch (parameter.param) {
                             case AeadBackend::ipsec_mb: return "IpsecMb";
                             case AeadBackend::openssl: return "Openssl";
                             case AeadBackend::sodium: return "Sodium";
                             case AeadBackend::portable: return "Portable";
                           }
                           return "Unknown";
                         });

TEST(AeadBackends, TheBestIsTheFirstAvailable) {
  const auto available = available_aead_backends();
  ASSERT_FALSE(available.empty());
  EXPECT_EQ(make_best_aead()->backend(), available.front());
}

}  // namespace
}  // namespace radial::engine
