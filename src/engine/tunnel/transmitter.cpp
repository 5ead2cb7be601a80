#include "engine/tunnel/transmitter.h"

#include "engine/noise/keypair.h"
#include "engine/noise/messages.h"
#include "engine/tunnel/clock.h"
#include "engine/tunnel/offload/header.h"
#include "engine/tunnel/offload/split.h"

namespace radial::engine {
namespace {

constexpr std::size_t arena_size = 384U << 10U;
constexpr std::size_t batch = 128;      // messages sealed at a call
constexpr std::size_t reads = 64;       // before the other direction has its turn
constexpr std::size_t rounding = padding_multiple - 1;
constexpr std::uint8_t protocol_ipv6_fragment = 44;
constexpr std::size_t ipv6_fragment_header_size = 8;

std::uint8_t traffic_class(std::span<const std::uint8_t> packet) {
  if (packet.size() < 2) return 0;
  return ip_version(packet) == 4 ? packet[1] : static_cast<std::uint8_t>(packet[0] << 4U | packet[1] >> 4U);
}

bool is_link_multicast(std::span<const std::uint8_t> packet) {
  switch (ip_version(packet)) {
    case 4: return packet.size() >= ipv4_header_size && packet[16] == 224 && packet[17] == 0 && packet[18] == 0;
    case 6: return packet.size() >= ipv6_header_size && packet[24] == 0xff && packet[25] == 0x02;
    default: return false;
  }
}

// Where the payload of a UDP datagram begins, or of its first fragment; 0: it is none.
std::size_t udp_payload(std::span<const std::uint8_t> packet) {
  if (ip_version(packet) == 4)
    return packet.size() >= ipv4_header_size && packet[9] == protocol_udp ? static_cast<std::size_t>(packet[0] & 0x0fU) * 4 + udp_header_size : 0;
  if (ip_version(packet) != 6 || packet.size() < ipv6_header_size + ipv6_fragment_header_size) return 0;
  if (packet[6] == protocol_udp) return ipv6_header_size + udp_header_size;
  return packet[6] == protocol_ipv6_fragment && packet[ipv6_header_size] == protocol_udp
             ? ipv6_header_size + ipv6_fragment_header_size + udp_header_size
             : 0;
}

// A message of the session with that very peer: its endpoint is routed into this
// device, and what is sent to it would come back 60 bytes larger, then in
// fragments, for ever.
bool is_message_to(const Peer& peer, std::span<const std::uint8_t> packet) {
  const auto payload = udp_payload(packet);
  if (payload == 0 || packet.size() < payload + data::header_size) return false;
  const auto* const message = packet.data() + payload;
  const auto* const keypair = peer.current();
  return is_message(message, data::header_size, MessageType::data) && keypair != nullptr &&
         load_u32(message + data::receiver) == keypair->remote_index();
}

}  // namespace

Transmitter::Transmitter(TunDevice& tun, DataPath& path, SlowLane& slow, std::size_t queue)
    : tun_(tun), path_(path), slow_(slow), queue_(queue), packet_(TunDevice::max_packet), arena_(arena_size) {}

bool Transmitter::burst(const UdpPort* port, bool multicast) {
  port_ = port;
  bool more = true;
  for (std::size_t taken = 0; taken < reads && outbound_.size() < batch / 2; ++taken) {
    VnetHeader header;
    const auto got = tun_.read(queue_, header, packet_);
    if (got <= 0) {
      if (got == -EBADFD) slow_.report_device_gone();
      more = false;
      break;
    }
    if (!section_) {
      now_ = read_clocks();
      section_.emplace(path_.enter());
      mtu_ = path_.mtu();
    }
    take(header, std::span(packet_).first(static_cast<std::size_t>(got)), multicast);
  }
  if (section_) flush();
  section_.reset();
  return more;
}

void Transmitter::take(const VnetHeader& header, std::span<const std::uint8_t> packet, bool multicast) {
  const auto split = Split::of(header, packet);
  if (!split) return;
  if (multicast && is_link_multicast(packet)) {
    copy_to_all(*split);
    return;
  }
  Peer* peer = path_.route(packet);
  if (peer != nullptr && is_message_to(*peer, packet)) {
    peer->counters().tx_dropped.fetch_add(split->count(), std::memory_order_relaxed);
    return;
  }
  const auto ds = ecn_encapsulate(traffic_class(packet));
  for (std::size_t i = 0; i < split->count() && peer != nullptr; ++i) {
    if (!has_room(split->size(i))) {
      flush();
      peer = path_.route(packet);  // of the new Section
      if (peer == nullptr) return;
    }
    add(*peer, *split, i, ds);
  }
}

void Transmitter::copy_to_all(const Split& split) {
  for (std::size_t segment = 0; segment < split.count(); ++segment) {
    // By index, since a flush in between begins a new Section: a peer that
    // comes or goes then may miss one hello.
    for (std::size_t i = 0; i < path_.device().peers().size(); ++i) {
      if (!has_room(split.size(segment))) flush();
      const auto peers = path_.device().peers();
      if (i >= peers.size()) break;
      if (peers[i]->is_live(now_.boot, path_.device().limits())) add(*peers[i], split, segment, 0);
    }
  }
}

bool Transmitter::has_room(std::size_t length) const {
  return outbound_.size() < batch && used_ + length + rounding + data::overhead <= arena_.size();
}

void Transmitter::add(Peer& peer, const Split& split, std::size_t segment, std::uint8_t ds) {
  auto* const message = arena_.data() + used_;
  const std::size_t length = split.size(segment);
  split.write(segment, message + data::header_size);
  Outbound& out = outbound_.emplace_back();
  out.peer = &peer;
  out.message = message;
  out.length = static_cast<std::uint32_t>(length);
  classes_.push_back(ds);
  used_ += data::overhead + padded_size(length, mtu_);
}

void Transmitter::flush() {
  path_.seal(outbound_, now_, actions_);
  trains_.add(outbound_, classes_);
  // Sending may have to wait for room, which must not hold memory back.
  section_.reset();
  if (port_ != nullptr) {
    trains_.send(*port_, queue_, path_.device());
    if (!actions_.datagrams.empty()) send_datagrams(actions_.datagrams, *port_, queue_, path_.device());
  }
  if (!actions_.events.empty()) slow_.put(actions_.events);
  actions_.clear();
  outbound_.clear();
  classes_.clear();
  used_ = 0;
  section_.emplace(path_.enter());
  mtu_ = path_.mtu();
}

}  // namespace radial::engine
