#include "engine/crypto/primitives.h"

#include <cstdio>
#include <cstdlib>
#include <memory>

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <sodium.h>

namespace radial::engine {
namespace {

// What fails below can only fail for want of memory or with a broken OpenSSL;
// going on with a wrong hash is no choice then.
void require(bool worked, const char* what) {
  if (worked) return;
  std::fprintf(stderr, "%s\n", what);
  std::abort();
}

struct DigestDeleter {
  void operator()(EVP_MD* digest) const { EVP_MD_free(digest); }
  void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
};
struct MacDeleter {
  void operator()(EVP_MAC* mac) const { EVP_MAC_free(mac); }
  void operator()(EVP_MAC_CTX* context) const { EVP_MAC_CTX_free(context); }
};
using MacContext = std::unique_ptr<EVP_MAC_CTX, MacDeleter>;

const EVP_MD* blake2s_digest() {
  static const std::unique_ptr<EVP_MD, DigestDeleter> digest(EVP_MD_fetch(nullptr, "BLAKE2S-256", nullptr));
  require(digest != nullptr, "OpenSSL has no BLAKE2S-256");
  return digest.get();
}

// A context with its parameters set and no key, to be duplicated: fetching and
// configuring costs far more than the MAC.
MacContext make_template(const char* algorithm, const OSSL_PARAM* parameters) {
  const std::unique_ptr<EVP_MAC, MacDeleter> mac(EVP_MAC_fetch(nullptr, algorithm, nullptr));
  require(mac != nullptr, "OpenSSL lacks a MAC");
  MacContext context(EVP_MAC_CTX_new(mac.get()));
  require(context != nullptr && EVP_MAC_CTX_set_params(context.get(), parameters) == 1, "OpenSSL refuses a MAC");
  return context;
}

MacContext hmac_template() {
  char digest[] = "BLAKE2S-256";
  const OSSL_PARAM parameters[] = {OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
                                   OSSL_PARAM_construct_end()};
  return make_template("HMAC", parameters);
}

MacContext blake2s_mac_template() {
  std::size_t size = mac_size;
  const OSSL_PARAM parameters[] = {OSSL_PARAM_construct_size_t(OSSL_MAC_PARAM_SIZE, &size), OSSL_PARAM_construct_end()};
  return make_template("BLAKE2SMAC", parameters);
}

void run_mac(const MacContext& model, Bytes key, std::initializer_list<Bytes> input, MutableBytes out) {
  const MacContext context(EVP_MAC_CTX_dup(model.get()));
  bool worked = context != nullptr && EVP_MAC_init(context.get(), key.data(), key.size(), nullptr) == 1;
  for (const auto part : input) {
    worked = worked && (part.empty() || EVP_MAC_update(context.get(), part.data(), part.size()) == 1);
  }
  std::size_t written = 0;
  worked = worked && EVP_MAC_final(context.get(), out.data(), &written, out.size()) == 1 && written == out.size();
  require(worked, "OpenSSL could not compute a MAC");
}

constexpr std::array<std::uint8_t, crypto_aead_chacha20poly1305_ietf_NPUBBYTES> zero_nonce{};

}  // namespace

Entropy system_entropy() {
  return [](MutableBytes out) { randombytes_buf(out.data(), out.size()); };
}

Hash blake2s(std::initializer_list<Bytes> input) {
  thread_local const std::unique_ptr<EVP_MD_CTX, DigestDeleter> context(EVP_MD_CTX_new());
  Hash hash{};
  bool worked = context != nullptr && EVP_DigestInit_ex2(context.get(), blake2s_digest(), nullptr) == 1;
  for (const auto part : input) {
    worked = worked && (part.empty() || EVP_DigestUpdate(context.get(), part.data(), part.size()) == 1);
  }
  worked = worked && EVP_DigestFinal_ex(context.get(), hash.data(), nullptr) == 1;
  require(worked, "OpenSSL could not compute BLAKE2s");
  return hash;
}

Mac blake2s_mac(Bytes key, std::initializer_list<Bytes> input) {
  static const MacContext model = blake2s_mac_template();
  Mac mac{};
  run_mac(model, key, input, mac);
  return mac;
}

Secret hmac_blake2s(Bytes key, std::initializer_list<Bytes> input) {
  static const MacContext model = hmac_template();
  Hash out{};
  run_mac(model, key, input, out);
  auto secret = Secret::from_bytes(out);
  wipe(out);
  return secret;
}

namespace {

Secret expand(const Secret& extracted, Bytes previous, std::uint8_t counter) {
  return hmac_blake2s(extracted.bytes(), {previous, Bytes(&counter, 1)});
}

}  // namespace

Secret kdf1(const Secret& chaining_key, Bytes input) {
  const auto extracted = hmac_blake2s(chaining_key.bytes(), {input});
  return expand(extracted, {}, 1);
}

Kdf2 kdf2(const Secret& chaining_key, Bytes input) {
  const auto extracted = hmac_blake2s(chaining_key.bytes(), {input});
  Kdf2 out;
  out.first = expand(extracted, {}, 1);
  out.second = expand(extracted, out.first.bytes(), 2);
  return out;
}

Kdf3 kdf3(const Secret& chaining_key, Bytes input) {
  const auto extracted = hmac_blake2s(chaining_key.bytes(), {input});
  Kdf3 out;
  out.first = expand(extracted, {}, 1);
  out.second = expand(extracted, out.first.bytes(), 2);
  out.third = expand(extracted, out.second.bytes(), 3);
  return out;
}

bool x25519(const Secret& private_key, const PublicKey& public_key, Secret& shared) {
  std::array<std::uint8_t, key_size> out{};
  const bool worked =
      crypto_scalarmult_curve25519(out.data(), private_key.bytes().data(), public_key.bytes().data()) == 0;
  shared = worked ? Secret::from_bytes(out) : Secret();
  wipe(out);
  return worked;
}

PublicKey x25519_public(const Secret& private_key) {
  std::array<std::uint8_t, key_size> out{};
  (void)crypto_scalarmult_curve25519_base(out.data(), private_key.bytes().data());
  return PublicKey(out);
}

Secret x25519_clamp(const Secret& private_key) {
  auto bytes = private_key.bytes();
  bytes[0] &= 0xf8U;
  bytes[31] = static_cast<std::uint8_t>((bytes[31] & 0x7fU) | 0x40U);
  auto clamped = Secret::from_bytes(bytes);
  wipe(bytes);
  return clamped;
}

Secret x25519_private(const Entropy& entropy) {
  std::array<std::uint8_t, key_size> bytes{};
  entropy(bytes);
  auto clamped = x25519_clamp(Secret::from_bytes(bytes));
  wipe(bytes);
  return clamped;
}

void aead_seal(const Secret& key, Bytes plain, Bytes associated, MutableBytes out) {
  (void)crypto_aead_chacha20poly1305_ietf_encrypt(out.data(), nullptr, plain.data(), plain.size(), associated.data(),
                                                  associated.size(), nullptr, zero_nonce.data(), key.bytes().data());
}

bool aead_open(const Secret& key, Bytes sealed, Bytes associated, MutableBytes plain) {
  return crypto_aead_chacha20poly1305_ietf_decrypt(plain.data(), nullptr, nullptr, sealed.data(), sealed.size(),
                                                   associated.data(), associated.size(), zero_nonce.data(),
                                                   key.bytes().data()) == 0;
}

void xaead_seal(Bytes key, Bytes nonce, Bytes plain, Bytes associated, MutableBytes out) {
  (void)crypto_aead_xchacha20poly1305_ietf_encrypt(out.data(), nullptr, plain.data(), plain.size(), associated.data(),
                                                   associated.size(), nullptr, nonce.data(), key.data());
}

bool xaead_open(Bytes key, Bytes nonce, Bytes sealed, Bytes associated, MutableBytes plain) {
  return crypto_aead_xchacha20poly1305_ietf_decrypt(plain.data(), nullptr, nullptr, sealed.data(), sealed.size(),
                                                    associated.data(), associated.size(), nonce.data(),
                                                    key.data()) == 0;
}

bool equal_in_constant_time(Bytes a, Bytes b) {
  return a.size() == b.size() && (a.empty() || sodium_memcmp(a.data(), b.data(), a.size()) == 0);
}

void wipe(MutableBytes bytes) { sodium_memzero(bytes.data(), bytes.size()); }

}  // namespace radial::engine
