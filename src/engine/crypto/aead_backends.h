// Private to the AEAD: one maker for each backend; null when it does not work
// on this machine.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "engine/crypto/aead.h"

namespace radial::engine {

inline constexpr std::size_t aead_nonce_size = 12;
using AeadNonce = std::array<std::uint8_t, aead_nonce_size>;

// 32 zero bits, then the counter in little endian (paper, section 5.4.6).
[[nodiscard]] inline AeadNonce aead_nonce(std::uint64_t counter) {
  AeadNonce nonce{};
  for (std::size_t i = 0; i < 8; ++i) nonce[4 + i] = static_cast<std::uint8_t>(counter >> (8 * i));
  return nonce;
}

[[nodiscard]] std::unique_ptr<Aead> make_ipsec_mb_aead();
[[nodiscard]] std::unique_ptr<Aead> make_openssl_aead();
[[nodiscard]] std::unique_ptr<Aead> make_sodium_aead();
[[nodiscard]] std::unique_ptr<Aead> make_portable_aead();

}  // namespace radial::engine
