#include "control/token.h"

#include <algorithm>

#include <sodium.h>

namespace radial::control {
namespace {

constexpr std::string_view scheme = "radial1.";
constexpr std::uint8_t version = 1;
constexpr std::size_t checksum_size = 8;
constexpr std::size_t most_characters = 4096;
constexpr std::size_t most_endpoints = 8;
constexpr int variant = sodium_base64_VARIANT_URLSAFE_NO_PADDING;

// Bytes that may be secret: wiped when they go.
struct Bytes : std::string {
  using std::string::string;
  Bytes() = default;
  Bytes(Bytes&&) = default;
  Bytes& operator=(Bytes&&) = default;
  ~Bytes() { wipe(*this); }
};

std::string_view trimmed(std::string_view text) {
  const auto space = [](char c) { return c == ' ' || c == '\n' || c == '\r' || c == '\t'; };
  while (!text.empty() && space(text.front())) text.remove_prefix(1);
  while (!text.empty() && space(text.back())) text.remove_suffix(1);
  return text;
}

void put_number(std::string& out, std::uint64_t value, int size) {
  for (int i = size - 1; i >= 0; --i) out.push_back(static_cast<char>(value >> (8 * i) & 0xff));
}

void put_text(std::string& out, std::string_view text) {
  text = text.substr(0, 255);  // names and endpoints are shorter: the fabric's rules see to that
  out.push_back(static_cast<char>(text.size()));
  out += text;
}

template <class Array>
void put_bytes(std::string& out, const Array& bytes) {
  out.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
}

std::string checksum(std::string_view bytes) {
  std::array<std::uint8_t, 32> hash{};
  crypto_generichash(hash.data(), hash.size(), reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size(), nullptr, 0);
  return {reinterpret_cast<const char*>(hash.data()), checksum_size};
}

// Takes fields from the front; once something is missing, all the rest is too.
class Reader {
 public:
  explicit Reader(std::string_view bytes) : rest_(bytes) {}
  std::string_view take(std::size_t size) {
    if (!good_ || rest_.size() < size) {
      good_ = false;
      return {};
    }
    const auto taken = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return taken;
  }
  std::uint64_t number(std::size_t size) {
    std::uint64_t value = 0;
    for (const char c : take(size)) value = value << 8 | static_cast<std::uint8_t>(c);
    return value;
  }
  std::string text() { return std::string(take(number(1))); }
  std::array<std::uint8_t, 32> key() {
    std::array<std::uint8_t, 32> bytes{};
    const auto taken = take(bytes.size());
    std::copy(taken.begin(), taken.end(), bytes.begin());
    return bytes;
  }
  [[nodiscard]] bool done() const { return good_ && rest_.empty(); }

 private:
  std::string_view rest_;
  bool good_ = true;
};

Unexpected damaged() {
  return fail(Errc::invalid_argument, "the token is damaged or was altered: copy it again, whole; or ask for a new one");
}

}  // namespace

std::string to_text(const Token& token) {
  Bytes bytes;
  bytes.reserve(1024);
  bytes.push_back(static_cast<char>(version));
  put_text(bytes, token.fabric);
  put_text(bytes, token.site);
  put_text(bytes, token.hub);
  put_bytes(bytes, token.hub_key.bytes());
  const auto count = std::min(token.endpoints.size(), most_endpoints);
  bytes.push_back(static_cast<char>(count));
  for (std::size_t i = 0; i < count; ++i) put_text(bytes, token.endpoints[i].to_string());
  put_bytes(bytes, token.ephemeral.bytes());
  put_bytes(bytes, token.preshared.bytes());
  put_number(bytes, token.address.to_v4(), 4);
  put_number(bytes, token.controller.to_v4(), 4);
  put_number(bytes, token.port, 2);
  put_number(bytes, token.mtu, 2);
  put_number(bytes, static_cast<std::uint64_t>(token.expires), 8);
  bytes += checksum(bytes);
  std::string text(scheme);
  const auto before = text.size();
  text.resize(before + sodium_base64_encoded_len(bytes.size(), variant));
  sodium_bin2base64(text.data() + before, text.size() - before, reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size(),
                    variant);
  text.resize(text.size() - 1);  // its terminating NUL
  return text;
}

Result<Token> parse_token(std::string_view text) {
  text = trimmed(text);
  if (!text.starts_with(scheme)) {
    if (text.starts_with("radial"))
      return fail(Errc::unsupported, "the token is of another version of Radial: use the version that printed it, or a newer one");
    return fail(Errc::invalid_argument, "this is not a token: it begins with '{}', as 'radial invite' printed it", scheme);
  }
  text.remove_prefix(scheme.size());
  if (text.size() > most_characters) return damaged();
  Bytes bytes;
  bytes.resize(text.size());
  std::size_t length = 0;
  if (sodium_base642bin(reinterpret_cast<unsigned char*>(bytes.data()), bytes.size(), text.data(), text.size(), nullptr, &length,
                        nullptr, variant) != 0)
    return damaged();
  if (length <= checksum_size) return damaged();
  const std::string_view whole(bytes.data(), length);
  const auto body = whole.substr(0, length - checksum_size);
  if (checksum(body) != whole.substr(body.size())) return damaged();

  Reader reader(body);
  if (reader.number(1) != version)
    return fail(Errc::unsupported, "the token is of another version of Radial: use the version that printed it, or a newer one");
  Token token;
  token.fabric = reader.text();
  token.site = reader.text();
  token.hub = reader.text();
  token.hub_key = PublicKey(reader.key());
  const auto count = reader.number(1);
  for (std::uint64_t i = 0; i < count && i < most_endpoints; ++i) {
    const auto endpoint = Endpoint::parse(reader.text());
    if (!endpoint) return damaged();
    token.endpoints.push_back(*endpoint);
  }
  RADIAL_ASSIGN(token.ephemeral, PrivateKey::parse(Secret::from_bytes(reader.key()).reveal_base64()));
  token.preshared = Secret::from_bytes(reader.key());
  token.address = IpAddress::from_v4(static_cast<std::uint32_t>(reader.number(4)));
  token.controller = IpAddress::from_v4(static_cast<std::uint32_t>(reader.number(4)));
  token.port = static_cast<std::uint16_t>(reader.number(2));
  token.mtu = static_cast<std::uint16_t>(reader.number(2));
  token.expires = static_cast<std::int64_t>(reader.number(8));
  if (!reader.done() || token.endpoints.empty() || token.site.empty() || token.port == 0) return damaged();
  return token;
}

Digest digest_of_token(std::string_view text) {
  text = trimmed(text);
  Digest digest{};
  crypto_generichash(digest.data(), digest.size(), reinterpret_cast<const unsigned char*>(text.data()), text.size(), nullptr, 0);
  return digest;
}

std::string mac_of(const Secret& secret, std::string_view message) {
  static_assert(crypto_auth_hmacsha256_KEYBYTES == key_size);
  Digest mac{};
  crypto_auth_hmacsha256(mac.data(), reinterpret_cast<const unsigned char*>(message.data()), message.size(), secret.bytes().data());
  return hex_of(mac);
}

bool mac_is_right(const Secret& secret, std::string_view message, std::string_view mac_hex) {
  const auto right = mac_of(secret, message);
  return right.size() == mac_hex.size() && sodium_memcmp(right.data(), mac_hex.data(), right.size()) == 0;
}

std::string hex_of(const Digest& digest) {
  std::array<char, 65> text{};
  sodium_bin2hex(text.data(), text.size(), digest.data(), digest.size());
  return text.data();
}

}  // namespace radial::control
