// Reading the attributes of a netlink message (RFC 3549; linux/netlink.h) in a
// range-for: what libmnl's macros do in C, with bounds checked and views
// instead of pointers. Everything borrows from the message.
//
//   for (const auto& attribute : attributes_of(message, sizeof(ifinfomsg)))
//     if (attribute.type == IFLA_IFNAME) name = attribute.text();
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <string_view>
#include <type_traits>

#include <linux/netlink.h>

namespace radial::host {

class NetlinkAttributes;

struct NetlinkAttribute {
  std::uint16_t type = 0;  // without NLA_F_NESTED and NLA_F_NET_BYTEORDER
  std::span<const std::uint8_t> payload;

  // The payload as a value of exactly this size; nothing when it is not.
  template <class Value>
  [[nodiscard]] std::optional<Value> value() const {
    static_assert(std::is_trivially_copyable_v<Value>);
    if (payload.size() != sizeof(Value)) return std::nullopt;
    Value result;
    std::memcpy(&result, payload.data(), sizeof result);
    return result;
  }
  // Up to the first NUL or the end.
  [[nodiscard]] std::string_view text() const {
    const auto* chars = reinterpret_cast<const char*>(payload.data());
    return {chars, ::strnlen(chars, payload.size())};
  }
  [[nodiscard]] NetlinkAttributes nested() const;
};

// A run of attributes. Iteration ends at the first that is cut short.
class NetlinkAttributes {
 public:
  explicit NetlinkAttributes(std::span<const std::uint8_t> bytes) : bytes_(bytes) {}

  class Iterator {
   public:
    explicit Iterator(std::span<const std::uint8_t> rest) : rest_(rest) { read(); }
    [[nodiscard]] const NetlinkAttribute& operator*() const { return current_; }
    Iterator& operator++() {
      rest_ = rest_.subspan(std::min<std::size_t>(NLA_ALIGN(length_), rest_.size()));
      read();
      return *this;
    }
    [[nodiscard]] bool operator==(std::nullptr_t) const { return length_ == 0; }

   private:
    void read() {
      length_ = 0;
      nlattr header{};
      if (rest_.size() < sizeof header) return;
      std::memcpy(&header, rest_.data(), sizeof header);
      if (header.nla_len < sizeof header || header.nla_len > rest_.size()) return;
      length_ = header.nla_len;
      current_ = {static_cast<std::uint16_t>(header.nla_type & NLA_TYPE_MASK),
                  rest_.subspan(sizeof header, length_ - sizeof header)};
    }

    std::span<const std::uint8_t> rest_;
    std::size_t length_ = 0;  // 0: at the end
    NetlinkAttribute current_;
  };

  [[nodiscard]] Iterator begin() const { return Iterator(bytes_); }
  [[nodiscard]] std::nullptr_t end() const { return nullptr; }

 private:
  std::span<const std::uint8_t> bytes_;
};

inline NetlinkAttributes NetlinkAttribute::nested() const { return NetlinkAttributes(payload); }

// What follows the netlink header.
[[nodiscard]] inline std::span<const std::uint8_t> payload_of(const nlmsghdr& message) {
  return {reinterpret_cast<const std::uint8_t*>(&message) + NLMSG_HDRLEN, message.nlmsg_len - NLMSG_HDRLEN};
}

// The family header at the start of the payload; nothing when it is cut short.
template <class Header>
[[nodiscard]] std::optional<Header> header_of(const nlmsghdr& message) {
  static_assert(std::is_trivially_copyable_v<Header>);
  const auto payload = payload_of(message);
  if (payload.size() < sizeof(Header)) return std::nullopt;
  Header header;
  std::memcpy(&header, payload.data(), sizeof header);
  return header;
}

// The attributes behind a family header of `header_size` bytes.
[[nodiscard]] inline NetlinkAttributes attributes_of(const nlmsghdr& message, std::size_t header_size) {
  const auto payload = payload_of(message);
  return NetlinkAttributes(payload.subspan(std::min<std::size_t>(NLMSG_ALIGN(header_size), payload.size())));
}

}  // namespace radial::host
