#include "net/wire_relay.h"

#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

namespace radial::test {
namespace {

constexpr std::size_t note = 10;  // struct virtio_net_hdr, which C++ cannot include on every release
constexpr std::size_t ethernet = 14, ipv4 = 20, udp = 8;

Fd packet_socket(const std::string& port) {
  Fd fd(::socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, htons(ETH_P_ALL)));
  const int on = 1;
  sockaddr_ll name{};
  name.sll_family = AF_PACKET;
  name.sll_protocol = htons(ETH_P_ALL);
  name.sll_ifindex = static_cast<int>(::if_nametoindex(port.c_str()));
  const bool ok = fd && ::setsockopt(fd.get(), SOL_PACKET, PACKET_IGNORE_OUTGOING, &on, sizeof on) == 0 &&
                  ::setsockopt(fd.get(), SOL_PACKET, PACKET_VNET_HDR, &on, sizeof on) == 0 &&
                  ::bind(fd.get(), reinterpret_cast<const sockaddr*>(&name), sizeof name) == 0;
  if (!ok) throw std::runtime_error(fail_errno(errno, "cannot listen on " + port).value().message);
  return fd;
}

}  // namespace

int Frame::type() const {
  const std::size_t payload = note + ethernet + ipv4 + udp;
  if (bytes.size() < payload + 4) return 0;
  const auto* const frame = bytes.data() + note;
  if (frame[12] != 0x08 || frame[13] != 0x00 || frame[ethernet] != 0x45 || frame[ethernet + 9] != IPPROTO_UDP) return 0;
  const int type = bytes[payload];
  return type >= 1 && type <= 4 ? type : 0;
}

Frame Frame::damaged() const {
  Frame copy = *this;
  copy.bytes.back() ^= 0x10U;
  return copy;
}

Relay::Relay(const WirePair& pair) {
  pair.around.sh("ip link set port1 nomaster; ip link set port2 nomaster");
  for (const int node : {1, 2}) ports_[static_cast<std::size_t>(node)] = packet_socket("port" + std::to_string(node));
  forward_everything();
  thread_ = std::thread([this] { run(); });
}

Relay::~Relay() {
  over_ = true;
  thread_.join();
}

void Relay::set_policy(Policy policy) {
  const std::lock_guard lock(mutex_);
  policy_ = std::move(policy);
}

void Relay::forward_everything() {
  set_policy([](Relay& relay, const Frame& frame) { relay.forward(frame); });
}

void Relay::act(const std::function<void()>& work) {
  const std::lock_guard lock(mutex_);
  work();
}

void Relay::forward(const Frame& frame) {
  // A full queue of the port drops, as a network may.
  static_cast<void>(::send(ports_[static_cast<std::size_t>(3 - frame.from)].get(), frame.bytes.data(), frame.bytes.size(), 0));
}

void Relay::run() {
  std::vector<std::uint8_t> buffer(70'000);
  while (!over_) {
    std::array<pollfd, 2> waits{pollfd{ports_[1].get(), POLLIN, 0}, pollfd{ports_[2].get(), POLLIN, 0}};
    if (::poll(waits.data(), waits.size(), 20) <= 0) continue;
    for (const int node : {1, 2}) {
      const auto& wait = waits[static_cast<std::size_t>(node - 1)];
      if (wait.revents == 0) continue;
      const auto got = ::recv(wait.fd, buffer.data(), buffer.size(), MSG_DONTWAIT);
      if (got <= static_cast<ssize_t>(note)) continue;
      const Frame frame{node, {buffer.begin(), buffer.begin() + got}};
      ++seen_[static_cast<std::size_t>(node)][static_cast<std::size_t>(frame.type())];
      const std::lock_guard lock(mutex_);
      policy_(*this, frame);
    }
  }
}

}  // namespace radial::test
