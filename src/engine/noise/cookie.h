// Protection against floods (paper, section 5.4.7): mac1, which proves that the
// sender knows our public key, and cookies with mac2, which prove under load
// that he receives at the address he sends from.
//
// Threading: under Device's mutex.
#pragma once

#include <cstdint>
#include <optional>

#include "base/key.h"
#include "engine/crypto/primitives.h"
#include "engine/noise/limits.h"
#include "engine/noise/messages.h"
#include "engine/noise/time.h"
#include "engine/noise/udp_path.h"

namespace radial::engine {

// The keys that follow from the public key of whom a message is sent to.
struct CookieKeys {
  Hash mac1{};    // keys mac1
  Hash cookie{};  // seals a cookie reply

  [[nodiscard]] static CookieKeys of(const PublicKey& key);
};

// The side that checks what comes and asks for cookies.
class CookieChecker {
 public:
  explicit CookieChecker(Entropy entropy) : entropy_(std::move(entropy)) {}
  ~CookieChecker() { wipe(secret_); }
  CookieChecker(const CookieChecker&) = delete;
  CookieChecker& operator=(const CookieChecker&) = delete;

  void set_public_key(const PublicKey& key) { keys_ = CookieKeys::of(key); }

  // `message` is a whole initiation or response; its MACs are the last 32 bytes.
  [[nodiscard]] bool mac1_is_right(Bytes message) const;
  [[nodiscard]] bool mac2_is_right(Bytes message, const UdpPath& from, Instant now, const ProtocolLimits& limits);
  // The reply to a message whose sender shall prove his address.
  [[nodiscard]] std::array<std::uint8_t, cookie_reply::size> reply(Bytes message, const UdpPath& to, Instant now,
                                                                  const ProtocolLimits& limits);

 private:
  [[nodiscard]] Mac cookie_for(const UdpPath& path, Instant now, const ProtocolLimits& limits);

  Entropy entropy_;
  CookieKeys keys_;
  Hash secret_{};
  std::optional<Instant> secret_made_;
};

// The side that sends to one peer: MACs on what goes out, cookies that come back.
class CookieJar {
 public:
  explicit CookieJar(const PublicKey& peer) : keys_(CookieKeys::of(peer)) {}

  // Fills mac1 and mac2, the last 32 bytes of `message`.
  void sign(MutableBytes message, Instant now, const ProtocolLimits& limits);
  // Takes the cookie out of a reply to the message signed last; false when the
  // reply is not that.
  [[nodiscard]] bool consume(Bytes reply, Instant now);

 private:
  CookieKeys keys_;
  std::optional<Mac> last_mac1_;  // of a message not yet answered by a cookie
  std::optional<Mac> cookie_;
  Instant cookie_came_{};
};

}  // namespace radial::engine
