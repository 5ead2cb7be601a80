#include <linux/genetlink.h>
#include <netinet/in.h>

#include "host/wg_constants.h"
#include "host/wg_messages.h"

namespace radial::host {
namespace {

// Upper bounds of what is written before the next look at the size.
constexpr std::size_t peer_size = 160;        // a peer with everything but allowed IPs
constexpr std::size_t allowed_ip_size = 48;

NetlinkMessage new_message(std::uint16_t family, std::uint8_t command, const std::string& interface) {
  NetlinkMessage message(family);
  message.put_header(genlmsghdr{command, WG_GENL_VERSION, 0});
  message.put_string(WGDEVICE_A_IFNAME, interface);
  return message;
}

void put_endpoint(NetlinkMessage& message, const IpAddress& address, std::uint16_t port) {
  if (address.is_v4()) {
    sockaddr_in socket_address{};
    socket_address.sin_family = AF_INET;
    socket_address.sin_port = htons(port);
    socket_address.sin_addr.s_addr = htonl(address.to_v4());
    return message.put_value(WGPEER_A_ENDPOINT, socket_address);
  }
  sockaddr_in6 socket_address{};
  socket_address.sin6_family = AF_INET6;
  socket_address.sin6_port = htons(port);
  std::memcpy(&socket_address.sin6_addr, address.bytes().data(), sizeof socket_address.sin6_addr);
  message.put_value(WGPEER_A_ENDPOINT, socket_address);
}

void put_allowed_ip(NetlinkMessage& message, const AllowedIpOperation& entry) {
  const auto nest = message.begin_nest(0);
  message.put_u16(WGALLOWEDIP_A_FAMILY, entry.prefix.family() == Family::v4 ? AF_INET : AF_INET6);
  message.put_address(WGALLOWEDIP_A_IPADDR, entry.prefix.address());
  message.put_u8(WGALLOWEDIP_A_CIDR_MASK, static_cast<std::uint8_t>(entry.prefix.length()));
  if (entry.remove) message.put_u32(wg_allowed_ip_flags, wg_allowed_ip_remove_me);
  message.end_nest(nest);
}

class Encoder {
 public:
  Encoder(std::uint16_t family, const std::string& interface, std::size_t limit)
      : family_(family), interface_(interface), limit_(limit) {}

  void device(const WireChange& change) {
    if (change.private_key == nullptr && !change.listen_port && !change.fwmark) return;
    auto& message = open();
    if (change.private_key != nullptr) message.put(WGDEVICE_A_PRIVATE_KEY, change.private_key->bytes());
    if (change.listen_port) message.put_u16(WGDEVICE_A_LISTEN_PORT, *change.listen_port);
    if (change.fwmark) message.put_u32(WGDEVICE_A_FWMARK, *change.fwmark);
  }

  void peer(const PeerOperation& operation) {
    begin_peer(operation.public_key, flags_of(operation), peer_size + allowed_ip_size);
    auto& message = messages_.back();
    if (operation.preshared_key != nullptr) message.put(WGPEER_A_PRESHARED_KEY, operation.preshared_key->bytes());
    const auto address = operation.endpoint ? operation.endpoint->address() : std::nullopt;
    if (address) put_endpoint(message, *address, operation.endpoint->port);
    if (operation.keepalive) message.put_u16(WGPEER_A_PERSISTENT_KEEPALIVE_INTERVAL, *operation.keepalive);
    if (!operation.allowed_ips.empty()) allowed_ips(operation);
    messages_.back().end_nest(peer_nest_);
  }

  std::vector<NetlinkMessage> finish() {
    close();
    return std::move(messages_);
  }

 private:
  static std::uint32_t flags_of(const PeerOperation& operation) {
    std::uint32_t flags = 0;
    if (operation.remove) flags |= WGPEER_F_REMOVE_ME;
    if (operation.update_only) flags |= WGPEER_F_UPDATE_ONLY;
    if (operation.replace_allowed_ips) flags |= WGPEER_F_REPLACE_ALLOWEDIPS;
    return flags;
  }

  NetlinkMessage& open() {
    messages_.push_back(new_message(family_, WG_CMD_SET_DEVICE, interface_));
    return messages_.back();
  }

  void close() {
    if (in_peers_) messages_.back().end_nest(peers_nest_);
    in_peers_ = false;
  }

  void begin_peer(const PublicKey& key, std::uint32_t flags, std::size_t room) {
    if (messages_.empty()) open();
    if (messages_.back().size() + room > limit_) {
      close();
      open();
    }
    auto& message = messages_.back();
    if (!in_peers_) peers_nest_ = message.begin_nest(WGDEVICE_A_PEERS);
    in_peers_ = true;
    peer_nest_ = message.begin_nest(0);
    message.put(WGPEER_A_PUBLIC_KEY, key.bytes());
    if (flags != 0) message.put_u32(WGPEER_A_FLAGS, flags);
  }

  void allowed_ips(const PeerOperation& operation) {
    auto list = messages_.back().begin_nest(WGPEER_A_ALLOWEDIPS);
    for (const auto& entry : operation.allowed_ips) {
      if (messages_.back().size() + allowed_ip_size > limit_) {
        messages_.back().end_nest(list);
        messages_.back().end_nest(peer_nest_);
        begin_peer(operation.public_key, WGPEER_F_UPDATE_ONLY, limit_);
        list = messages_.back().begin_nest(WGPEER_A_ALLOWEDIPS);
      }
      put_allowed_ip(messages_.back(), entry);
    }
    messages_.back().end_nest(list);
  }

  std::uint16_t family_;
  const std::string& interface_;
  std::size_t limit_;
  std::vector<NetlinkMessage> messages_;
  bool in_peers_ = false;
  std::size_t peers_nest_ = 0;
  std::size_t peer_nest_ = 0;
};

}  // namespace

std::vector<NetlinkMessage> encode_wg_change(std::uint16_t family, const WireChange& change,
                                             const std::vector<PeerOperation>& operations, std::size_t limit) {
  Encoder encoder(family, change.interface, limit);
  encoder.device(change);
  for (const auto& operation : operations) encoder.peer(operation);
  return encoder.finish();
}

NetlinkMessage encode_wg_get(std::uint16_t family, const std::string& interface) {
  return new_message(family, WG_CMD_GET_DEVICE, interface);
}

}  // namespace radial::host
