// A node's configuration for a router that runs no agent, in its own terms,
// complete with comments: WireGuard and the routing protocol. Pure.
//
// What a router cannot be told is said in the header of its text. A hub's
// multipoint wire needs OSPF by unicast hellos or NBMA; where a router has no
// such thing the export fails and says what to do instead.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "base/key.h"
#include "base/result.h"
#include "compile/node_config.h"

namespace radial::exchange {

enum class Target : std::uint8_t { wg, frr, vyos, mikrotik, opnsense };
[[nodiscard]] Result<Target> parse_target(std::string_view word);

struct ExportOptions {
  // Borrowed; nothing: a placeholder stands where the key belongs. Where it is
  // given the text is secret, and the caller wipes it.
  const PrivateKey* private_key = nullptr;
  // By the peer's name, of peers with which there is a preshared key. Borrowed, and likewise.
  std::map<std::string, const PresharedKey*> preshared = {};
  // Which interface holds which LAN; without: lan0, lan1 … in the fabric's order.
  std::map<Prefix, std::string> lan_interfaces = {};
};

// Fails when a peer's public key is not known: a configuration that lacks a
// peer would not be complete.
[[nodiscard]] Result<std::string> export_node(const NodeConfig& config, Target target, const ExportOptions& options);

}  // namespace radial::exchange
