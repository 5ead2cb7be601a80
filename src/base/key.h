// WireGuard keys. Public keys are ordinary values; private and preshared keys
// live in Secret, which wipes itself, cannot be printed, and is copied only by
// an explicit clone(). Text form: base64 of 32 bytes, as wg(8) prints it.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace radial {

inline constexpr std::size_t key_size = 32;

class PublicKey {
 public:
  PublicKey() = default;  // all zeros: "no key"
  explicit PublicKey(const std::array<std::uint8_t, key_size>& bytes) : bytes_(bytes) {}

  [[nodiscard]] static Result<PublicKey> parse(std::string_view base64);
  [[nodiscard]] static Result<PublicKey> parse_hex(std::string_view hex);
  [[nodiscard]] const std::array<std::uint8_t, key_size>& bytes() const { return bytes_; }
  [[nodiscard]] std::string to_string() const;  // base64
  [[nodiscard]] std::string to_hex() const;
  [[nodiscard]] bool is_zero() const;
  auto operator<=>(const PublicKey&) const = default;

 private:
  std::array<std::uint8_t, key_size> bytes_{};
};

// 32 secret bytes. Move-only; moving from one wipes it. Pages are not locked:
// mlock limits are small and core dumps are disabled by the programs instead.
class Secret {
 public:
  Secret() = default;  // all zeros: "no secret"
  Secret(Secret&& other) noexcept;
  Secret& operator=(Secret&& other) noexcept;
  Secret(const Secret&) = delete;
  Secret& operator=(const Secret&) = delete;
  ~Secret();

  [[nodiscard]] static Secret random();
  [[nodiscard]] static Result<Secret> parse(std::string_view base64);
  [[nodiscard]] static Result<Secret> parse_hex(std::string_view hex);
  [[nodiscard]] static Secret from_bytes(const std::array<std::uint8_t, key_size>& bytes);
  [[nodiscard]] Secret clone() const;

  [[nodiscard]] const std::array<std::uint8_t, key_size>& bytes() const { return bytes_; }
  [[nodiscard]] bool is_zero() const;
  [[nodiscard]] bool equals(const Secret& other) const;  // in constant time

  // The secret as text, for the files and sockets that need it. The caller
  // wipes the string with wipe().
  [[nodiscard]] std::string reveal_base64() const;
  [[nodiscard]] std::string reveal_hex() const;

 protected:
  std::array<std::uint8_t, key_size> bytes_{};
};

// A Curve25519 private key (RFC 7748), clamped.
class PrivateKey : public Secret {
 public:
  PrivateKey() = default;
  [[nodiscard]] static PrivateKey generate();
  [[nodiscard]] static Result<PrivateKey> parse(std::string_view base64);
  [[nodiscard]] PrivateKey clone() const;
  [[nodiscard]] PublicKey public_key() const;
};

using PresharedKey = Secret;

// Overwrites the characters in a way the compiler may not remove, and empties it.
void wipe(std::string& text);

}  // namespace radial

template <>
struct std::hash<radial::PublicKey> {
  std::size_t operator()(const radial::PublicKey& key) const noexcept;
};
template <>
struct fmt::formatter<radial::PublicKey> : fmt::formatter<std::string> {
  auto format(const radial::PublicKey& value, format_context& ctx) const {
    return fmt::formatter<std::string>::format(value.to_string(), ctx);
  }
};
