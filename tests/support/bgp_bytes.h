// BGP messages as bytes (RFC 4271, 4), for tests.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/ip.h"

namespace radial::test {

using Bytes = std::vector<std::uint8_t>;

inline Bytes bgp_message(std::uint8_t type, const Bytes& body) {
  Bytes message(16, 0xff);
  const auto length = 19 + body.size();
  message.push_back(static_cast<std::uint8_t>(length >> 8));
  message.push_back(static_cast<std::uint8_t>(length & 0xff));
  message.push_back(type);
  message.insert(message.end(), body.begin(), body.end());
  return message;
}

inline Bytes bgp_prefixes(const std::vector<std::string>& prefixes) {
  Bytes bytes;
  for (const auto& text : prefixes) {
    const auto prefix = Prefix::parse(text).value();
    bytes.push_back(static_cast<std::uint8_t>(prefix.length()));
    const auto address = prefix.address();
    const auto given = address.bytes().first(static_cast<std::size_t>(prefix.length() + 7) / 8);
    bytes.insert(bytes.end(), given.begin(), given.end());
  }
  return bytes;
}

// Of IPv4, with an ORIGIN attribute.
inline Bytes bgp_update(const std::vector<std::string>& announced, const std::vector<std::string>& withdrawn) {
  const auto gone = bgp_prefixes(withdrawn);
  Bytes body{static_cast<std::uint8_t>(gone.size() >> 8), static_cast<std::uint8_t>(gone.size() & 0xff)};
  body.insert(body.end(), gone.begin(), gone.end());
  const Bytes origin{0, 4, 0x40, 1, 1, 0};
  body.insert(body.end(), origin.begin(), origin.end());
  const auto said = bgp_prefixes(announced);
  body.insert(body.end(), said.begin(), said.end());
  return bgp_message(2, body);
}

}  // namespace radial::test
