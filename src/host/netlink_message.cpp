#include "host/netlink_message.h"

namespace radial::host {

NetlinkMessage::NetlinkMessage(std::uint16_t type, std::uint16_t flags) : flags_(flags) {
  nlmsghdr header{};
  header.nlmsg_type = type;
  append(&header, sizeof header);
}

void NetlinkMessage::append(const void* data, std::size_t size) {
  const auto* bytes = static_cast<const std::uint8_t*>(data);
  bytes_.insert(bytes_.end(), bytes, bytes + size);
  bytes_.resize(NLMSG_ALIGN(bytes_.size()));
}

void NetlinkMessage::put(std::uint16_t type, std::span<const std::uint8_t> bytes) {
  const nlattr attribute{static_cast<std::uint16_t>(NLA_HDRLEN + bytes.size()), type};
  append(&attribute, sizeof attribute);
  append(bytes.data(), bytes.size());
}

void NetlinkMessage::put_string(std::uint16_t type, std::string_view text) {
  const nlattr attribute{static_cast<std::uint16_t>(NLA_HDRLEN + text.size() + 1), type};
  append(&attribute, sizeof attribute);
  bytes_.insert(bytes_.end(), text.begin(), text.end());
  bytes_.push_back(0);
  bytes_.resize(NLMSG_ALIGN(bytes_.size()));
}

std::size_t NetlinkMessage::begin_nest(std::uint16_t type) {
  const auto nest = bytes_.size();
  const nlattr attribute{0, static_cast<std::uint16_t>(type | NLA_F_NESTED)};
  append(&attribute, sizeof attribute);
  return nest;
}

void NetlinkMessage::end_nest(std::size_t nest) {
  const auto length = static_cast<std::uint16_t>(bytes_.size() - nest);
  std::memcpy(bytes_.data() + nest + offsetof(nlattr, nla_len), &length, sizeof length);
}

void NetlinkMessage::truncate(std::size_t size) { bytes_.resize(size); }

std::span<const std::uint8_t> NetlinkMessage::finish(std::uint32_t sequence, std::uint16_t extra_flags) {
  nlmsghdr header{};
  std::memcpy(&header, bytes_.data(), sizeof header);
  header.nlmsg_len = static_cast<std::uint32_t>(bytes_.size());
  header.nlmsg_flags = static_cast<std::uint16_t>(NLM_F_REQUEST | flags_ | extra_flags);
  header.nlmsg_seq = sequence;
  std::memcpy(bytes_.data(), &header, sizeof header);
  return {bytes_.data(), bytes_.size()};
}

}  // namespace radial::host
