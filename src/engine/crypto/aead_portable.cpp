// The AEAD where intel-ipsec-mb is not: OpenSSL's EVP, libsodium, and the
// choice between them by size. EVP has the faster cipher but spends some 700 ns
// a packet on set-up; libsodium spends little (bench/wire/aead_bench.cpp).
#include <openssl/evp.h>
#include <sodium.h>

#include "engine/crypto/aead_backends.h"

namespace radial::engine {
namespace {

struct ContextDeleter {
  void operator()(EVP_CIPHER_CTX* context) const { EVP_CIPHER_CTX_free(context); }
};
struct CipherDeleter {
  void operator()(EVP_CIPHER* cipher) const { EVP_CIPHER_free(cipher); }
};
using Context = std::unique_ptr<EVP_CIPHER_CTX, ContextDeleter>;
using Cipher = std::unique_ptr<EVP_CIPHER, CipherDeleter>;

// A context for one direction, re-keyed only when the key changes.
struct Direction {
  Context context;
  std::uint64_t key_id = 0;
};

class OpensslAead final : public Aead {
 public:
  OpensslAead(Cipher cipher, Context seal, Context open)
      : cipher_(std::move(cipher)), seal_{std::move(seal)}, open_{std::move(open)} {}

  void seal(std::span<AeadJob> jobs) override {
    for (auto& job : jobs) seal_one(job);
  }
  void open(std::span<AeadJob> jobs) override {
    for (auto& job : jobs) open_one(job);
  }
  void forget_keys() override {
    static const std::array<std::uint8_t, key_size> zero{};
    for (auto* direction : {&seal_, &open_}) {
      const auto nonce = aead_nonce(0);
      (void)EVP_CipherInit_ex2(direction->context.get(), cipher_.get(), zero.data(), nonce.data(),
                               direction == &seal_ ? 1 : 0, nullptr);
      direction->key_id = 0;
    }
  }
  [[nodiscard]] AeadBackend backend() const override { return AeadBackend::openssl; }

  void seal_one(const AeadJob& job) {
    auto* context = prepare(seal_, job, 1);
    int written = 0;
    int last = 0;
    const bool sealed = EVP_EncryptUpdate(context, job.out, &written, job.in, static_cast<int>(job.length)) == 1 &&
                        EVP_EncryptFinal_ex(context, job.out + written, &last) == 1 &&
                        EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, aead_tag_size, job.out + job.length) == 1;
    // It fails only without memory. Then the plain text must not go out.
    if (!sealed) sodium_memzero(job.out, job.length + aead_tag_size);
  }

  void open_one(AeadJob& job) {
    // OpenSSL takes the tag as a pointer to non-const and only copies it.
    auto* tag = const_cast<std::uint8_t*>(job.in + job.length);
    auto* context = prepare(open_, job, 0);
    int written = 0;
    int last = 0;
    std::uint8_t none = 0;
    job.ok = EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, aead_tag_size, tag) == 1 &&
             EVP_DecryptUpdate(context, job.out, &written, job.in, static_cast<int>(job.length)) == 1 &&
             EVP_DecryptFinal_ex(context, &none, &last) == 1;
  }

 private:
  EVP_CIPHER_CTX* prepare(Direction& direction, const AeadJob& job, int encrypt) {
    const auto nonce = aead_nonce(job.counter);
    const bool same_key = direction.key_id == job.key->id();
    (void)EVP_CipherInit_ex2(direction.context.get(), nullptr, same_key ? nullptr : job.key->data(), nonce.data(),
                             encrypt, nullptr);
    direction.key_id = job.key->id();
    return direction.context.get();
  }

  Cipher cipher_;
  Direction seal_, open_;
};

unsigned long long wide(std::size_t size) { return size; }

class SodiumAead final : public Aead {
 public:
  void seal(std::span<AeadJob> jobs) override {
    for (auto& job : jobs) seal_one(job);
  }
  void open(std::span<AeadJob> jobs) override {
    for (auto& job : jobs) open_one(job);
  }
  void forget_keys() override {}
  [[nodiscard]] AeadBackend backend() const override { return AeadBackend::sodium; }

  static void seal_one(const AeadJob& job) {
    const auto nonce = aead_nonce(job.counter);
    (void)crypto_aead_chacha20poly1305_ietf_encrypt_detached(job.out, job.out + job.length, nullptr, job.in,
                                                             wide(job.length), nullptr, 0, nullptr, nonce.data(),
                                                             job.key->data());
  }
  static void open_one(AeadJob& job) {
    const auto nonce = aead_nonce(job.counter);
    job.ok = crypto_aead_chacha20poly1305_ietf_decrypt_detached(job.out, nullptr, job.in, wide(job.length),
                                                                job.in + job.length, nullptr, 0, nonce.data(),
                                                                job.key->data()) == 0;
  }
};

class PortableAead final : public Aead {
 public:
  explicit PortableAead(std::unique_ptr<OpensslAead> openssl) : openssl_(std::move(openssl)) {}

  void seal(std::span<AeadJob> jobs) override {
    for (auto& job : jobs) is_small(job) ? SodiumAead::seal_one(job) : openssl_->seal_one(job);
  }
  void open(std::span<AeadJob> jobs) override {
    for (auto& job : jobs) is_small(job) ? SodiumAead::open_one(job) : openssl_->open_one(job);
  }
  void forget_keys() override { openssl_->forget_keys(); }
  [[nodiscard]] AeadBackend backend() const override { return AeadBackend::portable; }

 private:
  static constexpr std::size_t small = 512;  // about where the two cost the same
  [[nodiscard]] static bool is_small(const AeadJob& job) { return job.length < small; }

  std::unique_ptr<OpensslAead> openssl_;
};

std::unique_ptr<OpensslAead> make_openssl() {
  Cipher cipher(EVP_CIPHER_fetch(nullptr, "ChaCha20-Poly1305", nullptr));
  Context seal(EVP_CIPHER_CTX_new());
  Context open(EVP_CIPHER_CTX_new());
  if (!cipher || !seal || !open) return nullptr;
  auto aead = std::make_unique<OpensslAead>(std::move(cipher), std::move(seal), std::move(open));
  aead->forget_keys();  // also ties the contexts to the cipher
  return aead;
}

}  // namespace

std::unique_ptr<Aead> make_openssl_aead() { return make_openssl(); }

std::unique_ptr<Aead> make_sodium_aead() {
  return sodium_init() >= 0 ? std::make_unique<SodiumAead>() : nullptr;
}

std::unique_ptr<Aead> make_portable_aead() {
  auto openssl = make_openssl();
  if (openssl == nullptr) return make_sodium_aead();
  if (sodium_init() < 0) return openssl;
  return std::make_unique<PortableAead>(std::move(openssl));
}

}  // namespace radial::engine
