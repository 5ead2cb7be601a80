// One hub or site of the file: its own keys and values. What must hold between
// nodes is for the rules.
#pragma once

#include <string_view>

#include "fabric/file/draft.h"
#include "fabric/file/section.h"

namespace radial::file {

// Fabric-wide values that nodes inherit.
struct NodeDefaults {
  std::uint16_t listen_port = 51820;
  std::uint16_t keepalive = 25;
};

[[nodiscard]] DraftHub read_hub(const Entry& entry, const NodeDefaults& defaults, MistakeList& mistakes);
[[nodiscard]] DraftSite read_site(const Entry& entry, const NodeDefaults& defaults, MistakeList& mistakes);

// Also used for the fabric's own values.
[[nodiscard]] std::optional<std::uint16_t> read_listen_port(const Place& place, MistakeList& mistakes);
[[nodiscard]] std::optional<int> read_mtu(const Place& place, MistakeList& mistakes);  // any size: the rules judge
[[nodiscard]] std::optional<std::uint16_t> read_keepalive(const Place& place, MistakeList& mistakes);
[[nodiscard]] std::optional<Prefix> read_tunnel_v4(const Place& place, MistakeList& mistakes);
// Sets `none` when the file says so.
[[nodiscard]] std::optional<Prefix> read_tunnel_v6(const Place& place, bool& none, MistakeList& mistakes);

}  // namespace radial::file
