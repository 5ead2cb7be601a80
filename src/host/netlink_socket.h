// A netlink conversation with the kernel (RFC 3549; kernel.org: "Introduction
// to Netlink"): one request and its answer at a time, errors with the kernel's
// own words (NETLINK_EXT_ACK), dumps that were interrupted by a change
// (NLM_F_DUMP_INTR) or lost (ENOBUFS) repeated from the start.
//
// Threading: one object, one thread. Every call blocks for the kernel's answer,
// at most ten seconds. Answers to something else (an earlier, abandoned
// request) are passed over by sequence number.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string_view>

#include <linux/netlink.h>

#include "base/fd.h"
#include "base/result.h"
#include "host/netlink_message.h"
#include "host/wiping_allocator.h"

namespace radial::host {

// Datagrams out and in: the kernel's socket, or a script in a test.
class NetlinkTransport {
 public:
  virtual ~NetlinkTransport() = default;
  virtual Status send(std::span<const std::uint8_t> datagram) = 0;
  // One datagram from the kernel into `buffer`; its length.
  virtual Result<std::size_t> receive(std::span<std::uint8_t> buffer) = 0;
  // SOL_NETLINK options such as NETLINK_GET_STRICT_CHK.
  virtual Status set_option(int option, bool on) = 0;
};

[[nodiscard]] Result<std::unique_ptr<NetlinkTransport>> open_netlink_transport(int protocol);

class NetlinkSocket {
 public:
  // Sees one message of an answer; borrowed for the call.
  using Reader = std::function<Status(const nlmsghdr& message)>;

  // `protocol`: NETLINK_ROUTE, NETLINK_GENERIC, ...
  [[nodiscard]] static Result<NetlinkSocket> open(int protocol);
  explicit NetlinkSocket(std::unique_ptr<NetlinkTransport> transport);

  Status set_option(int option, bool on) { return transport_->set_option(option, on); }

  // Sends a request and waits for its acknowledgement. `reader` sees what comes
  // before it (the answer to RTM_GETLINK, CTRL_CMD_GETFAMILY, ...).
  Status request(NetlinkMessage& message, const Reader& reader = {});

  // Sends a dump request (adds NLM_F_DUMP). `restart` is called before each
  // attempt, so that the caller empties what it has collected.
  Status dump(NetlinkMessage& message, const std::function<void()>& restart, const Reader& reader);

 private:
  enum class Ended { done, interrupted };
  Result<Ended> exchange(NetlinkMessage& message, std::uint16_t flags, const Reader& reader);

  std::unique_ptr<NetlinkTransport> transport_;
  SecretBytes buffer_;
  std::uint32_t sequence_ = 0;
};

// Room for any single datagram: the kernel never makes a dump's larger than 32 KiB.
inline constexpr std::size_t netlink_buffer_size = 64 * 1024;

// What an NLMSG_ERROR message says (a nonzero error): errno's text and the kernel's
// own. For readers of multicast sockets; NetlinkSocket does it by itself.
[[nodiscard]] Unexpected netlink_error(const nlmsghdr& message);

}  // namespace radial::host
