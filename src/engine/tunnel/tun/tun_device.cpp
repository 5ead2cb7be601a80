#include "engine/tunnel/tun/tun_device.h"

#include <cstring>

#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

namespace radial::engine {
namespace {

// Since Linux 6.2; absent from older kernels' headers.
constexpr unsigned tun_f_uso4 = 0x20;
constexpr unsigned tun_f_uso6 = 0x40;

ifreq request_for(const std::string& name) {
  ifreq request{};
  name.copy(request.ifr_name, IFNAMSIZ - 1);
  return request;
}

Result<Fd> open_clone_device() {
  Fd fd(::open("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK));
  if (!fd) return fail_errno(errno, "cannot open /dev/net/tun (is the tun module loaded, the device node there?)");
  return fd;
}

// Attaches a descriptor as a queue of the device with these flags; `name` may
// be a pattern ("wg%d") and becomes the name that the kernel made of it.
Result<Fd> attach(std::string& name, short flags) {
  RADIAL_ASSIGN(Fd fd, open_clone_device());
  auto request = request_for(name);
  request.ifr_flags = flags;
  if (::ioctl(fd.get(), TUNSETIFF, &request) != 0)
    return fail_errno(errno, fmt::format("cannot make the TUN device {}", name));
  name.assign(request.ifr_name, ::strnlen(request.ifr_name, IFNAMSIZ));
  return fd;
}

}  // namespace

Result<std::unique_ptr<TunDevice>> TunDevice::create(const Options& options) {
  if (options.name.empty() || options.name.size() >= IFNAMSIZ)
    return fail(Errc::invalid_argument, "interface name '{}' must have 1 to {} characters", options.name, IFNAMSIZ - 1);
  std::unique_ptr<TunDevice> device(new TunDevice);
  short flags = IFF_TUN | IFF_NO_PI;
  if (options.offload) flags = static_cast<short>(flags | IFF_VNET_HDR);
  if (options.queues > 1) flags = static_cast<short>(flags | IFF_MULTI_QUEUE);
  auto name = options.name;
  auto first = attach(name, flags);
  for (const short without : {short{IFF_MULTI_QUEUE}, short{IFF_VNET_HDR}}) {
    if (first || first.error().sys_errno != EINVAL || (flags & without) == 0) continue;
    flags = static_cast<short>(flags & ~without);
    first = attach(name, flags);
  }
  if (!first) return forward_error(std::move(first.error()));
  device->queues_.push_back(std::move(*first));
  if ((flags & IFF_MULTI_QUEUE) != 0)
    while (device->queues_.size() < options.queues) {
      RADIAL_ASSIGN(auto queue, attach(name, flags));
      device->queues_.push_back(std::move(queue));
    }
  device->prepare({name, options.queues, options.offload}, (flags & IFF_VNET_HDR) != 0);
  auto request = request_for(name);
  request.ifr_mtu = static_cast<int>(default_mtu);
  if (::ioctl(device->control_.get(), SIOCSIFMTU, &request) != 0)
    return fail_errno(errno, fmt::format("cannot set the MTU of {}", name));
  return device;
}

Result<std::unique_ptr<TunDevice>> TunDevice::adopt(Fd fd, const Options& options) {
  ifreq request{};
  if (::ioctl(fd.get(), TUNGETIFF, &request) != 0) return fail_errno(errno, "the descriptor given is no TUN device");
  if ((request.ifr_flags & IFF_TUN) == 0 || (request.ifr_flags & IFF_NO_PI) == 0)
    return fail(Errc::invalid_argument, "the TUN descriptor given must have IFF_TUN and IFF_NO_PI set");
  ::fcntl(fd.get(), F_SETFL, ::fcntl(fd.get(), F_GETFL) | O_NONBLOCK);
  ::fcntl(fd.get(), F_SETFD, FD_CLOEXEC);
  std::unique_ptr<TunDevice> device(new TunDevice);
  device->queues_.push_back(std::move(fd));
  // More queues where its maker allowed for them; else one.
  const auto flags = static_cast<short>(request.ifr_flags & (IFF_TUN | IFF_NO_PI | IFF_VNET_HDR | IFF_MULTI_QUEUE));
  while ((flags & IFF_MULTI_QUEUE) != 0 && device->queues_.size() < options.queues) {
    std::string name = request.ifr_name;
    auto queue = attach(name, flags);
    if (!queue) break;
    device->queues_.push_back(std::move(*queue));
  }
  device->prepare({request.ifr_name, options.queues, options.offload}, (flags & IFF_VNET_HDR) != 0);
  return device;
}

void TunDevice::prepare(const Options& options, bool header) {
  header_ = header;
  control_ = Fd(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (!control_) control_ = Fd(::socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  index_ = index_of(options.name);
  if (!header_) return;
  int size = sizeof(VnetHeader);
  ::ioctl(fd(0), TUNSETVNETHDRSZ, &size);
  if (!options.offload) return;
  constexpr unsigned tcp = TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6;
  struct Choice {
    unsigned flags;
    bool tcp, udp;
  };
  for (const auto& choice : {Choice{tcp | TUN_F_TSO_ECN | tun_f_uso4 | tun_f_uso6, true, true},
                             Choice{tcp | TUN_F_TSO_ECN, true, false}, Choice{tcp, true, false},
                             Choice{TUN_F_CSUM, false, false}}) {
    if (::ioctl(fd(0), TUNSETOFFLOAD, static_cast<unsigned long>(choice.flags)) != 0) continue;
    tcp_ = choice.tcp;
    udp_ = choice.udp;
    return;
  }
}

std::optional<TunDevice::Link> TunDevice::link() const {
  ifreq request{};
  if (::ioctl(fd(0), TUNGETIFF, &request) != 0) return std::nullopt;
  Link link;
  link.name.assign(request.ifr_name, ::strnlen(request.ifr_name, IFNAMSIZ));
  // A TUN device is writable exactly while it is up, in any namespace.
  pollfd writable{fd(0), POLLOUT, 0};
  link.up = ::poll(&writable, 1, 0) > 0 && (writable.revents & POLLOUT) != 0;
  // After a move to another namespace a stranger of that name may be here.
  if (const int index = index_of(link.name); index == 0 || index != index_) return link;
  link.index = index_;
  auto named = request_for(link.name);
  if (::ioctl(control_.get(), SIOCGIFMTU, &named) == 0) link.mtu = static_cast<std::size_t>(named.ifr_mtu);
  return link;
}

int TunDevice::index_of(const std::string& name) const {
  auto named = request_for(name);
  return ::ioctl(control_.get(), SIOCGIFINDEX, &named) == 0 ? named.ifr_ifindex : 0;
}

std::ptrdiff_t TunDevice::read(std::size_t queue, VnetHeader& header, std::span<std::uint8_t> packet) {
  std::array<iovec, 2> pieces{iovec{&header, sizeof header}, iovec{packet.data(), packet.size()}};
  const std::size_t skip = header_ ? 0 : 1;
  if (!header_) header = {};
  const auto got = ::readv(fd(queue), pieces.data() + skip, static_cast<int>(pieces.size() - skip));
  if (got < 0) return errno == EAGAIN || errno == EINTR ? 0 : -errno;
  const std::size_t prefix = header_ ? sizeof header : 0;
  return static_cast<std::size_t>(got) > prefix ? got - static_cast<std::ptrdiff_t>(prefix) : 0;
}

int TunDevice::write(std::size_t queue, std::span<const iovec> pieces) {
  if (!header_) pieces = pieces.subspan(1);
  for (;;) {
    if (::writev(fd(queue), pieces.data(), static_cast<int>(pieces.size())) >= 0) return 0;
    if (errno != EINTR) return errno;
  }
}

}  // namespace radial::engine
