#include "host/netlink_socket.h"

#include <optional>
#include <string>

#include <libmnl/libmnl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "host/netlink_attributes.h"

namespace radial::host {
namespace {

constexpr int dump_attempts = 32;
constexpr timeval answer_deadline{10, 0};

class KernelTransport final : public NetlinkTransport {
 public:
  explicit KernelTransport(Fd fd) : fd_(std::move(fd)) {}

  Status send(std::span<const std::uint8_t> datagram) override {
    sockaddr_nl kernel{};
    kernel.nl_family = AF_NETLINK;
    for (;;) {
      const auto sent = ::sendto(fd_.get(), datagram.data(), datagram.size(), 0,
                                 reinterpret_cast<const sockaddr*>(&kernel), sizeof kernel);
      if (sent >= 0) return {};
      if (errno != EINTR) return fail_errno(errno, fmt::format("cannot send {} bytes to netlink", datagram.size()));
    }
  }

  Result<std::size_t> receive(std::span<std::uint8_t> buffer) override {
    for (;;) {
      sockaddr_nl from{};
      iovec part{buffer.data(), buffer.size()};
      msghdr header{};
      header.msg_name = &from;
      header.msg_namelen = sizeof from;
      header.msg_iov = &part;
      header.msg_iovlen = 1;
      const auto got = ::recvmsg(fd_.get(), &header, 0);
      if (got < 0) {
        if (errno == EINTR) continue;
        if (errno == EAGAIN)
          return fail(Errc::timeout, "the kernel did not answer on netlink in {} s", answer_deadline.tv_sec);
        return fail_errno(errno, "cannot read from netlink");
      }
      if (from.nl_pid != 0) continue;  // another process: not the kernel's word
      if ((header.msg_flags & MSG_TRUNC) != 0)
        return fail(Errc::protocol, "a netlink message was longer than {} bytes", buffer.size());
      return static_cast<std::size_t>(got);
    }
  }

  Status set_option(int option, bool on) override {
    const int value = on ? 1 : 0;
    if (::setsockopt(fd_.get(), SOL_NETLINK, option, &value, sizeof value) != 0)
      return fail_errno(errno, fmt::format("cannot set netlink option {}", option));
    return {};
  }

 private:
  Fd fd_;
};

// The kernel's own words in an NLMSG_ERROR or NLMSG_DONE: attributes behind
// the error number and, in an error that was not capped, the request's copy.
std::string extended_ack(const nlmsghdr& message) {
  if ((message.nlmsg_flags & NLM_F_ACK_TLVS) == 0) return {};
  std::size_t offset = sizeof(int);
  if (message.nlmsg_type == NLMSG_ERROR) {
    const auto error = header_of<nlmsgerr>(message);
    if (!error) return {};
    offset = sizeof(nlmsgerr);
    if ((message.nlmsg_flags & NLM_F_CAPPED) == 0 && error->msg.nlmsg_len >= sizeof(nlmsghdr))
      offset += error->msg.nlmsg_len - sizeof(nlmsghdr);
  }
  for (const auto& attribute : attributes_of(message, offset))
    if (attribute.type == NLMSGERR_ATTR_MSG) return std::string(attribute.text());
  return {};
}

Unexpected described(int saved_errno, const nlmsghdr& message) {
  const auto words = extended_ack(message);
  return fail_errno(saved_errno, words.empty() ? std::string("the kernel refused") :
                                                 fmt::format("the kernel refused (\"{}\")", words));
}

// The errno (positive) of an NLMSG_ERROR or NLMSG_DONE; nothing: it is malformed.
std::optional<int> errno_of(const nlmsghdr& message) {
  const auto error = header_of<int>(message);
  if (!error) return message.nlmsg_type == NLMSG_DONE ? std::optional<int>(0) : std::nullopt;
  return *error < 0 ? -*error : *error;
}

}  // namespace

Unexpected netlink_error(const nlmsghdr& message) {
  const auto error = errno_of(message);
  if (!error) return fail(Errc::protocol, "a netlink error message is cut short");
  return described(*error, message);
}

Result<std::unique_ptr<NetlinkTransport>> open_netlink_transport(int protocol) {
  Fd fd(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, protocol));
  if (!fd) return fail_errno(errno, fmt::format("cannot open netlink protocol {}", protocol));
  sockaddr_nl self{};
  self.nl_family = AF_NETLINK;
  if (::bind(fd.get(), reinterpret_cast<const sockaddr*>(&self), sizeof self) != 0)
    return fail_errno(errno, "cannot bind a netlink socket");
  if (::setsockopt(fd.get(), SOL_SOCKET, SO_RCVTIMEO, &answer_deadline, sizeof answer_deadline) != 0)
    return fail_errno(errno, "cannot set a netlink deadline");
  // A burst of answers must not overflow the default 208 KiB; without the
  // privilege for FORCE the default stays, and a lost dump is repeated.
  const int receive_buffer = 1 << 20;
  (void)::setsockopt(fd.get(), SOL_SOCKET, SO_RCVBUFFORCE, &receive_buffer, sizeof receive_buffer);
  std::unique_ptr<NetlinkTransport> transport = std::make_unique<KernelTransport>(std::move(fd));
  RADIAL_TRY(transport->set_option(NETLINK_EXT_ACK, true));
  RADIAL_TRY(transport->set_option(NETLINK_CAP_ACK, true));
  return transport;
}

Result<NetlinkSocket> NetlinkSocket::open(int protocol) {
  RADIAL_ASSIGN(auto transport, open_netlink_transport(protocol));
  return NetlinkSocket(std::move(transport));
}

NetlinkSocket::NetlinkSocket(std::unique_ptr<NetlinkTransport> transport)
    : transport_(std::move(transport)), buffer_(netlink_buffer_size) {}

Result<NetlinkSocket::Ended> NetlinkSocket::exchange(NetlinkMessage& message, std::uint16_t flags,
                                                     const Reader& reader) {
  const bool dumping = (flags & NLM_F_DUMP) == NLM_F_DUMP;
  const auto sequence = ++sequence_;
  RADIAL_TRY(transport_->send(message.finish(sequence, flags)));
  auto outcome = Ended::done;
  // The reader's first refusal; a dump is still read to its end, or the next one finds it busy.
  Status reading;
  for (;;) {
    auto got = transport_->receive(buffer_);
    if (!got) {
      if (!dumping || got.error().sys_errno != ENOBUFS) return forward_error(std::move(got.error()));
      outcome = Ended::interrupted;
      continue;
    }
    int left = static_cast<int>(*got);
    const auto* part = reinterpret_cast<const nlmsghdr*>(buffer_.data());
    for (; mnl_nlmsg_ok(part, left); part = mnl_nlmsg_next(part, &left)) {
      if (part->nlmsg_seq != sequence || part->nlmsg_type == NLMSG_NOOP) continue;
      if ((part->nlmsg_flags & NLM_F_DUMP_INTR) != 0) outcome = Ended::interrupted;
      if (part->nlmsg_type == NLMSG_ERROR || part->nlmsg_type == NLMSG_DONE) {
        const auto error = errno_of(*part);
        if (!error || *error != 0) {
          auto refused = netlink_error(*part);
          ::explicit_bzero(buffer_.data(), *got);
          return refused;
        }
        ::explicit_bzero(buffer_.data(), *got);
        if (!reading && outcome == Ended::done) return forward_error(std::move(reading.error()));
        return outcome;
      }
      if (reader && reading) reading = reader(*part);
    }
    ::explicit_bzero(buffer_.data(), *got);
    if (left != 0) return fail(Errc::protocol, "a netlink message is cut short");
  }
}

Status NetlinkSocket::request(NetlinkMessage& message, const Reader& reader) {
  RADIAL_TRY(exchange(message, NLM_F_ACK, reader));
  return {};
}

Status NetlinkSocket::dump(NetlinkMessage& message, const std::function<void()>& restart, const Reader& reader) {
  for (int attempt = 0; attempt < dump_attempts; ++attempt) {
    restart();
    RADIAL_ASSIGN(const auto outcome, exchange(message, NLM_F_DUMP, reader));
    if (outcome == Ended::done) return {};
  }
  return fail(Errc::unavailable, "what was to be listed changed {} times while it was read; try again", dump_attempts);
}

}  // namespace radial::host
