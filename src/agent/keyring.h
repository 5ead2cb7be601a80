// A node's secrets besides its private key: the preshared key of each peer,
// and what it signs its requests to the controller with. On disk in
// /etc/radial/secrets.json, mode 0600; never in a NodeConfig or a log, nor in an
// answer of the API but the one that is for it (/v1/preshared, for root).
#pragma once

#include <filesystem>
#include <map>
#include <optional>

#include "base/key.h"
#include "base/result.h"

namespace radial::agent {

struct Keyring {
  std::map<PublicKey, PresharedKey> preshared;  // by the peer's key
  std::optional<Secret> node_secret;

  [[nodiscard]] const PresharedKey* find(const PublicKey& peer) const {  // borrows
    const auto found = preshared.find(peer);
    return found == preshared.end() ? nullptr : &found->second;
  }
  [[nodiscard]] bool equals(const Keyring& other) const;
};

// Empty where there is no file. Refuses one that others than root can read. A damaged one: its copy.
[[nodiscard]] Result<Keyring> load_keyring(const std::filesystem::path& file);
[[nodiscard]] Status save_keyring(const std::filesystem::path& file, const Keyring& keyring);

}  // namespace radial::agent
