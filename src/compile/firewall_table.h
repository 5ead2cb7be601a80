// A node's nftables table, as `nft list table inet radial` prints it. Pure.
//
// It holds TCP's maximum segment size (RFC 9293, 3.7.1) of what is forwarded
// over wires down to what fits them, in both directions, and drops what would
// go from wire to wire at a site. At a hub it drops OSPF that is to be
// forwarded, and routing protocols from sites with `trust: static`. The agent adds what
// depends on more than the configuration: its quarantine, and the door to bgpd.
//
// What comes by a hub's dedicated wire must come from its site's addresses or
// grant, as AllowedIPs see to it on a multipoint wire, else it is counted and
// dropped before anything else of the hub sees it. What goes out by it is what the
// FIB has there, which the FIB's filter holds to the same grant (fib_filter.h).
//
// Rules are written one a prefix and one an interface rather than with sets, so
// that the text is the same in every nft.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "compile/node_config.h"

namespace radial {

// A site whose uplink is smaller than the wire: at the hub, what goes to or
// comes from its grant is clamped to its MTU as well.
struct NarrowSite {
  std::string name;
  int mtu = 0;
  std::vector<Prefix> prefixes;
};

// "ip saddr 10.0.0.0/8", "ip6 saddr fd00::1"; of a default route "meta nfproto ipv4".
[[nodiscard]] std::string from_source(const Prefix& prefix);
// Chains, each with its newline in front, before the closing brace of a table; a text that has none stays as it is.
void add_chains(std::string& table, std::string_view chains);

// Of `config.role`, `node` and `wires`.
[[nodiscard]] std::string compile_firewall(const NodeConfig& config, const std::vector<NarrowSite>& narrow);

}  // namespace radial
