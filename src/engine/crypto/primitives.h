// The slow-path primitives of the WireGuard handshake (paper, section 5.4),
// each done by libsodium or OpenSSL: BLAKE2s, HMAC-BLAKE2s and the key
// derivation on it, X25519, ChaCha20-Poly1305 with associated data, and
// XChaCha20-Poly1305 for cookies.
//
// Threading: functions without shared state; call them from any thread.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <span>

#include "base/key.h"

namespace radial::engine {

using Bytes = std::span<const std::uint8_t>;
using MutableBytes = std::span<std::uint8_t>;

inline constexpr std::size_t hash_size = 32;
inline constexpr std::size_t mac_size = 16;
inline constexpr std::size_t cookie_size = 16;
inline constexpr std::size_t cookie_nonce_size = 24;

using Hash = std::array<std::uint8_t, hash_size>;
using Mac = std::array<std::uint8_t, mac_size>;

// Where randomness comes from. Injected, so that tests can repeat a run.
using Entropy = std::function<void(MutableBytes)>;
[[nodiscard]] Entropy system_entropy();

// Hash(a || b || ...): BLAKE2s-256 (RFC 7693).
[[nodiscard]] Hash blake2s(std::initializer_list<Bytes> input);

// Mac(key, a || b || ...): keyed BLAKE2s with 16 bytes of output; a key of 1 to 32 bytes.
[[nodiscard]] Mac blake2s_mac(Bytes key, std::initializer_list<Bytes> input);

// Hmac(key, input): RFC 2104 over BLAKE2s-256. The result is a secret.
[[nodiscard]] Secret hmac_blake2s(Bytes key, std::initializer_list<Bytes> input);

// Kdf_n of the paper: HKDF (RFC 5869) with a counter octet. Outputs 1..n.
struct Kdf2 {
  Secret first, second;
};
struct Kdf3 {
  Secret first, second, third;
};
[[nodiscard]] Secret kdf1(const Secret& chaining_key, Bytes input);
[[nodiscard]] Kdf2 kdf2(const Secret& chaining_key, Bytes input);
[[nodiscard]] Kdf3 kdf3(const Secret& chaining_key, Bytes input);

// X25519 (RFC 7748). False when the result is all zeros (the other key is of
// small order); `shared` is then all zeros.
[[nodiscard]] bool x25519(const Secret& private_key, const PublicKey& public_key, Secret& shared);
[[nodiscard]] PublicKey x25519_public(const Secret& private_key);
// Clamped as RFC 7748, section 5 asks.
[[nodiscard]] Secret x25519_private(const Entropy& entropy);
[[nodiscard]] Secret x25519_clamp(const Secret& private_key);

// ChaCha20-Poly1305 with nonce 0 (each handshake key is used once).
// seal: out.size() == plain.size() + 16. open: plain.size() + 16 == sealed.size().
void aead_seal(const Secret& key, Bytes plain, Bytes associated, MutableBytes out);
[[nodiscard]] bool aead_open(const Secret& key, Bytes sealed, Bytes associated, MutableBytes plain);

// XChaCha20-Poly1305 with a 24-byte nonce.
void xaead_seal(Bytes key, Bytes nonce, Bytes plain, Bytes associated, MutableBytes out);
[[nodiscard]] bool xaead_open(Bytes key, Bytes nonce, Bytes sealed, Bytes associated, MutableBytes plain);

// Compares in constant time; false when the sizes differ.
[[nodiscard]] bool equal_in_constant_time(Bytes a, Bytes b);

// Overwrites in a way that the compiler may not remove.
void wipe(MutableBytes bytes);

}  // namespace radial::engine
