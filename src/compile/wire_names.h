// What the interfaces of wires are called, and which ports the wires between
// hubs use. Pure.
//
// `fabric.interface` is STEM followed by an optional number ("wg0"). A hub's
// wire has that name. A site's wire to the fabric's k-th hub (from 0, in the
// file's order) has the same STEM and that number plus k, so that "wg1" is the
// wire to the second hub on every site and keeps its name when the site's own
// list of hubs changes. A hub's wire to the fabric's k-th hub is STEM "h" k.
// Hubs are therefore appended to a file, not inserted. A hub's dedicated wire to
// a site is STEM "s" and the site's slot in the tunnel prefix, which stays put
// when others come and go.
#pragma once

#include <cstdint>
#include <string>

#include "base/result.h"
#include "fabric/fabric.h"

namespace radial {

// Fail when the name would not fit the kernel's 15 characters (IFNAMSIZ).
[[nodiscard]] Result<std::string> site_wire_name(const Fabric& fabric, std::size_t hub_index);
[[nodiscard]] Result<std::string> hub_wire_name(const Fabric& fabric, std::size_t other_index);
[[nodiscard]] Result<std::string> dedicated_wire_name(const Fabric& fabric, std::uint32_t slot);

// The port at which a hub that otherwise uses `base` hears the fabric's
// `other_index`-th hub: the ports after its own, one a hub. Fails beyond 65535.
[[nodiscard]] Result<std::uint16_t> hub_wire_port(const Hub& hub, std::uint16_t base, std::size_t other_index);

// The port of the dedicated wire to the site with `slot`: beyond those of 256 hubs.
[[nodiscard]] Result<std::uint16_t> dedicated_wire_port(const Hub& hub, std::uint16_t base, std::uint32_t slot);

}  // namespace radial
