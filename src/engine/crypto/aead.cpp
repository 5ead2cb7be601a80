#include "engine/crypto/aead.h"

#include <atomic>

#include "engine/crypto/aead_backends.h"

namespace radial::engine {

AeadKey::AeadKey(Secret secret) : secret_(std::move(secret)) {
  static std::atomic<std::uint64_t> last{0};
  id_ = last.fetch_add(1, std::memory_order_relaxed) + 1;
}

std::string_view to_string(AeadBackend backend) {
  switch (backend) {
    case AeadBackend::ipsec_mb: return "intel-ipsec-mb";
    case AeadBackend::openssl: return "openssl";
    case AeadBackend::sodium: return "libsodium";
    case AeadBackend::portable: return "openssl+libsodium";
  }
  return "unknown";
}

std::unique_ptr<Aead> make_aead(AeadBackend backend) {
  switch (backend) {
    case AeadBackend::ipsec_mb: return make_ipsec_mb_aead();
    case AeadBackend::openssl: return make_openssl_aead();
    case AeadBackend::sodium: return make_sodium_aead();
    case AeadBackend::portable: return make_portable_aead();
  }
  return nullptr;
}

std::vector<AeadBackend> available_aead_backends() {
  std::vector<AeadBackend> available;
  for (const auto backend :
       {AeadBackend::ipsec_mb, AeadBackend::portable, AeadBackend::openssl, AeadBackend::sodium}) {
    if (make_aead(backend) != nullptr) available.push_back(backend);
  }
  return available;
}

}  // namespace radial::engine
