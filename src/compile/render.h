// A NodeConfig in the native formats, for an engineer's eyes and for tools:
// `wg setconf` text, frr.conf stanzas, an nft ruleset, ip and sysctl commands
// as comments. Secrets are never printed: PrivateKey is a comment.
#pragma once

#include <string>

#include "compile/node_config.h"

namespace radial {

[[nodiscard]] std::string render_wg(const Wire& wire);            // wg(8) setconf form
[[nodiscard]] std::string render_frr(const NodeConfig& config);   // frr.conf form, LANs as comments
[[nodiscard]] std::string render_frr(const std::vector<FrrStanza>& stanzas);
[[nodiscard]] std::string render_node(const NodeConfig& config);  // everything, with headings

}  // namespace radial
