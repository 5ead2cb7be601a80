// Any text taken as a token: it is refused in words that hold none of it, or
// it is a token that is written as it was read. Bytes without the scheme are
// also tried as the body of a token, with the right checksum.
#include <array>
#include <cstdint>
#include <cstdlib>

#include <sodium.h>

#include "control/token.h"

namespace {

using namespace radial;

void require(bool holds) {
  if (!holds) std::abort();
}

void check(const std::string& text) {
  const auto token = control::parse_token(text);
  if (!token) {
    for (const char c : token.error().message) require(static_cast<unsigned char>(c) >= 0x20 && c != 0x7f);
    // What follows "radial1." is a secret, in base64url; the fuzzer also finds the message's own words.
    const auto secret = text.size() < 24 ? std::string() : text.substr(8, 16);
    const bool encoded = secret.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_") == std::string::npos;
    require(secret.empty() || !encoded || token.error().message.find(secret) == std::string::npos);
    return;
  }
  require(!token->site.empty() && !token->endpoints.empty() && token->port != 0);
  const auto again = control::parse_token(control::to_text(*token));
  require(again && again->site == token->site && again->hub_key == token->hub_key && again->ephemeral.equals(token->ephemeral) &&
          again->preshared.equals(token->preshared) && again->expires == token->expires && again->endpoints == token->endpoints);
}

std::string sealed(std::string body) {
  std::array<unsigned char, 32> hash{};
  crypto_generichash(hash.data(), hash.size(), reinterpret_cast<const unsigned char*>(body.data()), body.size(), nullptr, 0);
  body.append(reinterpret_cast<const char*>(hash.data()), 8);
  std::string text(sodium_base64_encoded_len(body.size(), sodium_base64_VARIANT_URLSAFE_NO_PADDING), '\0');
  sodium_bin2base64(text.data(), text.size(), reinterpret_cast<const unsigned char*>(body.data()), body.size(),
                    sodium_base64_VARIANT_URLSAFE_NO_PADDING);
  text.pop_back();
  return "radial1." + text;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  check(text);
  check(sealed(text));
  return 0;
}
