#include "engine/noise/handshake.h"

#include <algorithm>
#include <string_view>
#include <utility>

namespace radial::engine {
namespace {

Bytes text(std::string_view label) { return {reinterpret_cast<const std::uint8_t*>(label.data()), label.size()}; }

// The chaining key and hash as a message is written or read; applied to the
// handshake only if all of it worked.
struct Symmetric {
  Secret chaining_key;
  Hash hash{};

  void mix_hash(Bytes data) { hash = blake2s({hash, data}); }
  void mix_key(Bytes data) { chaining_key = kdf1(chaining_key, data); }

  // MixKey that also yields the key of the next sealed field.
  [[nodiscard]] Secret mix_key_for_seal(Bytes data) {
    auto keys = kdf2(chaining_key, data);
    chaining_key = std::move(keys.first);
    return std::move(keys.second);
  }
  [[nodiscard]] bool mix_dh(const Secret& ours, const PublicKey& theirs) {
    Secret shared;
    if (!x25519(ours, theirs, shared)) return false;
    mix_key(shared.bytes());
    return true;
  }
  [[nodiscard]] std::optional<Secret> mix_dh_for_seal(const Secret& ours, const PublicKey& theirs) {
    Secret shared;
    if (!x25519(ours, theirs, shared)) return std::nullopt;
    return mix_key_for_seal(shared.bytes());
  }
  [[nodiscard]] Secret mix_preshared_key(const Secret& preshared_key) {
    auto keys = kdf3(chaining_key, preshared_key.bytes());
    chaining_key = std::move(keys.first);
    mix_hash(keys.second.bytes());
    return std::move(keys.third);
  }
  void seal(const Secret& key, Bytes plain, MutableBytes out) {
    aead_seal(key, plain, hash, out);
    mix_hash(out);
  }
  [[nodiscard]] bool open(const Secret& key, Bytes sealed, MutableBytes plain) {
    if (!aead_open(key, sealed, hash, plain)) return false;
    mix_hash(sealed);
    return true;
  }
  void mix_ephemeral(const PublicKey& key) {
    mix_hash(key.bytes());
    mix_key(key.bytes());
  }
};

// Both sides begin by mixing in the responder's static key.
Symmetric begin(const PublicKey& responder) {
  static const Hash initial_key = blake2s({text("Noise_IKpsk2_25519_ChaChaPoly_BLAKE2s")});
  static const Hash initial_hash = blake2s({initial_key, text("WireGuard v1 zx2c4 Jason@zx2c4.com")});
  Symmetric state;
  state.chaining_key = Secret::from_bytes(initial_key);
  state.hash = blake2s({initial_hash, responder.bytes()});
  return state;
}

PublicKey read_key(Bytes message, std::size_t offset) {
  std::array<std::uint8_t, key_size> bytes{};
  std::copy_n(message.begin() + static_cast<std::ptrdiff_t>(offset), key_size, bytes.begin());
  return PublicKey(bytes);
}

void write_key(MutableBytes message, std::size_t offset, const PublicKey& key) {
  std::copy(key.bytes().begin(), key.bytes().end(), message.begin() + static_cast<std::ptrdiff_t>(offset));
}

constexpr std::size_t sealed_static_size = key_size + 16;
constexpr std::size_t sealed_timestamp_size = 12 + 16;
constexpr std::size_t sealed_nothing_size = 16;

}  // namespace

bool create_initiation(Handshake& handshake, const Identity& identity, const RemoteKeys& remote, Secret ephemeral,
                       const Tai64n& timestamp, std::uint32_t local_index,
                       std::span<std::uint8_t, initiation::size> out) {
  if (remote.static_static.is_zero()) return false;
  auto state = begin(remote.static_key);
  const auto ephemeral_public = x25519_public(ephemeral);
  state.mix_ephemeral(ephemeral_public);
  const auto static_seal = state.mix_dh_for_seal(ephemeral, remote.static_key);
  if (!static_seal) return false;

  std::fill(out.begin(), out.end(), std::uint8_t{0});
  store_u32(out.data(), static_cast<std::uint32_t>(MessageType::initiation));
  store_u32(out.data() + initiation::sender, local_index);
  write_key(out, initiation::ephemeral, ephemeral_public);
  state.seal(*static_seal, identity.public_key.bytes(), out.subspan(initiation::sealed_static, sealed_static_size));
  const auto timestamp_seal = state.mix_key_for_seal(remote.static_static.bytes());
  state.seal(timestamp_seal, timestamp, out.subspan(initiation::sealed_timestamp, sealed_timestamp_size));

  handshake = Handshake();
  handshake.state = Handshake::State::created_initiation;
  handshake.local_index = local_index;
  handshake.ephemeral_private = std::move(ephemeral);
  handshake.chaining_key = std::move(state.chaining_key);
  handshake.hash = state.hash;
  return true;
}

std::optional<OpenedInitiation> open_initiation(const Identity& identity,
                                                std::span<const std::uint8_t, initiation::size> message) {
  auto state = begin(identity.public_key);
  const auto ephemeral = read_key(message, initiation::ephemeral);
  state.mix_ephemeral(ephemeral);
  const auto static_seal = state.mix_dh_for_seal(identity.private_key, ephemeral);
  if (!static_seal) return std::nullopt;
  std::array<std::uint8_t, key_size> remote_static{};
  if (!state.open(*static_seal, message.subspan(initiation::sealed_static, sealed_static_size), remote_static)) {
    return std::nullopt;
  }
  OpenedInitiation opened;
  opened.remote_static = PublicKey(remote_static);
  opened.remote_ephemeral = ephemeral;
  opened.remote_index = load_u32(message.data() + initiation::sender);
  opened.chaining_key = std::move(state.chaining_key);
  opened.hash = state.hash;
  return opened;
}

std::optional<Tai64n> finish_initiation(OpenedInitiation& opened, const Secret& static_static,
                                        std::span<const std::uint8_t, initiation::size> message) {
  if (static_static.is_zero()) return std::nullopt;
  Symmetric state{opened.chaining_key.clone(), opened.hash};
  const auto timestamp_seal = state.mix_key_for_seal(static_static.bytes());
  Tai64n timestamp{};
  if (!state.open(timestamp_seal, message.subspan(initiation::sealed_timestamp, sealed_timestamp_size), timestamp)) {
    return std::nullopt;
  }
  opened.chaining_key = std::move(state.chaining_key);
  opened.hash = state.hash;
  return timestamp;
}

Handshake adopt(OpenedInitiation opened) {
  Handshake handshake;
  handshake.state = Handshake::State::consumed_initiation;
  handshake.remote_index = opened.remote_index;
  handshake.remote_ephemeral = opened.remote_ephemeral;
  handshake.chaining_key = std::move(opened.chaining_key);
  handshake.hash = opened.hash;
  return handshake;
}

bool create_response(Handshake& handshake, const RemoteKeys& remote, Secret ephemeral, std::uint32_t local_index,
                     std::span<std::uint8_t, response::size> out) {
  if (handshake.state != Handshake::State::consumed_initiation) return false;
  Symmetric state{handshake.chaining_key.clone(), handshake.hash};
  const auto ephemeral_public = x25519_public(ephemeral);
  state.mix_ephemeral(ephemeral_public);
  if (!state.mix_dh(ephemeral, handshake.remote_ephemeral)) return false;
  if (!state.mix_dh(ephemeral, remote.static_key)) return false;
  const auto seal = state.mix_preshared_key(remote.preshared_key);

  std::fill(out.begin(), out.end(), std::uint8_t{0});
  store_u32(out.data(), static_cast<std::uint32_t>(MessageType::response));
  store_u32(out.data() + response::sender, local_index);
  store_u32(out.data() + response::receiver, handshake.remote_index);
  write_key(out, response::ephemeral, ephemeral_public);
  state.seal(seal, {}, out.subspan(response::sealed_nothing, sealed_nothing_size));

  handshake.state = Handshake::State::created_response;
  handshake.local_index = local_index;
  handshake.chaining_key = std::move(state.chaining_key);
  handshake.hash = state.hash;
  return true;
}

bool consume_response(Handshake& handshake, const Identity& identity, const Secret& preshared_key,
                      std::span<const std::uint8_t, response::size> message) {
  if (handshake.state != Handshake::State::created_initiation) return false;
  if (load_u32(message.data() + response::receiver) != handshake.local_index) return false;
  Symmetric state{handshake.chaining_key.clone(), handshake.hash};
  const auto ephemeral = read_key(message, response::ephemeral);
  state.mix_ephemeral(ephemeral);
  if (!state.mix_dh(handshake.ephemeral_private, ephemeral)) return false;
  if (!state.mix_dh(identity.private_key, ephemeral)) return false;
  const auto seal = state.mix_preshared_key(preshared_key);
  if (!state.open(seal, message.subspan(response::sealed_nothing, sealed_nothing_size), {})) return false;

  handshake.state = Handshake::State::consumed_response;
  handshake.remote_index = load_u32(message.data() + response::sender);
  handshake.remote_ephemeral = ephemeral;
  handshake.chaining_key = std::move(state.chaining_key);
  handshake.hash = state.hash;
  return true;
}

SessionKeys derive_session(const Handshake& handshake) {
  auto keys = kdf2(handshake.chaining_key, {});
  const bool initiator = handshake.state == Handshake::State::consumed_response;
  if (initiator) return {std::move(keys.first), std::move(keys.second), true};
  return {std::move(keys.second), std::move(keys.first), false};
}

}  // namespace radial::engine
