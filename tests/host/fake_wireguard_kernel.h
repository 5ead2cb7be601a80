// The kernel's side of generic netlink's "wireguard" family over a WireModel:
// it parses SET_DEVICE as drivers/net/wireguard/netlink.c does (nested
// attributes must say so, unknown ones are refused) and dumps devices in small
// messages, so that peers go on in the next one.
#pragma once

#include <deque>
#include <vector>

#include <linux/genetlink.h>
#include <netinet/in.h>

#include "host/netlink_attributes.h"
#include "host/netlink_socket.h"
#include "host/wg_constants.h"
#include "wire_model.h"

namespace radial::host {

inline constexpr std::uint16_t fake_family = 31;

class FakeWireGuardKernel final : public NetlinkTransport {
 public:
  // Shared with the test, as the transport belongs to the socket.
  struct State {
    std::string interface = "wg0";
    WireModel model;
    bool knows_removal = true;
    int refuse_sets_after = -1;         // EPERM from that set on; -1: never
    std::size_t allowed_ips_a_message = 5;
    int interrupted_dumps = 0;          // so many dumps are interrupted, with stale content
    std::vector<std::size_t> set_sizes; // of each SET_DEVICE, in bytes
    std::vector<std::vector<std::pair<PublicKey, std::uint32_t>>> set_peers;  // their peers and flags
    int dumps = 0;
  };

  explicit FakeWireGuardKernel(std::shared_ptr<State> state) : state_(std::move(state)) {}

  Status set_option(int, bool) override { return {}; }

  Status send(std::span<const std::uint8_t> datagram) override {
    const std::vector<std::uint8_t> copy(datagram.begin(), datagram.end());
    const auto& message = *reinterpret_cast<const nlmsghdr*>(copy.data());
    EXPECT_EQ(message.nlmsg_len, copy.size());
    EXPECT_EQ(message.nlmsg_type, fake_family);
    const auto header = header_of<genlmsghdr>(message).value();
    EXPECT_EQ(header.version, WG_GENL_VERSION);
    const bool dump = (message.nlmsg_flags & NLM_F_DUMP) == NLM_F_DUMP;
    EXPECT_EQ(dump, header.cmd == WG_CMD_GET_DEVICE);
    if (interface_of(message) != state_->interface) end(message, dump ? NLMSG_DONE : NLMSG_ERROR, -ENODEV);
    else if (dump) answer_get(message);
    else end(message, NLMSG_ERROR, -set(message));
    return {};
  }

  Result<std::size_t> receive(std::span<std::uint8_t> buffer) override {
    if (answers_.empty()) return fail(Errc::timeout, "nothing to read");
    const auto bytes = std::move(answers_.front());
    answers_.pop_front();
    std::copy(bytes.begin(), bytes.end(), buffer.begin());
    return bytes.size();
  }

 private:
  static std::string interface_of(const nlmsghdr& message) {
    for (const auto& attribute : attributes_of(message, sizeof(genlmsghdr)))
      if (attribute.type == WGDEVICE_A_IFNAME) return std::string(attribute.text());
    return {};
  }

  // What is left of the nested attributes after those that parse must be nothing.
  static void expect_whole(std::span<const std::uint8_t> payload) {
    std::size_t used = 0;
    for (const auto& attribute : NetlinkAttributes(payload)) used += NLA_ALIGN(NLA_HDRLEN + attribute.payload.size());
    EXPECT_EQ(used, NLA_ALIGN(payload.size()));
  }

  int set(const nlmsghdr& message) {
    if (state_->refuse_sets_after == 0) return EPERM;
    if (state_->refuse_sets_after > 0) --state_->refuse_sets_after;
    state_->set_sizes.push_back(message.nlmsg_len);
    auto& peers = state_->set_peers.emplace_back();
    WireChange device;
    expect_whole(payload_of(message).subspan(sizeof(genlmsghdr)));
    for (const auto& attribute : attributes_of(message, sizeof(genlmsghdr))) {
      if (attribute.type == WGDEVICE_A_PRIVATE_KEY) {
        auto text = Secret::from_bytes(attribute.value<std::array<std::uint8_t, key_size>>().value()).reveal_base64();
        private_key_ = PrivateKey::parse(text).value();
        device.private_key = &private_key_;
      } else if (attribute.type == WGDEVICE_A_LISTEN_PORT) {
        device.listen_port = attribute.value<std::uint16_t>().value();
      } else if (attribute.type == WGDEVICE_A_FWMARK) {
        device.fwmark = attribute.value<std::uint32_t>().value();
      } else if (attribute.type == WGDEVICE_A_PEERS) {
        state_->model.apply_device(device);
        device = {};
        expect_whole(attribute.payload);
        for (const auto& peer : attribute.nested())
          if (!set_peer(peer, peers)) return EINVAL;
      }
    }
    state_->model.apply_device(device);
    return 0;
  }

  bool set_peer(const NetlinkAttribute& attribute, std::vector<std::pair<PublicKey, std::uint32_t>>& seen) {
    expect_whole(attribute.payload);
    PeerOperation operation;
    PresharedKey preshared;
    for (const auto& part : attribute.nested()) {
      if (part.type == WGPEER_A_PUBLIC_KEY) {
        operation.public_key = PublicKey(part.value<std::array<std::uint8_t, key_size>>().value());
        seen.emplace_back(operation.public_key, 0);
      } else if (part.type == WGPEER_A_FLAGS) {
        const auto flags = part.value<std::uint32_t>().value();
        seen.back().second = flags;
        operation.remove = (flags & WGPEER_F_REMOVE_ME) != 0;
        operation.update_only = (flags & WGPEER_F_UPDATE_ONLY) != 0;
        operation.replace_allowed_ips = (flags & WGPEER_F_REPLACE_ALLOWEDIPS) != 0;
      } else if (part.type == WGPEER_A_PRESHARED_KEY) {
        preshared = PresharedKey::from_bytes(part.value<std::array<std::uint8_t, key_size>>().value());
        operation.preshared_key = &preshared;
      } else if (part.type == WGPEER_A_ENDPOINT) {
        const bool v4 = part.payload.size() == sizeof(sockaddr_in);
        const auto port = static_cast<std::uint16_t>(part.payload[2] << 8U | part.payload[3]);
        const auto address = v4 ? part.payload.subspan(4, 4) : part.payload.subspan(8, 16);
        operation.endpoint = Endpoint::of(IpAddress::from_bytes(address), port);
      } else if (part.type == WGPEER_A_PERSISTENT_KEEPALIVE_INTERVAL) {
        operation.keepalive = part.value<std::uint16_t>().value();
      } else if (part.type == WGPEER_A_ALLOWEDIPS) {
        expect_whole(part.payload);
        for (const auto& entry : part.nested()) operation.allowed_ips.push_back(allowed_ip(entry));
      } else {
        ADD_FAILURE() << "unknown peer attribute " << part.type;
      }
    }
    return state_->model.apply(operation, state_->knows_removal);
  }

  static AllowedIpOperation allowed_ip(const NetlinkAttribute& entry) {
    AllowedIpOperation operation;
    int family = 0;
    int length = 0;
    std::span<const std::uint8_t> address;
    for (const auto& part : entry.nested()) {
      if (part.type == WGALLOWEDIP_A_FAMILY) family = part.value<std::uint16_t>().value();
      if (part.type == WGALLOWEDIP_A_CIDR_MASK) length = part.value<std::uint8_t>().value();
      if (part.type == WGALLOWEDIP_A_IPADDR) address = part.payload;
      if (part.type == wg_allowed_ip_flags) operation.remove = part.value<std::uint32_t>() == wg_allowed_ip_remove_me;
    }
    EXPECT_EQ(address.size(), family == AF_INET ? 4U : 16U);
    operation.prefix = Prefix::of(IpAddress::from_bytes(address), length);
    return operation;
  }

  void answer_get(const nlmsghdr& request) {
    ++state_->dumps;
    const bool interrupt = state_->interrupted_dumps > 0;
    if (interrupt) --state_->interrupted_dumps;
    const auto open = [&] {
      NetlinkMessage message(fake_family, NLM_F_MULTI);
      message.put_header(genlmsghdr{WG_CMD_GET_DEVICE, WG_GENL_VERSION, 0});
      return message;
    };
    auto message = open();
    const auto& model = state_->model;
    message.put_string(WGDEVICE_A_IFNAME, state_->interface);
    message.put_u16(WGDEVICE_A_LISTEN_PORT, model.listen_port);
    message.put_u32(WGDEVICE_A_FWMARK, model.fwmark);
    if (model.public_key) {
      message.put(WGDEVICE_A_PRIVATE_KEY, std::array<std::uint8_t, key_size>{1});
      message.put(WGDEVICE_A_PUBLIC_KEY, model.public_key->bytes());
    }
    auto peers_nest = message.begin_nest(WGDEVICE_A_PEERS);
    std::size_t room = state_->allowed_ips_a_message;
    for (const auto& peer : model.observe().peers) {
      if (interrupt && peer.public_key > test_key(3)) break;  // a list that changed while it was read
      auto nest = message.begin_nest(0);
      message.put(WGPEER_A_PUBLIC_KEY, peer.public_key.bytes());
      put_peer(message, model.peers.at(peer.public_key));
      auto list = message.begin_nest(WGPEER_A_ALLOWEDIPS);
      for (const auto& prefix : peer.allowed_ips) {
        if (room-- == 0) {
          for (const auto open_nest : {list, nest, peers_nest}) message.end_nest(open_nest);
          queue(request, message, 0);
          message = open();
          peers_nest = message.begin_nest(WGDEVICE_A_PEERS);
          nest = message.begin_nest(0);
          message.put(WGPEER_A_PUBLIC_KEY, peer.public_key.bytes());
          list = message.begin_nest(WGPEER_A_ALLOWEDIPS);
          room = state_->allowed_ips_a_message - 1;
        }
        const auto entry = message.begin_nest(0);
        message.put_u8(WGALLOWEDIP_A_CIDR_MASK, static_cast<std::uint8_t>(prefix.length()));
        message.put_u16(WGALLOWEDIP_A_FAMILY, prefix.family() == Family::v4 ? AF_INET : AF_INET6);
        message.put_address(WGALLOWEDIP_A_IPADDR, prefix.address());
        message.end_nest(entry);
      }
      message.end_nest(list);
      message.end_nest(nest);
    }
    message.end_nest(peers_nest);
    queue(request, message, interrupt ? NLM_F_DUMP_INTR : 0);
    end(request, NLMSG_DONE, 0);
  }

  static void put_peer(NetlinkMessage& message, const WireModel::Peer& peer) {
    const PresharedKey none;
    message.put(WGPEER_A_PRESHARED_KEY, (peer.preshared_key ? *peer.preshared_key : none).bytes());
    message.put_u16(WGPEER_A_PERSISTENT_KEEPALIVE_INTERVAL, peer.keepalive);
    message.put_value(WGPEER_A_LAST_HANDSHAKE_TIME, std::array<std::int64_t, 2>{0, 0});
    message.put_value(WGPEER_A_RX_BYTES, std::uint64_t{0});
    message.put_value(WGPEER_A_TX_BYTES, std::uint64_t{0});
    message.put_u32(WGPEER_A_PROTOCOL_VERSION, 1);
    if (!peer.endpoint) return;
    const auto address = peer.endpoint->address().value();
    if (address.is_v4()) {
      sockaddr_in raw{AF_INET, htons(peer.endpoint->port), {htonl(address.to_v4())}, {}};
      return message.put_value(WGPEER_A_ENDPOINT, raw);
    }
    sockaddr_in6 raw{};
    raw.sin6_family = AF_INET6;
    raw.sin6_port = htons(peer.endpoint->port);
    std::copy(address.bytes().begin(), address.bytes().end(), raw.sin6_addr.s6_addr);
    message.put_value(WGPEER_A_ENDPOINT, raw);
  }

  void queue(const nlmsghdr& request, NetlinkMessage& message, std::uint16_t flags) {
    const auto bytes = message.finish(request.nlmsg_seq, flags);
    answers_.emplace_back(bytes.begin(), bytes.end());
  }

  void end(const nlmsghdr& request, std::uint16_t type, int error) {
    NetlinkMessage message(type, type == NLMSG_DONE ? NLM_F_MULTI : NLM_F_CAPPED);
    if (type == NLMSG_DONE) message.put_header(error);
    else message.put_header(nlmsgerr{error, request});
    queue(request, message, 0);
  }

  std::shared_ptr<State> state_;
  std::deque<std::vector<std::uint8_t>> answers_;
  PrivateKey private_key_;
};

}  // namespace radial::host
