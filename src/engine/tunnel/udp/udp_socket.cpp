#include "engine/tunnel/udp/udp_socket.h"

#include <algorithm>
#include <cstring>

#include <netinet/in.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/uio.h>

namespace radial::engine {
namespace {

// linux/udp.h; absent from older C libraries' headers.
constexpr int udp_segment = 103;
constexpr int udp_gro = 104;

constexpr int buffer_bytes = 7 << 20;  // many trains of 64 KiB, each way
constexpr int full_wait_ms = 20;
constexpr std::size_t send_depth = 64;

struct alignas(cmsghdr) SendControl {
  std::array<std::uint8_t, 96> bytes;
};

bool set_option(int fd, int level, int name, int value) {
  return ::setsockopt(fd, level, name, &value, sizeof value) == 0;
}

template <class T>
void add_control(msghdr& header, int level, int type, const T& value) {
  auto* const at = static_cast<std::uint8_t*>(header.msg_control) + header.msg_controllen;
  cmsghdr control{};
  control.cmsg_len = CMSG_LEN(sizeof value);
  control.cmsg_level = level;
  control.cmsg_type = type;
  std::memcpy(at, &control, sizeof control);
  std::memcpy(at + CMSG_LEN(0), &value, sizeof value);
  header.msg_controllen += CMSG_SPACE(sizeof value);
}

// One sendmmsg entry of its own memory.
struct Outgoing {
  mmsghdr header;
  iovec data;
  SendControl control;
};

void fill(msghdr& header, iovec& data, SendControl& control, UdpTrain& train, const std::uint8_t* from,
          std::size_t size, bool segmented) {
  data = {const_cast<std::uint8_t*>(from), size};
  header = {};
  header.msg_name = &train.to.remote;
  header.msg_namelen = train.to.remote_size();
  header.msg_iov = &data;
  header.msg_iovlen = 1;
  header.msg_control = control.bytes.data();
  const bool v4 = train.to.is_v4();
  if (train.to.has_local() && !train.local_refused) {
    // The address only: by which interface to leave is for the routes to say.
    if (v4) {
      in_pktinfo info{};
      info.ipi_spec_dst = train.to.local.v4;
      add_control(header, IPPROTO_IP, IP_PKTINFO, info);
    } else {
      in6_pktinfo info{};
      info.ipi6_addr = train.to.local.v6;
      if (IN6_IS_ADDR_LINKLOCAL(&train.to.local.v6))
        info.ipi6_ifindex = static_cast<unsigned>(train.to.local_interface);
      add_control(header, IPPROTO_IPV6, IPV6_PKTINFO, info);
    }
  }
  if (train.ds != 0) {
    const int ds = train.ds;
    if (v4)
      add_control(header, IPPROTO_IP, IP_TOS, ds);
    else
      add_control(header, IPPROTO_IPV6, IPV6_TCLASS, ds);
  }
  if (segmented) add_control(header, IPPROTO_UDP, udp_segment, train.segment);
  if (header.msg_controllen == 0) header.msg_control = nullptr;
}

// The local address may be the cause: gone, or not of the route any more.
bool blames_local(int error) {
  return error == EINVAL || error == EADDRNOTAVAIL || error == ENETUNREACH || error == EHOSTUNREACH || error == ENODEV;
}

}  // namespace

Result<std::unique_ptr<UdpSocket>> UdpSocket::open(const Options& options) {
  const bool v4 = options.family == Family::v4;
  Fd fd(::socket(v4 ? AF_INET : AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_UDP));
  if (!fd) return fail_errno(errno, v4 ? "cannot open a UDP socket for IPv4" : "cannot open a UDP socket for IPv6");
  std::unique_ptr<UdpSocket> socket(new UdpSocket(std::move(fd), options.family));
  const int raw = socket->fd();
  if (!v4) set_option(raw, IPPROTO_IPV6, IPV6_V6ONLY, 1);
  if (options.mark != 0) RADIAL_TRY(socket->set_mark(options.mark));
  if (options.share) RADIAL_TRY(socket->allow_sharing());

  UdpPath::Remote name{};
  if (v4) {
    name.v4.sin_family = AF_INET;
    name.v4.sin_port = htons(options.port);
  } else {
    name.v6.sin6_family = AF_INET6;
    name.v6.sin6_port = htons(options.port);
  }
  socklen_t length = v4 ? sizeof name.v4 : sizeof name.v6;
  if (::bind(raw, &name.any, length) != 0)
    return fail_errno(errno, fmt::format("cannot bind UDP port {} ({})", options.port, v4 ? "IPv4" : "IPv6"));
  if (::getsockname(raw, &name.any, &length) != 0) return fail_errno(errno, "cannot read the UDP port bound");
  socket->port_ = ntohs(v4 ? name.v4.sin_port : name.v6.sin6_port);

  // What follows improves; without it the socket still works.
  if (!set_option(raw, SOL_SOCKET, SO_RCVBUFFORCE, buffer_bytes)) set_option(raw, SOL_SOCKET, SO_RCVBUF, buffer_bytes);
  if (!set_option(raw, SOL_SOCKET, SO_SNDBUFFORCE, buffer_bytes)) set_option(raw, SOL_SOCKET, SO_SNDBUF, buffer_bytes);
  if (v4) {
    set_option(raw, IPPROTO_IP, IP_PKTINFO, 1);
    set_option(raw, IPPROTO_IP, IP_RECVTOS, 1);
    set_option(raw, IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_DONT);
  } else {
    set_option(raw, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1);
    set_option(raw, IPPROTO_IPV6, IPV6_RECVTCLASS, 1);
    set_option(raw, IPPROTO_IPV6, IPV6_MTU_DISCOVER, IPV6_PMTUDISC_DONT);
  }
  if (options.offload) {
    socket->segments_ = set_option(raw, IPPROTO_UDP, udp_segment, 0);
    socket->coalesces_ = set_option(raw, IPPROTO_UDP, udp_gro, 1);
  }
  return socket;
}

Status UdpSocket::allow_sharing() {
  if (!set_option(fd(), SOL_SOCKET, SO_REUSEPORT, 1)) return fail_errno(errno, "cannot share a UDP port (SO_REUSEPORT)");
  return {};
}

Status UdpSocket::set_mark(std::uint32_t mark) {
  if (::setsockopt(fd(), SOL_SOCKET, SO_MARK, &mark, sizeof mark) != 0)
    return fail_errno(errno, fmt::format("cannot set fwmark {:#x} on a UDP socket", mark));
  return {};
}

bool UdpSocket::wait_for_room() {
  pollfd wait{fd(), POLLOUT, 0};
  return ::poll(&wait, 1, full_wait_ms) > 0;
}

void UdpSocket::send(std::span<UdpTrain> trains) {
  std::array<Outgoing, send_depth> outgoing;
  std::array<mmsghdr, send_depth> headers;
  std::size_t done = 0;
  while (done < trains.size()) {
    if (!segments()) {
      send_singly(trains[done++]);
      continue;
    }
    const std::size_t count = std::min(send_depth, trains.size() - done);
    for (std::size_t i = 0; i < count; ++i) {
      auto& train = trains[done + i];
      auto& out = outgoing[i];
      fill(headers[i].msg_hdr, out.data, out.control, train, train.data, train.size, train.size > train.segment);
    }
    const int sent = ::sendmmsg(fd(), headers.data(), static_cast<unsigned>(count), MSG_DONTWAIT);
    if (sent > 0) {
      done += static_cast<std::size_t>(sent);
      continue;
    }
    const int error = errno;
    if (error == EINTR) continue;
    if ((error == EAGAIN || error == ENOBUFS) && wait_for_room()) continue;
    auto& train = trains[done];
    // Hardware that cannot do the checksums (EIO), or a kernel that changed
    // its mind: go on without for good. A segment that does not fit the
    // link's MTU (EINVAL, EMSGSIZE) may be fragmented when sent alone.
    if (train.size > train.segment && error == EIO) segments_ = false;
    send_singly(train);
    ++done;
  }
}

void UdpSocket::send_singly(UdpTrain& train) {
  std::array<Outgoing, send_depth> outgoing;
  std::array<mmsghdr, send_depth> headers;
  std::uint32_t at = 0;
  while (at < train.size) {
    std::size_t count = 0;
    for (std::uint32_t next = at; next < train.size && count < send_depth; next += train.segment, ++count) {
      const std::size_t size = std::min<std::size_t>(train.segment, train.size - next);
      fill(headers[count].msg_hdr, outgoing[count].data, outgoing[count].control, train, train.data + next, size, false);
    }
    const int sent = ::sendmmsg(fd(), headers.data(), static_cast<unsigned>(count), MSG_DONTWAIT);
    if (sent > 0) {
      at += static_cast<std::uint32_t>(sent) * train.segment;
      continue;
    }
    const int error = errno;
    if (error == EINTR) continue;
    if ((error == EAGAIN || error == ENOBUFS) && wait_for_room()) continue;
    if (blames_local(error) && train.to.has_local() && !train.local_refused) {
      train.local_refused = true;
      continue;
    }
    train.error = error;
    return;
  }
}

void UdpInbox::Unmap::operator()(std::uint8_t* memory) const { ::munmap(memory, size); }

UdpInbox::UdpInbox(std::size_t depth)
    : depth_(depth), memory_(nullptr, Unmap{depth * buffer_size}), controls_(depth), names_(depth), iovecs_(depth),
      headers_(depth), messages_(depth) {
  void* const memory = ::mmap(nullptr, depth * buffer_size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) throw std::bad_alloc();
  memory_.reset(static_cast<std::uint8_t*>(memory));
}

std::span<UdpInbox::Message> UdpInbox::receive(const UdpSocket& socket, std::size_t limit) {
  const std::size_t count = std::min(limit, depth_);
  for (std::size_t i = 0; i < count; ++i) {
    iovecs_[i] = {memory_.get() + i * buffer_size, buffer_size};
    headers_[i] = {};
    headers_[i].msg_hdr.msg_name = &names_[i];
    headers_[i].msg_hdr.msg_namelen = sizeof names_[i];
    headers_[i].msg_hdr.msg_iov = &iovecs_[i];
    headers_[i].msg_hdr.msg_iovlen = 1;
    headers_[i].msg_hdr.msg_control = controls_[i].data();
    headers_[i].msg_hdr.msg_controllen = control_size;
  }
  const int got = ::recvmmsg(socket.fd(), headers_.data(), static_cast<unsigned>(count), MSG_DONTWAIT, nullptr);
  if (got <= 0) return {};
  for (int i = 0; i < got; ++i) {
    auto& message = messages_[i];
    auto& header = headers_[i].msg_hdr;
    message.bytes = {memory_.get() + static_cast<std::size_t>(i) * buffer_size, headers_[i].msg_len};
    message.segment = message.bytes.size();
    message.ds = 0;
    message.from = UdpPath();
    message.from.remote = names_[i];
    for (cmsghdr* control = CMSG_FIRSTHDR(&header); control != nullptr; control = CMSG_NXTHDR(&header, control)) {
      const auto* const data = CMSG_DATA(control);
      const auto is = [&](int level, int type) { return control->cmsg_level == level && control->cmsg_type == type; };
      if (is(IPPROTO_IP, IP_PKTINFO)) {
        in_pktinfo info;
        std::memcpy(&info, data, sizeof info);
        message.from.local.v4 = info.ipi_spec_dst;
        message.from.local_interface = info.ipi_ifindex;
      } else if (is(IPPROTO_IPV6, IPV6_PKTINFO)) {
        in6_pktinfo info;
        std::memcpy(&info, data, sizeof info);
        message.from.local.v6 = info.ipi6_addr;
        message.from.local_interface = static_cast<int>(info.ipi6_ifindex);
      } else if (is(IPPROTO_IP, IP_TOS)) {
        message.ds = *data;
      } else if (is(IPPROTO_IPV6, IPV6_TCLASS)) {
        int value = 0;
        std::memcpy(&value, data, sizeof value);
        message.ds = static_cast<std::uint8_t>(value);
      } else if (is(IPPROTO_UDP, udp_gro)) {
        int value = 0;
        std::memcpy(&value, data, sizeof value);
        if (value > 0) message.segment = static_cast<std::size_t>(value);
      }
    }
  }
  return std::span(messages_).first(static_cast<std::size_t>(got));
}

}  // namespace radial::engine
