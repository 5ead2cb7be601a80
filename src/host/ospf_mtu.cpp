#include "host/ospf_mtu.h"

#include <array>
#include <cstddef>
#include <optional>
#include <span>

#include <linux/filter.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/socket.h>

namespace radial::host {
namespace {

constexpr int ospf_protocol = 89;
constexpr std::size_t ospf_header = 24;  // RFC 2328 A.3.1
constexpr std::uint8_t database_description = 2;
// Forged source addresses must not grow the table without a bound.
constexpr std::size_t most_neighbors = 8192;

// Only OSPFv2 packets of type 2 reach us: load the IP header's length, then
// the two bytes (version, type) behind it.
const std::array<sock_filter, 4> only_database_description{
    sock_filter{BPF_LDX | BPF_B | BPF_MSH, 0, 0, 0},
    sock_filter{BPF_LD | BPF_H | BPF_IND, 0, 0, 0},
    sock_filter{BPF_JMP | BPF_JEQ | BPF_K, 0, 1, 0x0202},
    sock_filter{BPF_RET | BPF_K, 0, 0, 128},
};
const sock_filter refuse{BPF_RET | BPF_K, 0, 0, 0};

std::optional<int> mtu_in(std::span<const std::uint8_t> packet) {
  if (packet.empty()) return std::nullopt;
  const std::size_t ip_header = static_cast<std::size_t>(packet[0] & 0x0fU) * 4;
  if (packet.size() < ip_header + ospf_header + 2) return std::nullopt;
  const auto ospf = packet.subspan(ip_header);
  if (ospf[0] != 2 || ospf[1] != database_description) return std::nullopt;
  return ospf[ospf_header] << 8 | ospf[ospf_header + 1];
}

}  // namespace

Result<OspfMtuListener> OspfMtuListener::open() {
  Fd fd(::socket(AF_INET, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, ospf_protocol));
  if (!fd) return fail_errno(errno, "cannot open a raw OSPF socket");
  std::array<sock_filter, 5> program{};
  for (std::size_t i = 0; i < only_database_description.size(); ++i) program[i] = only_database_description[i];
  program[4] = refuse;
  const sock_fprog filter{static_cast<unsigned short>(program.size()), program.data()};
  if (::setsockopt(fd.get(), SOL_SOCKET, SO_ATTACH_FILTER, &filter, sizeof filter) != 0)
    return fail_errno(errno, "cannot filter the raw OSPF socket");
  const int on = 1;
  if (::setsockopt(fd.get(), IPPROTO_IP, IP_PKTINFO, &on, sizeof on) != 0)
    return fail_errno(errno, "cannot ask for the interface of OSPF packets");
  return OspfMtuListener(std::move(fd));
}

void OspfMtuListener::drain() {
  for (;;) {
    std::array<std::uint8_t, 256> packet{};
    alignas(cmsghdr) std::array<std::uint8_t, 128> control{};
    sockaddr_in source{};
    iovec buffer{packet.data(), packet.size()};
    msghdr message{};
    message.msg_name = &source;
    message.msg_namelen = sizeof source;
    message.msg_iov = &buffer;
    message.msg_iovlen = 1;
    message.msg_control = control.data();
    message.msg_controllen = control.size();
    const auto got = ::recvmsg(fd_.get(), &message, MSG_TRUNC);
    if (got < 0) {
      if (errno == EINTR) continue;
      return;  // EAGAIN: all read
    }
    const auto length = std::min(static_cast<std::size_t>(got), packet.size());
    const auto mtu = mtu_in({packet.data(), length});
    if (!mtu) continue;
    for (const auto* header = CMSG_FIRSTHDR(&message); header != nullptr;
         header = CMSG_NXTHDR(&message, const_cast<cmsghdr*>(header))) {
      if (header->cmsg_level != IPPROTO_IP || header->cmsg_type != IP_PKTINFO) continue;
      in_pktinfo info{};
      __builtin_memcpy(&info, CMSG_DATA(header), sizeof info);
      std::array<char, IF_NAMESIZE> name{};
      if (::if_indextoname(static_cast<unsigned>(info.ipi_ifindex), name.data()) == nullptr) continue;
      if (heard_.size() >= most_neighbors) heard_.clear();
      heard_[{name.data(), IpAddress::from_v4(ntohl(source.sin_addr.s_addr))}] = *mtu;
    }
  }
}

std::optional<int> OspfMtuListener::mtu_of(const std::string& interface, const IpAddress& neighbor) const {
  const auto found = heard_.find({interface, neighbor});
  if (found == heard_.end()) return std::nullopt;
  return found->second;
}

}  // namespace radial::host
