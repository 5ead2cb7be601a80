// Raw sockets (raw(7), RFC 3542) that say over which interface a packet came: what
// OspfListener, BgpListener and EchoProbe hear with, and OspfRelay too.
// Threading: none of their own.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include <linux/filter.h>

#include "base/fd.h"
#include "base/ip.h"
#include "base/result.h"

namespace radial::host {

// Non-blocking, with `filter` (a classic BPF program over the IPv4 packet; over
// IPv6, over what is behind its headers). `name` is for errors.
[[nodiscard]] Result<Fd> open_raw_ip(int protocol, std::span<sock_filter> filter, std::string_view name,
                                     Family family = Family::v4);

// Lets ten thousand routing messages wait in the socket's queue (4 MiB), or as many as the system
// allows: root may go past its limit.
void make_room_for_a_flood(const Fd& fd);

struct RawArrival {
  int interface = 0;  // index; 0: the kernel did not say
  IpAddress source;
  std::size_t size = 0;  // bytes in the buffer, from the IPv4 header on; over IPv6, from behind its headers on
};

// The next packet, cut to the buffer; nothing: all are read.
[[nodiscard]] std::optional<RawArrival> receive_raw_ip(const Fd& fd, std::span<std::uint8_t> buffer);

// IPv4: what is behind the header, over that interface, from the address that it has. Does not wait.
[[nodiscard]] Status send_raw_ip(const Fd& fd, int interface, const IpAddress& to, std::span<const std::uint8_t> packet);

// Empty: there is no such interface any more.
[[nodiscard]] std::string interface_name(int index);

}  // namespace radial::host
