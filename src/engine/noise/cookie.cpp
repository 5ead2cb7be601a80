#include "engine/noise/cookie.h"

#include <algorithm>
#include <string_view>

namespace radial::engine {
namespace {

Bytes text(std::string_view label) { return {reinterpret_cast<const std::uint8_t*>(label.data()), label.size()}; }

Bytes before_mac1(Bytes message) { return message.first(message.size() - 2 * mac_size); }
Bytes before_mac2(Bytes message) { return message.first(message.size() - mac_size); }
Bytes mac1_of(Bytes message) { return message.subspan(message.size() - 2 * mac_size, mac_size); }
Bytes mac2_of(Bytes message) { return message.last(mac_size); }

}  // namespace

CookieKeys CookieKeys::of(const PublicKey& key) {
  return {blake2s({text("mac1----"), key.bytes()}), blake2s({text("cookie--"), key.bytes()})};
}

bool CookieChecker::mac1_is_right(Bytes message) const {
  return equal_in_constant_time(blake2s_mac(keys_.mac1, {before_mac1(message)}), mac1_of(message));
}

bool CookieChecker::mac2_is_right(Bytes message, const UdpPath& from, Instant now, const ProtocolLimits& limits) {
  const auto cookie = cookie_for(from, now, limits);
  return equal_in_constant_time(blake2s_mac(cookie, {before_mac2(message)}), mac2_of(message));
}

std::array<std::uint8_t, cookie_reply::size> CookieChecker::reply(Bytes message, const UdpPath& to, Instant now,
                                                                  const ProtocolLimits& limits) {
  // The sender index has one place in both kinds of message.
  static_assert(initiation::sender == response::sender);
  std::array<std::uint8_t, cookie_reply::size> out{};
  store_u32(out.data(), static_cast<std::uint32_t>(MessageType::cookie_reply));
  std::copy_n(message.begin() + initiation::sender, 4, out.begin() + cookie_reply::receiver);
  const auto nonce = MutableBytes(out).subspan(cookie_reply::nonce, cookie_nonce_size);
  entropy_(nonce);
  xaead_seal(keys_.cookie, nonce, cookie_for(to, now, limits), mac1_of(message),
             MutableBytes(out).subspan(cookie_reply::sealed_cookie));
  return out;
}

Mac CookieChecker::cookie_for(const UdpPath& path, Instant now, const ProtocolLimits& limits) {
  if (!secret_made_ || now - *secret_made_ >= limits.cookie_refresh_time) {
    entropy_(secret_);
    secret_made_ = now;
  }
  const auto address = path.address();
  const auto port = path.port();
  const std::array<std::uint8_t, 2> port_bytes{static_cast<std::uint8_t>(port >> 8U), static_cast<std::uint8_t>(port)};
  return blake2s_mac(secret_, {address.bytes(), port_bytes});
}

void CookieJar::sign(MutableBytes message, Instant now, const ProtocolLimits& limits) {
  const auto mac1 = blake2s_mac(keys_.mac1, {before_mac1(message)});
  std::copy(mac1.begin(), mac1.end(), message.end() - 2 * mac_size);
  last_mac1_ = mac1;
  Mac mac2{};
  if (cookie_ && now - cookie_came_ < limits.cookie_refresh_time - limits.cookie_latency) {
    mac2 = blake2s_mac(*cookie_, {before_mac2(message)});
  }
  std::copy(mac2.begin(), mac2.end(), message.end() - mac_size);
}

bool CookieJar::consume(Bytes reply, Instant now) {
  if (reply.size() != cookie_reply::size || !last_mac1_) return false;
  Mac cookie{};
  if (!xaead_open(keys_.cookie, reply.subspan(cookie_reply::nonce, cookie_nonce_size),
                  reply.subspan(cookie_reply::sealed_cookie), *last_mac1_, cookie)) {
    return false;
  }
  cookie_ = cookie;
  cookie_came_ = now;
  last_mac1_.reset();
  return true;
}

}  // namespace radial::engine
