// linux/wireguard.h and what kernels since 6.16 have beyond Debian 12's copy
// of it (torvalds/linux ba3d7b93dbe3: removing one allowed IP).
#pragma once

#include <cstdint>

#include <linux/wireguard.h>

namespace radial::host {

inline constexpr std::uint16_t wg_allowed_ip_flags = 4;             // WGALLOWEDIP_A_FLAGS, NLA_U32
inline constexpr std::uint32_t wg_allowed_ip_remove_me = 1U << 0U;  // WGALLOWEDIP_F_REMOVE_ME

}  // namespace radial::host
