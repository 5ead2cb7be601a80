// What the protocol core costs a packet beside the cipher: route, seal, open
// with replay window, source check, counters and timers, in batches of 64, for
// one peer and for many (each packet to another). CPU nanoseconds a packet.
//
//   data_path_bench [rounds]
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <vector>

#include <time.h>

#include "engine/noise/data_path.h"

namespace {

using namespace radial;
using namespace radial::engine;

constexpr std::size_t batch = 64;
constexpr std::size_t stride = 2048;

double cpu_ns() {
  timespec at{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &at);
  return static_cast<double>(at.tv_sec) * 1e9 + static_cast<double>(at.tv_nsec);
}

double median(std::vector<double> values) {
  std::nth_element(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2), values.end());
  return values[values.size() / 2];
}

// A hub with `count` sites, every one in session; of the sites only the first
// lives on.
struct Fabric {
  explicit Fabric(std::size_t count) {
    const auto hub_key = PrivateKey::generate();
    DeviceChange hub_change;
    hub_change.private_key = hub_key.clone();
    Actions out;
    for (std::size_t i = 0; i < count; ++i) {
      auto& site = *sites.emplace_back(std::make_unique<Device>());
      const auto key = PrivateKey::generate();
      DeviceChange change;
      change.private_key = key.clone();
      auto& hub_peer = change.peers.emplace_back();
      hub_peer.key = hub_key.public_key();
      hub_peer.endpoint = hub_path;
      hub_peer.allowed_ips.push_back({Prefix::any(Family::v4)});
      site.configure(std::move(change), now, out);
      site.up(now, out);
      auto& peer = hub_change.peers.emplace_back();
      peer.key = key.public_key();
      peer.allowed_ips.push_back({Prefix::of(address_of(i), 24)});
    }
    hub.configure(std::move(hub_change), now, out);
    hub.up(now, out);
    for (auto& site : sites) {
      out.clear();
      site->stage(*site->peers()[0], {}, now, out);
      const auto initiation = out.datagrams.at(0).bytes;
      out.clear();
      hub.receive_handshake(initiation, site_path, false, now, out);
      const auto response = out.datagrams.at(0).bytes;
      out.clear();
      site->receive_handshake(response, hub_path, false, now, out);
      auto confirmation = out.datagrams.at(0).bytes;
      DataPath path(hub, make_best_aead());
      Inbound inbound{confirmation.data(), static_cast<std::uint32_t>(confirmation.size()), &site_path};
      const auto section = path.enter();
      path.open(std::span(&inbound, 1), now, out);
      if (site != sites.front()) site.reset();
    }
  }
  static IpAddress address_of(std::size_t i) {
    return IpAddress::from_v4(0x0a000000U + static_cast<std::uint32_t>(i << 8U));
  }

  Now now{Instant(std::chrono::seconds(100)), WallTime(std::chrono::seconds(100))};
  UdpPath hub_path = UdpPath::to(*IpAddress::parse("192.0.2.1"), 1);
  UdpPath site_path = UdpPath::to(*IpAddress::parse("192.0.2.2"), 1);
  Device hub;
  std::vector<std::unique_ptr<Device>> sites;
};

void measure(std::size_t peers, std::size_t size, int rounds) {
  Fabric fabric(peers);
  DataPath hub(fabric.hub, make_best_aead());
  DataPath site(*fabric.sites[0], make_best_aead());
  std::vector<std::uint8_t> memory(batch * stride);
  std::vector<Outbound> outbound(batch);
  std::vector<Inbound> inbound(batch);
  Actions actions;
  std::vector<double> seal_times, open_times;
  std::size_t next = 0;
  for (int round = 0; round < rounds; ++round) {
    // hub: route and seal, each packet for the next peer.
    for (std::size_t i = 0; i < batch; ++i) {
      auto* packet = memory.data() + i * stride + data::header_size;
      std::memset(packet, 0, 20);
      packet[0] = 0x45;
      packet[2] = static_cast<std::uint8_t>(size >> 8U);
      packet[3] = static_cast<std::uint8_t>(size);
      const auto to = Fabric::address_of(next++ % peers);
      std::memcpy(packet + 16, to.bytes().data(), 4);
    }
    auto start = cpu_ns();
    {
      const auto section = hub.enter();
      for (std::size_t i = 0; i < batch; ++i) {
        auto* message = memory.data() + i * stride;
        outbound[i] = {hub.route({message + data::header_size, size}), message, nullptr,
                       static_cast<std::uint32_t>(size)};
      }
      hub.seal(outbound, fabric.now, actions);
    }
    seal_times.push_back((cpu_ns() - start) / batch);
    if (peers > 1) continue;
    for (std::size_t i = 0; i < batch; ++i) {
      inbound[i] = {outbound[i].message, outbound[i].message_length, &fabric.hub_path};
    }
    start = cpu_ns();
    {
      const auto section = site.enter();
      site.open(inbound, fabric.now, actions);
    }
    open_times.push_back((cpu_ns() - start) / batch);
    if (inbound[0].verdict != Inbound::Verdict::deliver) std::abort();
  }
  std::printf("%7zu %6zu %14.0f", peers, size, median(seal_times));
  if (!open_times.empty()) std::printf(" %10.0f", median(open_times));
  std::printf("\n");
}

}  // namespace

int main(int argc, char** argv) {
  const int rounds = argc > 1 ? std::max(1, std::atoi(argv[1])) : 2001;
  std::printf("%7s %6s %14s %10s\n", "peers", "bytes", "route and seal", "open");
  for (const std::size_t peers : {std::size_t{1}, std::size_t{100}, std::size_t{10000}}) {
    for (const std::size_t size : {std::size_t{64}, std::size_t{1420}}) measure(peers, size, rounds);
  }
  return 0;
}
