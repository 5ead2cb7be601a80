#include <algorithm>

#include <linux/genetlink.h>
#include <netinet/in.h>

#include "host/netlink_attributes.h"
#include "host/wg_constants.h"
#include "host/wg_messages.h"

namespace radial::host {
namespace {

using KeyBytes = std::array<std::uint8_t, key_size>;

struct KernelTime {  // struct __kernel_timespec
  std::int64_t seconds;
  std::int64_t nanoseconds;
};

Unexpected malformed(std::string_view what) {
  return fail(Errc::protocol, "the kernel's answer about WireGuard has a malformed {}", what);
}

template <class Value>
bool take(const NetlinkAttribute& attribute, Value& into) {
  const auto value = attribute.value<Value>();
  if (value) into = *value;
  return value.has_value();
}

// Nothing for an address family that is neither.
std::optional<Endpoint> decode_endpoint(const NetlinkAttribute& attribute) {
  if (const auto v4 = attribute.value<sockaddr_in>(); v4 && v4->sin_family == AF_INET)
    return Endpoint::of(IpAddress::from_v4(ntohl(v4->sin_addr.s_addr)), ntohs(v4->sin_port));
  if (const auto v6 = attribute.value<sockaddr_in6>(); v6 && v6->sin6_family == AF_INET6)
    return Endpoint::of(IpAddress::from_bytes({v6->sin6_addr.s6_addr, 16}), ntohs(v6->sin6_port));
  return std::nullopt;
}

Result<Prefix> decode_allowed_ip(const NetlinkAttribute& entry) {
  std::uint16_t family = 0;
  std::uint8_t length = 0;
  std::span<const std::uint8_t> address;
  for (const auto& attribute : entry.nested()) {
    if (attribute.type == WGALLOWEDIP_A_FAMILY && !take(attribute, family)) return malformed("family");
    if (attribute.type == WGALLOWEDIP_A_CIDR_MASK && !take(attribute, length)) return malformed("prefix length");
    if (attribute.type == WGALLOWEDIP_A_IPADDR) address = attribute.payload;
  }
  const bool v4 = family == AF_INET && address.size() == 4 && length <= 32;
  const bool v6 = family == AF_INET6 && address.size() == 16 && length <= 128;
  if (!v4 && !v6) return malformed("allowed IP");
  return Prefix::of(IpAddress::from_bytes(address), length);
}

Status decode_preshared_key(const NetlinkAttribute& attribute, ObservedPeer& peer) {
  const auto bytes = attribute.value<KeyBytes>();
  if (!bytes) return malformed("preshared key");
  const auto key = PresharedKey::from_bytes(*bytes);
  peer.has_preshared_key = !key.is_zero();
  if (peer.has_preshared_key) peer.preshared_digest = digest_of(key);
  return {};
}

Status decode_peer_attribute(const NetlinkAttribute& attribute, ObservedPeer& peer) {
  switch (attribute.type) {
    case WGPEER_A_PRESHARED_KEY:
      return decode_preshared_key(attribute, peer);
    case WGPEER_A_ENDPOINT:
      peer.endpoint = decode_endpoint(attribute);
      return {};
    case WGPEER_A_PERSISTENT_KEEPALIVE_INTERVAL:
      if (!take(attribute, peer.keepalive)) return malformed("keepalive");
      return {};
    case WGPEER_A_LAST_HANDSHAKE_TIME: {
      KernelTime time{};
      if (!take(attribute, time)) return malformed("handshake time");
      if (time.seconds != 0 || time.nanoseconds != 0)
        peer.last_handshake = std::chrono::system_clock::time_point(
            std::chrono::seconds(time.seconds) + std::chrono::nanoseconds(time.nanoseconds));
      return {};
    }
    case WGPEER_A_RX_BYTES:
      if (!take(attribute, peer.rx_bytes)) return malformed("byte counter");
      return {};
    case WGPEER_A_TX_BYTES:
      if (!take(attribute, peer.tx_bytes)) return malformed("byte counter");
      return {};
    case WGPEER_A_ALLOWEDIPS:
      for (const auto& entry : attribute.nested()) {
        RADIAL_ASSIGN(const auto prefix, decode_allowed_ip(entry));
        peer.allowed_ips.push_back(prefix);
      }
      return {};
    default:
      return {};
  }
}

Status decode_peer(const NetlinkAttribute& entry, std::vector<ObservedPeer>& peers) {
  const ObservedPeer* last = peers.empty() ? nullptr : &peers.back();
  for (const auto& attribute : entry.nested()) {
    if (attribute.type != WGPEER_A_PUBLIC_KEY) continue;
    const auto bytes = attribute.value<KeyBytes>();
    if (!bytes) return malformed("public key");
    const PublicKey key(*bytes);
    if (last == nullptr || last->public_key != key) peers.emplace_back().public_key = key;
    for (const auto& other : entry.nested()) RADIAL_TRY(decode_peer_attribute(other, peers.back()));
    return {};
  }
  return malformed("peer without a public key");
}

}  // namespace

Status WgDeviceDecoder::read(const nlmsghdr& message) {
  const auto header = header_of<genlmsghdr>(message);
  if (!header || header->cmd != WG_CMD_GET_DEVICE) return malformed("message");
  for (const auto& attribute : attributes_of(message, sizeof(genlmsghdr))) {
    switch (attribute.type) {
      case WGDEVICE_A_IFNAME:
        wire_.interface = attribute.text();
        break;
      case WGDEVICE_A_PUBLIC_KEY: {
        const auto bytes = attribute.value<KeyBytes>();
        if (!bytes) return malformed("public key");
        wire_.public_key = PublicKey(*bytes);
        break;
      }
      case WGDEVICE_A_LISTEN_PORT:
        if (!take(attribute, wire_.listen_port)) return malformed("port");
        break;
      case WGDEVICE_A_FWMARK:
        if (!take(attribute, wire_.fwmark)) return malformed("mark");
        break;
      case WGDEVICE_A_PEERS:
        for (const auto& peer : attribute.nested()) RADIAL_TRY(decode_peer(peer, wire_.peers));
        break;
      default:
        break;
    }
  }
  return {};
}

ObservedWire WgDeviceDecoder::finish() {
  for (auto& peer : wire_.peers) std::sort(peer.allowed_ips.begin(), peer.allowed_ips.end());
  std::sort(wire_.peers.begin(), wire_.peers.end(),
            [](const ObservedPeer& a, const ObservedPeer& b) { return a.public_key < b.public_key; });
  return std::move(wire_);
}

}  // namespace radial::host
