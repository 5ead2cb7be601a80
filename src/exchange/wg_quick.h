// Reading a wg-quick(8) file, which is wg(8)'s "CONFIGURATION FILE FORMAT" and
// some keys more. Everything that can be read is; what cannot is a note with
// its line. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/ip.h"
#include "base/key.h"
#include "exchange/note.h"

namespace radial::exchange {

struct AllowedIp {
  Prefix prefix;
  int line = 0;
};

struct WgQuickPeer {
  int line = 0;                        // of "[Peer]"
  std::string title;                   // from a comment: "Spoke 1"; empty: none that reads as a name
  std::optional<PublicKey> public_key;
  std::vector<AllowedIp> allowed_ips;  // in the file's order
  int endpoint_line = 0;               // 0: it dials in
  std::optional<PresharedKey> preshared;
  std::optional<std::uint16_t> keepalive;
};

struct WgQuickFile {
  PrivateKey private_key;              // zero: missing or unreadable
  std::optional<std::uint16_t> listen_port;
  std::vector<InterfaceAddress> addresses;
  int address_line = 0;
  std::optional<int> mtu;
  std::vector<WgQuickPeer> peers;
  std::vector<Note> notes;             // in the file's order
};

// `file` is what notes call it. The text holds secrets: the caller wipes it.
[[nodiscard]] WgQuickFile read_wg_quick(std::string_view text, const std::string& file);

}  // namespace radial::exchange
