// A netlink request under construction (RFC 3549 section 2.3.2): header,
// family header, attributes. Grows as needed, wiped when it goes (keys pass
// through it). For reading see
// netlink_attributes.h.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>
#include <type_traits>

#include <linux/netlink.h>

#include "base/ip.h"
#include "host/wiping_allocator.h"

namespace radial::host {

class NetlinkMessage {
 public:
  // `flags` beside those that NetlinkSocket adds: NLM_F_CREATE | NLM_F_EXCL, ...
  explicit NetlinkMessage(std::uint16_t type, std::uint16_t flags = 0);

  // The family header (ifinfomsg, rtmsg, genlmsghdr, ...); before any attribute.
  template <class Header>
  void put_header(const Header& header) {
    static_assert(std::is_trivially_copyable_v<Header>);
    append(&header, sizeof header);
  }

  void put(std::uint16_t type, std::span<const std::uint8_t> bytes);
  void put_u8(std::uint16_t type, std::uint8_t value) { put_value(type, value); }
  void put_u16(std::uint16_t type, std::uint16_t value) { put_value(type, value); }
  void put_u32(std::uint16_t type, std::uint32_t value) { put_value(type, value); }
  void put_string(std::uint16_t type, std::string_view text);  // NUL-terminated
  void put_address(std::uint16_t type, const IpAddress& address) { put(type, address.bytes()); }
  template <class Value>
  void put_value(std::uint16_t type, const Value& value) {
    static_assert(std::is_trivially_copyable_v<Value>);
    put(type, {reinterpret_cast<const std::uint8_t*>(&value), sizeof value});
  }

  // A nested attribute (NLA_F_NESTED) around what is put before end_nest(). A
  // nest holds at most 65,535 bytes: who may exceed that watches size().
  [[nodiscard]] std::size_t begin_nest(std::uint16_t type);
  void end_nest(std::size_t nest);

  [[nodiscard]] std::size_t size() const { return bytes_.size(); }
  // Forgets everything after `size`, an earlier value of size().
  void truncate(std::size_t size);

  // The message with its length and the given sequence number and extra flags
  // filled in; borrows from this object until the next change.
  [[nodiscard]] std::span<const std::uint8_t> finish(std::uint32_t sequence, std::uint16_t extra_flags);

 private:
  void append(const void* data, std::size_t size);  // and pads to four bytes

  SecretBytes bytes_;
  std::uint16_t flags_;
};

}  // namespace radial::host
