// IP addresses, prefixes and endpoints as values, for both families.
//
// Text forms: RFC 4291 section 2.2 for IPv6 (printed canonically as RFC 5952),
// dotted quad for IPv4 without leading zeros ("010" is refused, as it is octal
// to some parsers and decimal to others), CIDR (RFC 4632) for prefixes.
// Threading: plain values.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace radial {

enum class Family : std::uint8_t { v4 = 4, v6 = 6 };

// 32 or 128.
[[nodiscard]] constexpr int bits_of(Family family) { return family == Family::v4 ? 32 : 128; }

class IpAddress {
 public:
  IpAddress() = default;  // 0.0.0.0

  [[nodiscard]] static Result<IpAddress> parse(std::string_view text);
  // 4 or 16 bytes, network order; anything else is a programming error.
  [[nodiscard]] static IpAddress from_bytes(std::span<const std::uint8_t> bytes);
  [[nodiscard]] static IpAddress from_v4(std::uint32_t host_order);

  [[nodiscard]] Family family() const { return family_; }
  [[nodiscard]] bool is_v4() const { return family_ == Family::v4; }
  [[nodiscard]] bool is_v6() const { return family_ == Family::v6; }
  // 4 or 16 bytes, network order; borrows from this object.
  [[nodiscard]] std::span<const std::uint8_t> bytes() const {
    return {bytes_.data(), is_v4() ? std::size_t{4} : std::size_t{16}};
  }
  [[nodiscard]] std::uint32_t to_v4() const;  // host order; v4 only
  [[nodiscard]] bool bit(int index) const {   // 0 is the most significant
    return (bytes_[static_cast<std::size_t>(index / 8)] >> (7 - index % 8) & 1) != 0;
  }
  [[nodiscard]] bool is_unspecified() const;
  [[nodiscard]] bool is_loopback() const;
  [[nodiscard]] bool is_multicast() const;
  [[nodiscard]] bool is_link_local() const;  // 169.254.0.0/16, fe80::/10
  // This address plus `offset`, or nothing when it wraps round.
  [[nodiscard]] std::optional<IpAddress> plus(std::uint64_t offset) const;

  [[nodiscard]] std::string to_string() const;

  // IPv4 before IPv6, then by value.
  auto operator<=>(const IpAddress&) const = default;

 private:
  Family family_ = Family::v4;
  std::array<std::uint8_t, 16> bytes_{};
};

class Prefix {
 public:
  Prefix() = default;  // 0.0.0.0/0

  // "10.0.0.0/8". Refuses host bits ("10.0.0.1/8"), naming the prefix meant.
  // A bare address is not a prefix.
  [[nodiscard]] static Result<Prefix> parse(std::string_view text);
  // Clears host bits; a length outside the family is a programming error.
  [[nodiscard]] static Prefix of(const IpAddress& address, int length);
  [[nodiscard]] static Prefix host(const IpAddress& address) {
    return of(address, bits_of(address.family()));
  }
  [[nodiscard]] static Prefix any(Family family);

  [[nodiscard]] const IpAddress& address() const { return address_; }
  [[nodiscard]] int length() const { return length_; }
  [[nodiscard]] Family family() const { return address_.family(); }
  [[nodiscard]] bool is_default() const { return length_ == 0; }
  [[nodiscard]] bool is_host() const { return length_ == bits_of(family()); }

  [[nodiscard]] bool contains(const IpAddress& address) const;
  [[nodiscard]] bool contains(const Prefix& other) const;  // equal counts
  [[nodiscard]] bool overlaps(const Prefix& other) const {
    return contains(other) || other.contains(*this);
  }

  [[nodiscard]] std::string to_string() const;

  auto operator<=>(const Prefix&) const = default;

 private:
  IpAddress address_;
  std::uint8_t length_ = 0;
};

// For a line that people read: the first five, and how many more. "10.0.0.0/24, 10.0.1.0/24".
[[nodiscard]] std::string first_few(const std::vector<Prefix>& prefixes);

// An address as an interface holds it: with the length of its network.
struct InterfaceAddress {
  IpAddress address;
  int length = 32;

  [[nodiscard]] static Result<InterfaceAddress> parse(std::string_view text);  // "10.255.0.1/24"
  [[nodiscard]] Prefix network() const { return Prefix::of(address, length); }
  [[nodiscard]] std::string to_string() const;
  auto operator<=>(const InterfaceAddress&) const = default;
};

// A host name or address with a UDP port, as an operator writes it:
// "vpn.example.com:51820", "192.0.2.1:51820", "[2001:db8::1]:51820".
struct Endpoint {
  std::string host;
  std::uint16_t port = 0;

  [[nodiscard]] static Result<Endpoint> parse(std::string_view text);
  [[nodiscard]] static Endpoint of(const IpAddress& address, std::uint16_t port) {
    return {address.to_string(), port};
  }
  // The address when `host` is one, nothing when it is a name to resolve.
  [[nodiscard]] std::optional<IpAddress> address() const;
  [[nodiscard]] std::string to_string() const;
  auto operator<=>(const Endpoint&) const = default;
};

}  // namespace radial

template <>
struct std::hash<radial::IpAddress> {
  std::size_t operator()(const radial::IpAddress& address) const noexcept;
};
template <>
struct std::hash<radial::Prefix> {
  std::size_t operator()(const radial::Prefix& prefix) const noexcept {
    return std::hash<radial::IpAddress>{}(prefix.address()) * 131 + static_cast<std::size_t>(prefix.length());
  }
};
template <>
struct fmt::formatter<radial::IpAddress> : fmt::formatter<std::string> {
  auto format(const radial::IpAddress& value, format_context& ctx) const {
    return fmt::formatter<std::string>::format(value.to_string(), ctx);
  }
};
template <>
struct fmt::formatter<radial::Prefix> : fmt::formatter<std::string> {
  auto format(const radial::Prefix& value, format_context& ctx) const {
    return fmt::formatter<std::string>::format(value.to_string(), ctx);
  }
};
template <>
struct fmt::formatter<radial::InterfaceAddress> : fmt::formatter<std::string> {
  auto format(const radial::InterfaceAddress& value, format_context& ctx) const {
    return fmt::formatter<std::string>::format(value.to_string(), ctx);
  }
};
template <>
struct fmt::formatter<radial::Endpoint> : fmt::formatter<std::string> {
  auto format(const radial::Endpoint& value, format_context& ctx) const {
    return fmt::formatter<std::string>::format(value.to_string(), ctx);
  }
};
