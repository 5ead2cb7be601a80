// The text that `radial invite` prints and `radial join` takes: all that a new
// machine needs to dial the controller's hub from quarantine. It is a secret
// until it is used.
//
//   radial1.BASE64URL       (no padding)
//
// The bytes: version, fields as Token has them (strings with a length byte,
// integers big-endian), and the first 8 bytes of the BLAKE2b-256 of all that
// stands before. So a token that was cut or mistyped is found at once; one
// that was altered on purpose does not have the digest of what the hub issued.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/ip.h"
#include "base/key.h"
#include "control/store.h"

namespace radial::control {

struct Token {
  std::string fabric;
  std::string site;
  std::string hub;                 // the controller's
  PublicKey hub_key;
  std::vector<Endpoint> endpoints; // first preferred; at most 8
  PrivateKey ephemeral;
  PresharedKey preshared;
  IpAddress address;               // ours while in quarantine (IPv4)
  IpAddress controller;            // the hub's tunnel address (IPv4)
  std::uint16_t port = 0;          // the controller's, TCP, inside the tunnel
  std::uint16_t mtu = 1420;
  std::int64_t expires = 0;        // seconds since 1970
};

// The caller wipes the string.
[[nodiscard]] std::string to_text(const Token& token);
// White space around it is fine. The error never holds any of the token.
[[nodiscard]] Result<Token> parse_token(std::string_view text);

// What the store keeps of a token, and what a joining node names it by.
[[nodiscard]] Digest digest_of_token(std::string_view text);

// HMAC-SHA-256 under a secret, in hexadecimal; the comparison takes the same
// time wherever they differ.
[[nodiscard]] std::string mac_of(const Secret& secret, std::string_view message);
[[nodiscard]] bool mac_is_right(const Secret& secret, std::string_view message, std::string_view mac_hex);

[[nodiscard]] std::string hex_of(const Digest& digest);

}  // namespace radial::control
