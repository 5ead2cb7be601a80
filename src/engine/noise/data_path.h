// The fast path of one data thread: many packets at a call, no locks while
// sessions are established.
//
// A batch of work is: enter(), then any of route(), seal(), open() and the
// sending that needs Peer::path(), then the Section ends. Everything reached
// (peers, paths) is valid to the end of the Section. The thread must not block
// inside one.
//
// Threading: a DataPath belongs to one thread.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "engine/crypto/aead.h"
#include "engine/noise/actions.h"
#include "engine/noise/device.h"
#include "engine/noise/messages.h"

namespace radial::engine {

// One inner packet to seal; its outer TOS / traffic class is the caller's:
// ecn_encapsulate(ds_field(packet)).
//
// `message` has room for the header (16 bytes), the
// packet padded to a multiple of 16, and the tag (16 bytes). The packet lies at
// message + 16, or elsewhere when `inner` says so, in memory in which the up to
// 15 bytes behind it may be overwritten with padding.
struct Outbound {
  Peer* peer = nullptr;
  std::uint8_t* message = nullptr;
  std::uint8_t* inner = nullptr;  // null: message + 16
  std::uint32_t length = 0;       // of the inner packet; 0: a keepalive

  enum class Verdict : std::uint8_t {
    sealed,       // message holds message_length bytes to send to peer->path()
    staged,       // no session: kept by the device until there is one
    no_endpoint,  // the peer has no known address (EDESTADDRREQ)
    no_peer,      // peer is null (ENOKEY)
  };
  Verdict verdict = Verdict::no_peer;
  std::uint32_t message_length = 0;
};

// One UDP payload that came, of type "data" or not.
struct Inbound {
  std::uint8_t* message = nullptr;
  std::uint32_t length = 0;
  const UdpPath* from = nullptr;
  std::uint8_t outer_ds = 0;  // TOS / traffic class of the outer header, for ECN

  enum class Verdict : std::uint8_t {
    deliver,     // `inner` is a checked IP packet of `peer`, in place in `message`
    keepalive,   // authenticated and empty
    handshake,   // not a data message: give it to Device::receive_handshake
    malformed,   // no WireGuard message
    no_session,  // unknown or expired receiver index
    bad_tag,
    replayed,
    bad_packet,  // authenticated, but not an IP packet of its length
    bad_source,  // its source address is not the peer's
  };
  Verdict verdict = Verdict::malformed;
  Peer* peer = nullptr;  // set once the message is authenticated
  std::span<std::uint8_t> inner{};  // trimmed to the IP length, ECN applied
};

class DataPath {
 public:
  DataPath(Device& device, std::unique_ptr<Aead> aead);

  [[nodiscard]] EpochDomain::Section enter() {
    mtu_ = device_.mtu();
    return reader_.enter();
  }

  // The MTU of the device at enter(), to which seal() pads until the next one:
  // messages can be laid out back to back by padded_size(length, mtu()).
  [[nodiscard]] std::size_t mtu() const { return mtu_; }

  // The peer to whom an IP packet goes, by its destination; null when there is
  // none or it is no IP packet.
  [[nodiscard]] Peer* route(Bytes packet) const;

  // Seals in the order given. Neighbours of one peer share a keypair and take
  // consecutive counters.
  void seal(std::span<Outbound> packets, const Now& now, Actions& out);

  // Opens, checks tag, then replay window, then source; tells the device of
  // roaming and confirmed sessions; counts.
  void open(std::span<Inbound> packets, const Now& now, Actions& out);

  // The thread goes idle: wipes key material that the cipher library keeps.
  void idle() { aead_->forget_keys(); }

  [[nodiscard]] Device& device() { return device_; }
  [[nodiscard]] AeadBackend backend() const { return aead_->backend(); }

 private:
  struct SealedRun {
    std::span<Outbound> packets;
    const Keypair* keypair;
  };
  void prepare(std::span<Outbound> run, const Keypair& keypair, std::uint64_t counter);
  void after_sealing(const SealedRun& run, const Now& now, Actions& out);
  void classify(std::span<Inbound> packets, Instant now);
  void authenticate(std::span<Inbound> packets);
  void accept(std::span<Inbound> run, Keypair& keypair, const Now& now, Actions& out);
  [[nodiscard]] Inbound::Verdict check_packet(Inbound& packet) const;

  Device& device_;
  std::size_t mtu_;
  EpochDomain::Reader reader_;
  std::unique_ptr<Aead> aead_;
  std::vector<AeadJob> jobs_;
  std::vector<SealedRun> runs_;
  std::vector<Keypair*> keypairs_;      // of each inbound packet
  std::vector<std::uint32_t> packets_;  // of each job, its inbound packet
};

// The TOS / traffic class of an IP packet; 0 when it is none.
[[nodiscard]] std::uint8_t ds_field(Bytes packet);

// The outer TOS / traffic class for an inner one (RFC 6040 as Linux does it:
// the inner ECN bits, CE becoming ECT(0); no DSCP).
[[nodiscard]] std::uint8_t ecn_encapsulate(std::uint8_t inner_ds);

// Applies the outer ECN bits to an inner IP packet in place, with its checksum.
void ecn_decapsulate(std::uint8_t outer_ds, std::span<std::uint8_t> packet);

}  // namespace radial::engine
