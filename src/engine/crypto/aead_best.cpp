// By itself, so that a bench can link another in its place (bench/wire/no_cipher.cpp).
#include "engine/crypto/aead.h"

namespace radial::engine {

std::unique_ptr<Aead> make_best_aead() {
  if (auto best = make_aead(AeadBackend::ipsec_mb)) return best;
  return make_aead(AeadBackend::portable);
}

}  // namespace radial::engine
