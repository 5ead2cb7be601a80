#include "engine/tunnel/receiver.h"

#include "engine/tunnel/clock.h"

namespace radial::engine {
namespace {

// Messages that the kernel has coalesced are large: a few at a time stay in
// the processor's cache. Small ones are worth taking many at a call.
constexpr std::size_t few = 8;
constexpr std::size_t many = 64;
constexpr std::size_t large_message = 8192;
constexpr std::size_t writes_before_relief = 128;

}  // namespace

Receiver::Receiver(TunDevice& tun, DataPath& path, SlowLane& slow, std::size_t queue, std::function<void()> relieve)
    : tun_(tun), path_(path), slow_(slow), queue_(queue), relieve_(std::move(relieve)), inbox_(many), limit_(few),
      merger_({tun.merges_tcp(), tun.merges_udp()}) {}

bool Receiver::burst(const UdpPort& port, const UdpSocket& socket) {
  const auto messages = inbox_.receive(socket, limit_);
  if (messages.empty()) return false;
  const bool more = messages.size() == limit_;
  std::size_t bytes = 0;
  for (const auto& message : messages) bytes += message.bytes.size();
  limit_ = bytes / messages.size() >= large_message ? few : many;
  inbound_.clear();
  for (const auto& message : messages)
    for (std::size_t at = 0; at < message.bytes.size(); at += message.segment) {
      Inbound& in = inbound_.emplace_back();
      in.message = message.bytes.data() + at;
      in.length = static_cast<std::uint32_t>(std::min(message.segment, message.bytes.size() - at));
      in.from = &message.from;
      in.outer_ds = message.ds;
    }
  {
    const auto section = path_.enter();
    path_.open(inbound_, read_clocks(), actions_);
  }
  deliver();
  if (!actions_.datagrams.empty()) send_datagrams(actions_.datagrams, port, queue_, path_.device());
  if (!actions_.events.empty()) slow_.put(actions_.events);
  actions_.clear();
  return more;
}

void Receiver::deliver() {
  for (auto& in : inbound_) {
    if (in.verdict == Inbound::Verdict::deliver) merger_.add(in.inner);
    else if (in.verdict == Inbound::Verdict::handshake) slow_.put({in.message, in.length}, *in.from);
  }
  merger_.take_all([&](std::span<const iovec> pieces) {
    // A device that is down, or a full one, drops: so does the kernel's.
    if (tun_.write(queue_, pieces) == EBADFD) slow_.report_device_gone();
    if (++written_ < writes_before_relief) return;
    written_ = 0;
    relieve_();
  });
}

}  // namespace radial::engine
