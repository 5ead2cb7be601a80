// WireGuard's configuration semantics in their plainest form (wg(8), the
// paper's section 2): what the diff and the message codec are held against.
#pragma once

#include <map>
#include <optional>
#include <random>
#include <string>

#include "host/wg_operations.h"
#include "host/wireguard.h"

namespace radial::host {

class WireModel {
 public:
  struct Peer {
    std::optional<PresharedKey> preshared_key;
    std::optional<Endpoint> endpoint;
    std::uint16_t keepalive = 0;
  };

  std::optional<PublicKey> public_key;
  std::uint16_t listen_port = 0;
  std::uint32_t fwmark = 0;
  std::map<PublicKey, Peer> peers;
  std::map<Prefix, PublicKey> owners;  // a prefix belongs to one peer

  // False: refused (a removal of one prefix where that is not known).
  bool apply(const PeerOperation& operation, bool knows_removal = true) {
    const auto& key = operation.public_key;
    if (!peers.contains(key)) {
      if (operation.update_only || operation.remove) return true;
      peers.try_emplace(key);
    }
    if (operation.remove) {
      std::erase_if(owners, [&](const auto& entry) { return entry.second == key; });
      peers.erase(key);
      return true;
    }
    auto& peer = peers[key];
    if (operation.preshared_key != nullptr) peer.preshared_key = operation.preshared_key->clone();
    if (operation.endpoint) peer.endpoint = operation.endpoint;
    if (operation.keepalive) peer.keepalive = *operation.keepalive;
    if (operation.replace_allowed_ips)
      std::erase_if(owners, [&](const auto& entry) { return entry.second == key; });
    for (const auto& entry : operation.allowed_ips) {
      if (!entry.remove) {
        owners[entry.prefix] = key;
        continue;
      }
      if (!knows_removal) return false;
      const auto owner = owners.find(entry.prefix);
      if (owner != owners.end() && owner->second == key) owners.erase(owner);
    }
    return true;
  }

  void apply_device(const WireChange& change) {
    if (change.private_key != nullptr) public_key = change.private_key->public_key();
    if (change.listen_port) listen_port = *change.listen_port;
    if (change.fwmark) fwmark = *change.fwmark;
  }

  [[nodiscard]] ObservedWire observe(const std::string& interface = "wg0") const {
    ObservedWire wire;
    wire.interface = interface;
    wire.public_key = public_key;
    wire.listen_port = listen_port;
    wire.fwmark = fwmark;
    for (const auto& [key, peer] : peers) {
      auto& seen = wire.peers.emplace_back();
      seen.public_key = key;
      seen.endpoint = peer.endpoint;
      seen.keepalive = peer.keepalive;
      seen.has_preshared_key = peer.preshared_key && !peer.preshared_key->is_zero();
      if (seen.has_preshared_key) seen.preshared_digest = digest_of(*peer.preshared_key);
      for (const auto& [prefix, owner] : owners)
        if (owner == key) seen.allowed_ips.push_back(prefix);
    }
    return wire;
  }
};

inline PublicKey test_key(unsigned number) {
  std::array<std::uint8_t, key_size> bytes{};
  bytes[0] = static_cast<std::uint8_t>(number >> 8U);
  bytes[1] = static_cast<std::uint8_t>(number);
  bytes[31] = 7;
  return PublicKey(bytes);
}

inline Prefix test_prefix(std::string_view text) { return Prefix::parse(text).value(); }

// What a wire should be, at random and owning its keys: few peers and few prefixes, so
// that they collide, move and vanish often.
class RandomWire {
 public:
  RandomWire() {
    for (auto& key : preshared_) key = PresharedKey::random();
  }

  DesiredWire draw(std::mt19937& random, unsigned peers = 8, unsigned prefixes = 40) {
    const auto dice = [&](unsigned sides) { return static_cast<unsigned>(random() % sides); };
    DesiredWire wire;
    wire.interface = "wg0";
    wire.private_key = &private_[dice(2)];
    wire.listen_port = static_cast<std::uint16_t>(dice(3) == 0 ? 0 : 51820 + dice(2));
    wire.fwmark = dice(2);
    for (unsigned number = 0; number < peers; ++number) {
      if (dice(3) == 0) continue;
      auto& peer = wire.peers.emplace_back();
      peer.public_key = test_key(number);
      if (dice(2) == 0) peer.preshared_key = &preshared_[dice(2)];
      if (dice(2) == 0) peer.endpoint = Endpoint::of(IpAddress::from_v4(0xc6336400 + dice(3)), 51820);
      peer.keepalive = static_cast<std::uint16_t>(dice(2) * 25);
    }
    for (unsigned number = 0; number < prefixes && !wire.peers.empty(); ++number) {
      if (dice(4) == 0) continue;
      auto& peer = wire.peers[dice(static_cast<unsigned>(wire.peers.size()))];
      const auto four = Prefix::of(IpAddress::from_v4(0x0a000000 + (number << 8U)), 24);
      peer.allowed_ips.push_back(number % 3 == 0 ? six(number) : four);
    }
    return wire;
  }

 private:
  static Prefix six(unsigned number) { return test_prefix(fmt::format("fd00:{:x}::/64", number + 1)); }

  std::array<PrivateKey, 2> private_{PrivateKey::generate(), PrivateKey::generate()};
  std::array<PresharedKey, 2> preshared_;
};

}  // namespace radial::host
