// intel-ipsec-mb's job API. In versions 1.3 and 2.0 a ChaCha20-Poly1305 job
// completes when it is submitted, several blocks of its one packet in flight;
// the code does not rely on that and collects what is still queued at the end.
#include "engine/crypto/aead_backends.h"

#ifdef RADIAL_HAVE_IPSEC_MB

#include <algorithm>
#include <cstring>

#include <intel-ipsec-mb.h>
#include <sodium.h>

namespace radial::engine {
namespace {

struct ManagerDeleter {
  void operator()(IMB_MGR* manager) const { free_mb_mgr(manager); }
};
using Manager = std::unique_ptr<IMB_MGR, ManagerDeleter>;

// The job structures need their nonce and computed tag to live as long as the
// job, so jobs go in groups of this size, each with a slot.
constexpr std::size_t group_size = 32;

// In constant time, as two words; libsodium's goes byte by byte, out of line.
bool same_tag(const std::uint8_t* a, const std::uint8_t* b) {
  std::array<std::uint64_t, 2> left{}, right{};
  std::memcpy(left.data(), a, aead_tag_size);
  std::memcpy(right.data(), b, aead_tag_size);
  return ((left[0] ^ right[0]) | (left[1] ^ right[1])) == 0;
}

class IpsecMbAead final : public Aead {
 public:
  explicit IpsecMbAead(Manager manager) : manager_(std::move(manager)) {}
  ~IpsecMbAead() override { forget_keys(); }

  void seal(std::span<AeadJob> jobs) override {
    for (; !jobs.empty(); jobs = jobs.subspan(std::min(group_size, jobs.size()))) {
      const auto group = jobs.first(std::min(group_size, jobs.size()));
      for (std::size_t i = 0; i < group.size(); ++i) {
        submit(group[i], i, IMB_DIR_ENCRYPT, group[i].out + group[i].length);
      }
      drain();
    }
  }

  void open(std::span<AeadJob> jobs) override {
    for (; !jobs.empty(); jobs = jobs.subspan(std::min(group_size, jobs.size()))) {
      const auto group = jobs.first(std::min(group_size, jobs.size()));
      for (std::size_t i = 0; i < group.size(); ++i) submit(group[i], i, IMB_DIR_DECRYPT, tags_[i].data());
      drain();
      for (std::size_t i = 0; i < group.size(); ++i) {
        group[i].ok = same_tag(tags_[i].data(), group[i].in + group[i].length);
      }
    }
  }

  // The library keeps no copy of a key in a job that completed, only pointers;
  // what else its scheduler holds is cleared with its own structures.
  void forget_keys() override {
    sodium_memzero(tags_.data(), sizeof tags_);
    sodium_memzero(nonces_.data(), sizeof nonces_);
  }

  [[nodiscard]] AeadBackend backend() const override { return AeadBackend::ipsec_mb; }

 private:
  void submit(const AeadJob& packet, std::size_t slot, IMB_CIPHER_DIRECTION direction, std::uint8_t* tag) {
    nonces_[slot] = aead_nonce(packet.counter);
    IMB_JOB* job = IMB_GET_NEXT_JOB(manager_.get());
    job->cipher_mode = IMB_CIPHER_CHACHA20_POLY1305;
    job->hash_alg = IMB_AUTH_CHACHA20_POLY1305;
    job->cipher_direction = direction;
    job->chain_order = direction == IMB_DIR_ENCRYPT ? IMB_ORDER_CIPHER_HASH : IMB_ORDER_HASH_CIPHER;
    job->enc_keys = packet.key->data();
    job->dec_keys = packet.key->data();
    job->key_len_in_bytes = key_size;
    job->u.CHACHA20_POLY1305.aad = nonces_[slot].data();  // never read: it has no bytes
    job->u.CHACHA20_POLY1305.aad_len_in_bytes = 0;
    job->src = packet.in;
    job->dst = packet.out;
    job->iv = nonces_[slot].data();
    job->iv_len_in_bytes = aead_nonce_size;
    job->auth_tag_output = tag;
    job->auth_tag_output_len_in_bytes = aead_tag_size;
    job->cipher_start_src_offset_in_bytes = 0;
    job->hash_start_src_offset_in_bytes = 0;
    job->msg_len_to_cipher_in_bytes = packet.length;
    job->msg_len_to_hash_in_bytes = packet.length;
    for (job = IMB_SUBMIT_JOB_NOCHECK(manager_.get()); job != nullptr;) job = IMB_GET_COMPLETED_JOB(manager_.get());
  }

  void drain() {
    while (IMB_FLUSH_JOB(manager_.get()) != nullptr) {
    }
  }

  Manager manager_;
  std::array<AeadNonce, group_size> nonces_{};
  std::array<std::array<std::uint8_t, aead_tag_size>, group_size> tags_{};
};

}  // namespace

std::unique_ptr<Aead> make_ipsec_mb_aead() {
  // The least the library's SSE code asks for; without it init would leave the
  // manager without functions.
  Manager manager(alloc_mb_mgr(0));
  if (manager == nullptr) return nullptr;
  if ((manager->features & IMB_CPUFLAGS_SSE) != IMB_CPUFLAGS_SSE) return nullptr;
  IMB_ARCH arch = IMB_ARCH_NONE;
  init_mb_mgr_auto(manager.get(), &arch);
  if (arch == IMB_ARCH_NONE || imb_get_errno(manager.get()) != 0) return nullptr;
  return std::make_unique<IpsecMbAead>(std::move(manager));
}

}  // namespace radial::engine

#else

namespace radial::engine {

std::unique_ptr<Aead> make_ipsec_mb_aead() { return nullptr; }

}  // namespace radial::engine

#endif
