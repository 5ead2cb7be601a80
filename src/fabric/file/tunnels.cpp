#include "fabric/file/tunnels.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "fabric/file/read_node.h"
#include "fabric/stable_hash.h"

namespace radial::file {
namespace {

// RFC 4193, section 3.2, but for the 40 bits of the global ID, which come from
// the fabric's name: the same on every machine, and unlikely to be a neighbour's.
Prefix derived_v6(std::string_view fabric) {
  const std::uint64_t hash = stable_hash(fabric);
  const std::uint64_t id = (hash ^ hash >> 40U) & 0xff'ffff'ffffU;
  std::array<std::uint8_t, 16> bytes{0xfd};
  for (std::size_t i = 0; i < 5; ++i) bytes[1 + i] = static_cast<std::uint8_t>(id >> (32 - 8 * i));
  return Prefix::of(IpAddress::from_bytes(bytes), 64);
}

// The block for private use that holds `prefix` (RFC 1918, 6598, 4193).
std::optional<Prefix> private_block(const Prefix& prefix) {
  for (const auto* text : {"10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fc00::/7"})
    if (const auto block = Prefix::parse(text).value(); block.contains(prefix)) return block;
  return std::nullopt;
}

// `address` plus `count` networks of `length` bits (of at most 64).
std::optional<IpAddress> skip_networks(const IpAddress& address, int length, std::uint64_t count) {
  if (address.is_v4()) return address.plus(count << (32 - length));
  std::array<std::uint8_t, 16> bytes{};
  std::copy(address.bytes().begin(), address.bytes().end(), bytes.begin());
  for (std::size_t i = static_cast<std::size_t>(length) / 8; i-- > 0 && count > 0;) {
    count += bytes[i];
    bytes[i] = static_cast<std::uint8_t>(count);
    count >>= 8U;
  }
  return count > 0 ? std::nullopt : std::optional(IpAddress::from_bytes(bytes));
}

// Nothing when it would leave the private block that `first` is in.
std::optional<Prefix> nth_after(const Prefix& first, std::size_t k) {
  const auto address = skip_networks(first.address(), first.length(), k);
  if (!address) return std::nullopt;
  const auto prefix = Prefix::of(*address, first.length());
  const auto block = private_block(first);
  return block && !block->contains(prefix) ? std::nullopt : std::optional(prefix);
}

std::optional<Written<Prefix>> share(const DraftHub& hub, std::string_view key, const std::optional<Prefix>& first,
                                     std::size_t k, MistakeList& mistakes) {
  if (!first) return std::nullopt;
  Spot spot{hub.spot.line, fmt::format("{}.{}", hub.spot.field, key)};
  if (const auto prefix = nth_after(*first, k)) return Written<Prefix>{*prefix, std::move(spot)};
  complain(mistakes, spot, "", fmt::format("is missing, and none is left after {}", first->to_string()),
           "write a prefix of its own");
  return std::nullopt;
}

}  // namespace

void share_tunnels(const Section& root, Draft& draft, MistakeList& mistakes) {
  std::optional<Prefix> first_v4 = Prefix::parse("10.255.0.0/24").value();
  std::optional<Prefix> first_v6 = derived_v6(draft.name);
  bool no_v6 = false;
  if (const auto* place = root.find("tunnel")) first_v4 = read_tunnel_v4(*place, mistakes);
  if (const auto* place = root.find("tunnel6")) first_v6 = read_tunnel_v6(*place, no_v6, mistakes);
  for (std::size_t k = 0; k < draft.hubs.size(); ++k) {
    auto& hub = draft.hubs[k];
    if (!hub.own_v4) hub.tunnel_v4 = share(hub, "tunnel", first_v4, k, mistakes);
    if (hub.own_v6) continue;
    hub.tunnel_v6 = share(hub, "tunnel6", first_v6, k, mistakes);
    hub.no_v6 = no_v6;
  }
}

}  // namespace radial::file
