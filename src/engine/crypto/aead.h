// ChaCha20-Poly1305 (RFC 8439) for transport packets, many at a call.
//
// WireGuard's transport nonce is 32 zero bits and the 64-bit counter in little
// endian; there is no associated data. A call takes any number of packets,
// each with its own key, counter and buffers, so that a backend may keep
// several in flight. The cipher itself is always a library's.
//
// Threading: an Aead belongs to one thread. An AeadKey is immutable and may be
// used by many threads at once.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "base/key.h"

namespace radial::engine {

inline constexpr std::size_t aead_tag_size = 16;

// A transport key. Wiped on destruction.
class AeadKey {
 public:
  explicit AeadKey(Secret secret);
  AeadKey(const AeadKey&) = delete;
  AeadKey& operator=(const AeadKey&) = delete;

  [[nodiscard]] const std::uint8_t* data() const { return secret_.bytes().data(); }
  // Never used twice in a process, so a backend can tell whether what it
  // prepared belongs to this key (an address may be reused).
  [[nodiscard]] std::uint64_t id() const { return id_; }

 private:
  Secret secret_;
  std::uint64_t id_;
};

// One packet. Sealing reads `length` bytes at `in` and writes length + 16
// bytes (ciphertext, tag) at `out`. Opening reads length + 16 bytes at `in`
// and writes `length` bytes at `out`; what it wrote is worthless unless `ok`.
// `in` and `out` are equal or do not overlap.
struct AeadJob {
  const AeadKey* key = nullptr;
  std::uint64_t counter = 0;
  const std::uint8_t* in = nullptr;
  std::uint8_t* out = nullptr;
  std::size_t length = 0;
  bool ok = false;  // set by open(): the tag is right
};

enum class AeadBackend {
  ipsec_mb,  // intel-ipsec-mb; x86-64 whose CPU it knows
  openssl,   // EVP, one context kept and re-keyed
  sodium,
  portable,  // of openssl and libsodium whichever is quicker for the size
};

[[nodiscard]] std::string_view to_string(AeadBackend backend);

class Aead {
 public:
  virtual ~Aead() = default;
  Aead(const Aead&) = delete;
  Aead& operator=(const Aead&) = delete;

  virtual void seal(std::span<AeadJob> jobs) = 0;
  virtual void open(std::span<AeadJob> jobs) = 0;
  // Wipes what the backend still holds of any key; for a thread going idle.
  virtual void forget_keys() = 0;
  [[nodiscard]] virtual AeadBackend backend() const = 0;

 protected:
  Aead() = default;
};

// Those that work on this machine, best first; never empty.
[[nodiscard]] std::vector<AeadBackend> available_aead_backends();

// Null when the backend does not work on this machine.
[[nodiscard]] std::unique_ptr<Aead> make_aead(AeadBackend backend);
[[nodiscard]] std::unique_ptr<Aead> make_best_aead();

}  // namespace radial::engine
