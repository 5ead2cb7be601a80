#include "agent/ospf_relay.h"

#include <algorithm>
#include <array>

#include <net/if.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <sys/socket.h>

#include "host/ospf_packet.h"
#include "host/raw_ip_socket.h"

namespace radial::agent {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

constexpr std::size_t largest_packet = 65536;
constexpr int most_at_once = 64;  // packets, before others have their turn
constexpr auto apart = 20ms;
constexpr int share = 50;  // at most a fiftieth of the time

// OSPFv2, type 4 (Link State Update): the two bytes behind the IPv4 header.
std::array<sock_filter, 5> updates() {
  return {sock_filter{BPF_LDX | BPF_B | BPF_MSH, 0, 0, 0}, sock_filter{BPF_LD | BPF_H | BPF_IND, 0, 0, 0},
          sock_filter{BPF_JMP | BPF_JEQ | BPF_K, 0, 1, 0x0204}, sock_filter{BPF_RET | BPF_K, 0, 0, 0xffff},
          sock_filter{BPF_RET | BPF_K, 0, 0, 0}};
}

Result<Fd> open_socket() {
  auto filter = updates();
  RADIAL_ASSIGN(auto fd, host::open_raw_ip(host::ospf_protocol, filter, "OSPF"));
  // As ospfd's own packets.
  const int ttl = 1, tos = IPTOS_PREC_INTERNETCONTROL;
  if (::setsockopt(fd.get(), IPPROTO_IP, IP_TTL, &ttl, sizeof ttl) != 0 || ::setsockopt(fd.get(), IPPROTO_IP, IP_TOS, &tos, sizeof tos) != 0)
    return fail_errno(errno, "cannot set up the raw OSPF socket");
  return fd;
}

const Wire* relayed_wire(const NodeConfig& config) {
  const auto found = std::find_if(config.wires.begin(), config.wires.end(), [&](const Wire& wire) {
    return wire.ospf == OspfMode::p2mp_multicast && wire.hub == config.node;
  });
  return found == config.wires.end() ? nullptr : &*found;
}

std::vector<host::OspfReflood::Site> sites_of(const NodeConfig& config, const Wire& wire) {
  std::vector<host::OspfReflood::Site> sites;
  for (const auto& peer : wire.peers) {
    const auto* router = find_router(config.routers, peer.node);
    const auto address = ipv4_of(peer);
    if (peer.trust == Trust::routed && router != nullptr && address) sites.push_back({*address, router->id});
  }
  return sites;
}

}  // namespace

Status OspfRelay::configure(const NodeConfig& config) {
  const auto* wire = relayed_wire(config);
  if (wire == nullptr) {
    close();
    return {};
  }
  RADIAL_ASSIGN(const auto area, IpAddress::parse(config.area));
  reflood_.configure(config.router_id, area, sites_of(config, *wire));
  interface_ = wire->interface;
  mtu_ = static_cast<std::size_t>(wire->mtu);
  if (fd_) return {};
  RADIAL_ASSIGN(fd_, open_socket());
  buffer_.resize(largest_packet);
  descriptor_.assign(fd_.get());
  wait();
  return {};
}

void OspfRelay::close() {
  timer_.cancel();
  if (fd_) descriptor_.release();
  fd_.reset();
}

void OspfRelay::wait() {
  descriptor_.async_wait(boost::asio::posix::stream_descriptor::wait_read, [this](const boost::system::error_code& error) {
    if (error) return;
    hear();
    wait();
  });
}

int OspfRelay::index() const { return static_cast<int>(::if_nametoindex(interface_.c_str())); }

void OspfRelay::hear() {
  const auto now = Clock::now();
  const bool waited = reflood_.waits();
  const int own = index();
  for (int i = 0; i < most_at_once; ++i) {
    const auto arrival = host::receive_raw_ip(fd_, buffer_);
    if (!arrival) break;
    if (own != 0 && arrival->interface == own) reflood_.hear(now, arrival->source, {buffer_.data(), arrival->size});
  }
  if (waited || !reflood_.waits()) return;
  if (now >= next_) {
    send();
    return;
  }
  timer_.expires_at(next_);
  timer_.async_wait([this](const boost::system::error_code& error) {
    if (!error) send();
  });
}

// What does not get out is FRR's to send again, as what gets lost.
void OspfRelay::send() {
  const auto began = Clock::now();
  const int interface = index();
  for (const auto& update : reflood_.take(mtu_))
    if (interface != 0) (void)host::send_raw_ip(fd_, interface, update.to, update.packet);
  const auto now = Clock::now();
  next_ = now + std::max<Clock::duration>(apart, (now - began) * share);
}

}  // namespace radial::agent
