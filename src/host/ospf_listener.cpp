#include "host/ospf_listener.h"

#include <array>
#include <cstring>

#include <linux/filter.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/socket.h>

namespace radial::host {
namespace {

constexpr int ospf_protocol = 89;
constexpr int queue_bytes = 4 << 20;  // a flood of ten thousand LSAs fits

// OSPFv2 of type 2 or 4: the two bytes (version, type) behind the IP header.
std::array<sock_filter, 6> updates_and_descriptions() {
  return {sock_filter{BPF_LDX | BPF_B | BPF_MSH, 0, 0, 0},
          sock_filter{BPF_LD | BPF_H | BPF_IND, 0, 0, 0},
          sock_filter{BPF_JMP | BPF_JEQ | BPF_K, 1, 0, 0x0202},
          sock_filter{BPF_JMP | BPF_JEQ | BPF_K, 0, 1, 0x0204},
          sock_filter{BPF_RET | BPF_K, 0, 0, 0xffff},
          sock_filter{BPF_RET | BPF_K, 0, 0, 0}};
}

std::string interface_of(const msghdr& message) {
  auto* header = CMSG_FIRSTHDR(&message);
  for (; header != nullptr; header = CMSG_NXTHDR(const_cast<msghdr*>(&message), header)) {
    if (header->cmsg_level != IPPROTO_IP || header->cmsg_type != IP_PKTINFO) continue;
    in_pktinfo info{};
    std::memcpy(&info, CMSG_DATA(header), sizeof info);
    std::array<char, IF_NAMESIZE> name{};
    if (::if_indextoname(static_cast<unsigned>(info.ipi_ifindex), name.data()) != nullptr) return name.data();
  }
  return {};
}

}  // namespace

Result<OspfListener> OspfListener::open() {
  Fd fd(::socket(AF_INET, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, ospf_protocol));
  if (!fd) return fail_errno(errno, "cannot open a raw OSPF socket");
  auto program = updates_and_descriptions();
  const sock_fprog filter{static_cast<unsigned short>(program.size()), program.data()};
  const int on = 1;
  if (::setsockopt(fd.get(), SOL_SOCKET, SO_ATTACH_FILTER, &filter, sizeof filter) != 0 ||
      ::setsockopt(fd.get(), IPPROTO_IP, IP_PKTINFO, &on, sizeof on) != 0)
    return fail_errno(errno, "cannot set up the raw OSPF socket");
  // Best effort: root may go past the system's limit.
  if (::setsockopt(fd.get(), SOL_SOCKET, SO_RCVBUFFORCE, &queue_bytes, sizeof queue_bytes) != 0)
    ::setsockopt(fd.get(), SOL_SOCKET, SO_RCVBUF, &queue_bytes, sizeof queue_bytes);
  return OspfListener(std::move(fd));
}

std::vector<HeardOspf> OspfListener::drain(std::size_t most) {
  std::vector<HeardOspf> heard;
  for (std::size_t i = 0; i < most; ++i) {
    alignas(cmsghdr) std::array<std::uint8_t, 128> control{};
    sockaddr_in source{};
    iovec buffer{buffer_.data(), buffer_.size()};
    msghdr message{};
    message.msg_name = &source;
    message.msg_namelen = sizeof source;
    message.msg_iov = &buffer;
    message.msg_iovlen = 1;
    message.msg_control = control.data();
    message.msg_controllen = control.size();
    const auto got = ::recvmsg(fd_.get(), &message, 0);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) break;  // EAGAIN: all read
    auto packet = read_ospf_packet({buffer_.data(), static_cast<std::size_t>(got)});
    if (packet)
      heard.push_back({interface_of(message), IpAddress::from_v4(ntohl(source.sin_addr.s_addr)), std::move(*packet)});
  }
  return heard;
}

}  // namespace radial::host
