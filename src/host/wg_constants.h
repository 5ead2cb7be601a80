// linux/wireguard.h, and what newer kernels have beyond Debian 12's copy of it:
// the removal of one allowed IP (6.16; neither 6.1 nor Debian 13's 6.12).
#pragma once

#include <cstdint>

#include <linux/wireguard.h>

namespace radial::host {

inline constexpr std::uint16_t wg_allowed_ip_flags = 4;             // WGALLOWEDIP_A_FLAGS, NLA_U32
inline constexpr std::uint32_t wg_allowed_ip_remove_me = 1U << 0U;  // WGALLOWEDIP_F_REMOVE_ME

}  // namespace radial::host
