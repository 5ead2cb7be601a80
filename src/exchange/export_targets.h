// One function a router. Not part of the room's public headers.
//
// Each takes a configuration whose peers all have keys. What every text needs
// alike stands below.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "compile/frr_lines.h"
#include "exchange/export.h"

namespace radial::exchange {

[[nodiscard]] std::string export_wg(const NodeConfig& config, const ExportOptions& options);
[[nodiscard]] std::string export_frr(const NodeConfig& config, const ExportOptions& options);
[[nodiscard]] Result<std::string> export_vyos(const NodeConfig& config, const ExportOptions& options);
[[nodiscard]] Result<std::string> export_mikrotik(const NodeConfig& config, const ExportOptions& options);
[[nodiscard]] Result<std::string> export_opnsense(const NodeConfig& config, const ExportOptions& options);

// The private key, or "<PRIVATE_KEY_OF_berlin>".
[[nodiscard]] std::string key_text(const NodeConfig& config, const ExportOptions& options);

// The preshared key with a peer, or "<PRESHARED_KEY_WITH_fra1>"; nothing where there is none.
[[nodiscard]] std::optional<std::string> preshared_text(const WirePeer& peer, const ExportOptions& options);

// The LANs with the interfaces that hold them, as if each had its first address.
[[nodiscard]] std::vector<LocalAddress> held_lans(const NodeConfig& config, const ExportOptions& options);

// "site berlin of fabric acme, exported by radial"
[[nodiscard]] std::string title_of(const NodeConfig& config);

// A hub's wire where OSPF must know its neighbours by name. Fails for a router
// that has NBMA but not point-to-multipoint by unicast.
[[nodiscard]] Status needs_no_unicast_p2mp(const NodeConfig& config, std::string_view router);

// Fails where the node runs BGP, or has static routes at one end of a wire: no text but FRR's own says that.
[[nodiscard]] Status needs_ospf_alone(const NodeConfig& config, std::string_view router);

// Fails where a wire's MTU is larger than the router takes on a WireGuard interface.
[[nodiscard]] Status needs_mtu(const NodeConfig& config, std::string_view router, int largest);

[[nodiscard]] std::string comma_list(const std::vector<Prefix>& prefixes);

}  // namespace radial::exchange
