// The cryptography of Noise_IKpsk2_25519_ChaChaPoly_BLAKE2s (paper, section
// 5.4): pure functions from keys and bytes to bytes and keys. MACs, indices and
// when to do what are Device's.
//
// Threading: functions of their arguments.
#pragma once

#include <cstdint>
#include <optional>

#include "base/key.h"
#include "engine/crypto/primitives.h"
#include "engine/noise/messages.h"
#include "engine/noise/time.h"

namespace radial::engine {

// Our static key pair.
struct Identity {
  Secret private_key;
  PublicKey public_key;

  explicit Identity(Secret clamped_private_key)
      : private_key(std::move(clamped_private_key)), public_key(x25519_public(private_key)) {}
};

// A handshake under way with one peer. Assigning a fresh one wipes it.
struct Handshake {
  enum class State : std::uint8_t {
    none,
    created_initiation,
    consumed_initiation,
    created_response,
    consumed_response,
  };
  State state = State::none;
  std::uint32_t local_index = 0;
  std::uint32_t remote_index = 0;
  Secret ephemeral_private;
  PublicKey remote_ephemeral;
  Secret chaining_key;
  Hash hash{};
};

// What both sides know of the peer beforehand.
struct RemoteKeys {
  const PublicKey& static_key;
  const Secret& static_static;  // DH(our static, their static); zero when there is none
  const Secret& preshared_key;  // zero when there is none
};

// Fills `out` but for mac1 and mac2 and sets `handshake`. False when the keys
// are degenerate (a zero DH result); `handshake` is then unchanged.
[[nodiscard]] bool create_initiation(Handshake& handshake, const Identity& identity, const RemoteKeys& remote,
                                     Secret ephemeral, const Tai64n& timestamp, std::uint32_t local_index,
                                     std::span<std::uint8_t, initiation::size> out);

// The first half of an initiation: who says it is from him. Costs one DH and
// needs no knowledge of the peer.
struct OpenedInitiation {
  PublicKey remote_static;
  PublicKey remote_ephemeral;
  std::uint32_t remote_index = 0;
  Secret chaining_key;
  Hash hash{};
};
[[nodiscard]] std::optional<OpenedInitiation> open_initiation(const Identity& identity,
                                                              std::span<const std::uint8_t, initiation::size> message);

// The second half: proves the static key, gives the timestamp, and completes
// `opened`. The caller checks the timestamp before it adopts the handshake.
[[nodiscard]] std::optional<Tai64n> finish_initiation(OpenedInitiation& opened, const Secret& static_static,
                                                      std::span<const std::uint8_t, initiation::size> message);

[[nodiscard]] Handshake adopt(OpenedInitiation opened);

// From consumed_initiation to created_response, likewise.
[[nodiscard]] bool create_response(Handshake& handshake, const RemoteKeys& remote, Secret ephemeral,
                                   std::uint32_t local_index, std::span<std::uint8_t, response::size> out);

// From created_initiation to consumed_response. False when the message is not
// a right answer to it; `handshake` is then unchanged.
[[nodiscard]] bool consume_response(Handshake& handshake, const Identity& identity, const Secret& preshared_key,
                                    std::span<const std::uint8_t, response::size> message);

// The transport keys, from created_response or consumed_response.
struct SessionKeys {
  Secret send, receive;
  bool initiator = false;
};
[[nodiscard]] SessionKeys derive_session(const Handshake& handshake);

}  // namespace radial::engine
