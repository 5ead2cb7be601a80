#include "base/ip.h"

#include <algorithm>
#include <charconv>
#include <cstring>

#include <arpa/inet.h>

namespace radial {
namespace {

// A decimal number without sign or leading zeros, at most `max`.
std::optional<unsigned> parse_decimal(std::string_view text, unsigned max) {
  if (text.empty() || text.size() > 6 || (text.size() > 1 && text.front() == '0')) return std::nullopt;
  unsigned value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || value > max) return std::nullopt;
  return value;
}

struct SplitPrefix {
  IpAddress address;
  int length;
};

Result<SplitPrefix> split_prefix(std::string_view text) {
  const auto slash = text.find('/');
  if (slash == std::string_view::npos)
    return fail(Errc::invalid_argument, "'{}' has no prefix length; write it as ADDRESS/LENGTH", text);
  RADIAL_ASSIGN(const auto address, IpAddress::parse(text.substr(0, slash)));
  const auto length = parse_decimal(text.substr(slash + 1), static_cast<unsigned>(bits_of(address.family())));
  if (!length)
    return fail(Errc::invalid_argument, "'{}' has a bad prefix length; it must be 0 to {}", text,
                bits_of(address.family()));
  return SplitPrefix{address, static_cast<int>(*length)};
}

bool valid_host_name(std::string_view host) {
  if (host.empty() || host.size() > 253) return false;
  std::size_t label = 0;
  char previous = '.';
  bool has_letter = false;
  for (const char c : host) {
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    const bool digit = c >= '0' && c <= '9';
    if (c == '.') {
      if (label == 0 || previous == '-') return false;
      label = 0;
    } else if (letter || digit || c == '_' || (c == '-' && label > 0)) {
      if (++label > 63) return false;
      has_letter |= letter;
    } else {
      return false;
    }
    previous = c;
  }
  return previous != '-' && has_letter;  // all digits and dots is a mistyped address
}

}  // namespace

Result<IpAddress> IpAddress::parse(std::string_view text) {
  IpAddress result;
  const std::string copy(text);
  if (copy.find('\0') == std::string::npos && copy.size() < INET6_ADDRSTRLEN) {
    if (copy.find(':') != std::string::npos) {
      result.family_ = Family::v6;
      if (inet_pton(AF_INET6, copy.c_str(), result.bytes_.data()) == 1) return result;
    } else if (inet_pton(AF_INET, copy.c_str(), result.bytes_.data()) == 1) {
      return result;
    }
  }
  return fail(Errc::invalid_argument, "'{}' is not an IP address", text.substr(0, 64));
}

IpAddress IpAddress::from_bytes(std::span<const std::uint8_t> bytes) {
  IpAddress result;
  result.family_ = bytes.size() == 4 ? Family::v4 : Family::v6;
  std::copy_n(bytes.begin(), std::min<std::size_t>(bytes.size(), 16), result.bytes_.begin());
  return result;
}

IpAddress IpAddress::from_v4(std::uint32_t host_order) {
  const std::array<std::uint8_t, 4> bytes{
      static_cast<std::uint8_t>(host_order >> 24), static_cast<std::uint8_t>(host_order >> 16),
      static_cast<std::uint8_t>(host_order >> 8), static_cast<std::uint8_t>(host_order)};
  return from_bytes(bytes);
}

std::uint32_t IpAddress::to_v4() const {
  return std::uint32_t{bytes_[0]} << 24 | std::uint32_t{bytes_[1]} << 16 | std::uint32_t{bytes_[2]} << 8 | bytes_[3];
}

bool IpAddress::is_unspecified() const {
  return std::all_of(bytes_.begin(), bytes_.end(), [](auto byte) { return byte == 0; });
}

bool IpAddress::is_loopback() const {
  if (is_v4()) return bytes_[0] == 127;
  return std::all_of(bytes_.begin(), bytes_.end() - 1, [](auto byte) { return byte == 0; }) && bytes_[15] == 1;
}

bool IpAddress::is_multicast() const { return is_v4() ? (bytes_[0] & 0xf0) == 0xe0 : bytes_[0] == 0xff; }

bool IpAddress::is_link_local() const {
  return is_v4() ? bytes_[0] == 169 && bytes_[1] == 254 : bytes_[0] == 0xfe && (bytes_[1] & 0xc0) == 0x80;
}

std::optional<IpAddress> IpAddress::plus(std::uint64_t offset) const {
  IpAddress result = *this;
  std::uint64_t carry = offset;
  for (int i = static_cast<int>(bytes().size()) - 1; i >= 0; --i) {
    const auto index = static_cast<std::size_t>(i);
    const std::uint64_t low = carry & 0xff;
    const std::uint64_t sum = result.bytes_[index] + low;
    result.bytes_[index] = static_cast<std::uint8_t>(sum);
    carry = (carry >> 8) + (sum >> 8);
  }
  if (carry != 0) return std::nullopt;
  return result;
}

std::string IpAddress::to_string() const {
  std::array<char, INET6_ADDRSTRLEN> text{};
  inet_ntop(is_v4() ? AF_INET : AF_INET6, bytes_.data(), text.data(), text.size());
  return text.data();
}

Result<Prefix> Prefix::parse(std::string_view text) {
  RADIAL_ASSIGN(const auto split, split_prefix(text));
  const auto prefix = of(split.address, split.length);
  if (prefix.address() != split.address)
    return fail(Errc::invalid_argument, "'{}' has host bits set; the prefix is {}", text, prefix.to_string());
  return prefix;
}

Prefix Prefix::of(const IpAddress& address, int length) {
  std::array<std::uint8_t, 16> bytes{};
  const auto source = address.bytes();
  for (std::size_t i = 0; i < source.size(); ++i) {
    const int kept = std::clamp(length - static_cast<int>(i) * 8, 0, 8);
    bytes[i] = static_cast<std::uint8_t>(source[i] & (0xff00U >> kept));
  }
  Prefix prefix;
  prefix.address_ = IpAddress::from_bytes({bytes.data(), source.size()});
  prefix.length_ = static_cast<std::uint8_t>(length);
  return prefix;
}

Prefix Prefix::any(Family family) {
  const std::array<std::uint8_t, 16> zero{};
  return of(IpAddress::from_bytes({zero.data(), family == Family::v4 ? std::size_t{4} : std::size_t{16}}), 0);
}

bool Prefix::contains(const IpAddress& address) const {
  return address.family() == family() && of(address, length_).address_ == address_;
}

bool Prefix::contains(const Prefix& other) const {
  return other.length_ >= length_ && contains(other.address_);
}

std::string Prefix::to_string() const { return fmt::format("{}/{}", address_.to_string(), length_); }

std::string first_few(const std::vector<Prefix>& prefixes) {
  constexpr std::size_t most_shown = 5;
  std::string text;
  for (std::size_t i = 0; i < std::min(prefixes.size(), most_shown); ++i) text += (i == 0 ? "" : ", ") + prefixes[i].to_string();
  if (prefixes.size() > most_shown) text += fmt::format(" and {} more", prefixes.size() - most_shown);
  return text;
}

Result<InterfaceAddress> InterfaceAddress::parse(std::string_view text) {
  RADIAL_ASSIGN(const auto split, split_prefix(text));
  return InterfaceAddress{split.address, split.length};
}

std::string InterfaceAddress::to_string() const { return fmt::format("{}/{}", address.to_string(), length); }

Result<Endpoint> Endpoint::parse(std::string_view text) {
  const auto bad = [&](std::string_view why) {
    return fail(Errc::invalid_argument, "'{}' {}; write it as HOST:PORT or [IPV6]:PORT", text.substr(0, 300), why);
  };
  std::string_view host;
  std::string_view port_text;
  if (!text.empty() && text.front() == '[') {
    const auto close = text.find("]:");
    if (close == std::string_view::npos) return bad("has no port after its ']'");
    host = text.substr(1, close - 1);
    port_text = text.substr(close + 2);
    const auto address = IpAddress::parse(host);
    if (!address || address->is_v4()) return bad("has no IPv6 address between its brackets");
  } else {
    const auto colon = text.rfind(':');
    if (colon == std::string_view::npos) return bad("has no port");
    host = text.substr(0, colon);
    port_text = text.substr(colon + 1);
    if (host.find(':') != std::string_view::npos) return bad("has an IPv6 address without brackets");
    if (!IpAddress::parse(host) && !valid_host_name(host)) return bad("has neither a host name nor an address");
  }
  const auto port = parse_decimal(port_text, 65535);
  if (!port || *port == 0) return bad("has a bad port (1 to 65535)");
  return Endpoint{std::string(host), static_cast<std::uint16_t>(*port)};
}

std::optional<IpAddress> Endpoint::address() const {
  auto parsed = IpAddress::parse(host);
  if (!parsed) return std::nullopt;
  return *parsed;
}

std::string Endpoint::to_string() const {
  return host.find(':') == std::string::npos ? fmt::format("{}:{}", host, port) : fmt::format("[{}]:{}", host, port);
}

}  // namespace radial

std::size_t std::hash<radial::IpAddress>::operator()(const radial::IpAddress& address) const noexcept {
  std::array<std::uint64_t, 2> words{};
  const auto bytes = address.bytes();
  std::memcpy(words.data(), bytes.data(), bytes.size());
  std::uint64_t mixed = (words[0] ^ 0x9e3779b97f4a7c15ULL) * 0xbf58476d1ce4e5b9ULL;
  mixed = (mixed ^ (mixed >> 29) ^ words[1]) * 0x94d049bb133111ebULL;
  return static_cast<std::size_t>(mixed ^ (mixed >> 31));
}
