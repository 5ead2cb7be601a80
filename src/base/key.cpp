#include "base/key.h"

#include <algorithm>
#include <cstring>

#include <sodium.h>

namespace radial {
namespace {

using Bytes = std::array<std::uint8_t, key_size>;

void need_sodium() {
  static const int ready = sodium_init();  // thread-safe; 0 or 1, -1 on failure
  if (ready < 0) std::abort();             // no randomness: nothing we do would be safe
}

std::string to_base64(const Bytes& bytes) {
  std::array<char, sodium_base64_ENCODED_LEN(key_size, sodium_base64_VARIANT_ORIGINAL)> text{};
  sodium_bin2base64(text.data(), text.size(), bytes.data(), bytes.size(), sodium_base64_VARIANT_ORIGINAL);
  std::string result = text.data();
  sodium_memzero(text.data(), text.size());
  return result;
}

std::string hex_of(const Bytes& bytes) {
  std::array<char, key_size * 2 + 1> text{};
  sodium_bin2hex(text.data(), text.size(), bytes.data(), bytes.size());
  std::string result = text.data();
  sodium_memzero(text.data(), text.size());
  return result;
}

// The text is never part of the error: it may be a secret pasted into the
// wrong field.
Result<Bytes> from_base64(std::string_view text) {
  Bytes bytes{};
  std::size_t length = 0;
  const char* end = nullptr;
  if (text.size() != 44 ||
      sodium_base642bin(bytes.data(), bytes.size(), text.data(), text.size(), nullptr, &length, &end,
                        sodium_base64_VARIANT_ORIGINAL) != 0 ||
      length != key_size || end != text.data() + text.size())
    return fail(Errc::invalid_argument, "not a WireGuard key (44 characters of base64, as 'wg genkey' prints)");
  return bytes;
}

Result<Bytes> from_hex(std::string_view text) {
  Bytes bytes{};
  std::size_t length = 0;
  if (text.size() != key_size * 2 ||
      sodium_hex2bin(bytes.data(), bytes.size(), text.data(), text.size(), nullptr, &length, nullptr) != 0 ||
      length != key_size)
    return fail(Errc::invalid_argument, "not a WireGuard key (64 hexadecimal digits)");
  return bytes;
}

}  // namespace

Result<PublicKey> PublicKey::parse(std::string_view base64) {
  RADIAL_ASSIGN(const auto bytes, from_base64(base64));
  return PublicKey(bytes);
}

Result<PublicKey> PublicKey::parse_hex(std::string_view hex) {
  RADIAL_ASSIGN(const auto bytes, from_hex(hex));
  return PublicKey(bytes);
}

std::string PublicKey::to_string() const { return to_base64(bytes_); }
std::string PublicKey::to_hex() const { return hex_of(bytes_); }
bool PublicKey::is_zero() const { return sodium_is_zero(bytes_.data(), bytes_.size()) == 1; }

Secret::Secret(Secret&& other) noexcept : bytes_(other.bytes_) {
  sodium_memzero(other.bytes_.data(), other.bytes_.size());
}

Secret& Secret::operator=(Secret&& other) noexcept {
  if (this != &other) {
    bytes_ = other.bytes_;
    sodium_memzero(other.bytes_.data(), other.bytes_.size());
  }
  return *this;
}

Secret::~Secret() { sodium_memzero(bytes_.data(), bytes_.size()); }

Secret Secret::random() {
  need_sodium();
  Secret secret;
  randombytes_buf(secret.bytes_.data(), secret.bytes_.size());
  return secret;
}

Result<Secret> Secret::parse(std::string_view base64) {
  RADIAL_ASSIGN(auto bytes, from_base64(base64));
  auto secret = from_bytes(bytes);
  sodium_memzero(bytes.data(), bytes.size());
  return secret;
}

Result<Secret> Secret::parse_hex(std::string_view hex) {
  RADIAL_ASSIGN(auto bytes, from_hex(hex));
  auto secret = from_bytes(bytes);
  sodium_memzero(bytes.data(), bytes.size());
  return secret;
}

Secret Secret::from_bytes(const Bytes& bytes) {
  Secret secret;
  secret.bytes_ = bytes;
  return secret;
}

Secret Secret::clone() const { return from_bytes(bytes_); }
bool Secret::is_zero() const { return sodium_is_zero(bytes_.data(), bytes_.size()) == 1; }
bool Secret::equals(const Secret& other) const {
  return sodium_memcmp(bytes_.data(), other.bytes_.data(), bytes_.size()) == 0;
}
std::string Secret::reveal_base64() const { return to_base64(bytes_); }
std::string Secret::reveal_hex() const { return hex_of(bytes_); }

PrivateKey PrivateKey::generate() {
  need_sodium();
  PrivateKey key;
  randombytes_buf(key.bytes_.data(), key.bytes_.size());
  key.bytes_[0] &= 248;
  key.bytes_[31] = static_cast<std::uint8_t>((key.bytes_[31] & 127) | 64);
  return key;
}

Result<PrivateKey> PrivateKey::parse(std::string_view base64) {
  RADIAL_ASSIGN(auto secret, Secret::parse(base64));
  PrivateKey key;
  key.bytes_ = secret.bytes();
  return key;
}

PrivateKey PrivateKey::clone() const {
  PrivateKey key;
  key.bytes_ = bytes_;
  return key;
}

PublicKey PrivateKey::public_key() const {
  need_sodium();
  Bytes bytes{};
  if (crypto_scalarmult_base(bytes.data(), bytes_.data()) != 0) return {};
  return PublicKey(bytes);
}

void wipe(std::string& text) {
  sodium_memzero(text.data(), text.size());
  text.clear();
}

}  // namespace radial

std::size_t std::hash<radial::PublicKey>::operator()(const radial::PublicKey& key) const noexcept {
  std::size_t value = 0;  // public keys are uniform already: any eight bytes serve
  std::memcpy(&value, key.bytes().data(), sizeof value);
  return value;
}
