// What a site sends over BGP, as a listener on the wire reads it. A first byte of
// zero: the rest is one message. Else the rest is TCP segments, each as
// OFFSET FLAGS LENGTH BYTE...: OFFSET (signed) shifts its sequence number from where it
// should be, so that segments overlap, repeat and leave gaps.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>

#include "host/bgp_message.h"
#include "host/bgp_stream.h"

namespace {

using radial::host::BgpStream;

void read(std::span<const std::uint8_t> message) {
  const auto update = radial::host::read_bgp_update(message);
  // Each prefix takes at least its length byte.
  if (update && update->announced.size() + update->withdrawn.size() > message.size()) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  std::span<const std::uint8_t> rest(data + 1, size - 1);
  if (*data == 0) {
    read(rest);
    return 0;
  }
  BgpStream stream;
  BgpStream::Time now{};
  std::uint32_t sequence = 0xffffff00;  // it wraps soon
  std::size_t taken = 0;
  std::size_t given = 0;
  while (rest.size() >= 3) {
    const auto offset = static_cast<std::int8_t>(rest[0]);
    radial::host::TcpSegment segment{.sequence = sequence + static_cast<std::uint32_t>(offset), .opens = (rest[1] & 1U) != 0, .closes = (rest[1] & 2U) != 0};
    const auto length = std::min<std::size_t>(rest[2], rest.size() - 3);
    segment.payload.assign(rest.begin() + 3, rest.begin() + 3 + static_cast<std::ptrdiff_t>(length));
    if ((rest[1] & 4U) != 0) now += std::chrono::seconds(1);
    rest = rest.subspan(3 + length);
    sequence += static_cast<std::uint32_t>(length);
    given += length;
    for (const auto& message : stream.take(now, segment)) {
      if (radial::host::bgp_message_length(message) != message.size()) std::abort();  // a message is whole
      taken += message.size();
      read(message);
    }
    (void)stream.lost(now);
  }
  if (taken > given) std::abort();  // and stands once
  return 0;
}
