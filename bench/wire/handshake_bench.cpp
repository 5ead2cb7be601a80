// What a handshake costs the protocol core, on one core: CPU time of each side,
// of the checks that a flood passes through, and handshakes per second.
//
//   handshake_bench [rounds]
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <string_view>
#include <vector>

#include <time.h>

#include "engine/noise/device.h"
#include "engine/noise/messages.h"

namespace {

using namespace radial;
using namespace radial::engine;

double cpu_us() {
  timespec at{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &at);
  return static_cast<double>(at.tv_sec) * 1e6 + static_cast<double>(at.tv_nsec) / 1e3;
}

struct Side {
  Device device;
  PrivateKey key = PrivateKey::generate();
  UdpPath path;
  std::vector<double> times;

  explicit Side(const char* address) : path(UdpPath::to(*IpAddress::parse(address), 51820)) {}

  void start(const Side& other, const Now& now) {
    Actions out;
    DeviceChange change;
    change.private_key = key.clone();
    auto& peer = change.peers.emplace_back();
    peer.key = other.key.public_key();
    peer.endpoint = other.path;
    device.configure(std::move(change), now, out);
    device.up(now, out);
  }
};

double timed(const std::function<void()>& work) {
  const auto start = cpu_us();
  work();
  return cpu_us() - start;
}

void report(std::string_view what, std::vector<double> times) {
  std::sort(times.begin(), times.end());
  const auto median = times[times.size() / 2];
  std::printf("%-44.*s %9.1f %9.1f %11.0f\n", static_cast<int>(what.size()), what.data(), median, times.front(),
              1e6 / median);
}

}  // namespace

int main(int argc, char** argv) {
  const int rounds = argc > 1 ? std::max(1, std::atoi(argv[1])) : 1001;
  Side initiator("192.0.2.1");
  Side responder("192.0.2.2");
  Now now{Instant(std::chrono::seconds(1)), WallTime(std::chrono::seconds(1))};
  initiator.start(responder, now);
  responder.start(initiator, now);

  std::vector<double> begin, answer, finish, refuse, cookie;
  for (int i = 0; i < rounds; ++i) {
    now.boot += std::chrono::seconds(200);
    now.wall += std::chrono::seconds(200);
    Actions out;
    begin.push_back(timed([&] {
      const std::uint8_t packet[20] = {0x45};
      initiator.device.stage(*initiator.device.peers()[0], packet, now, out);
    }));
    auto initiation = out.datagrams.at(0).bytes;
    out.clear();
    answer.push_back(timed([&] { responder.device.receive_handshake(initiation, initiator.path, false, now, out); }));
    const auto response = out.datagrams.at(0).bytes;
    out.clear();
    finish.push_back(timed([&] { initiator.device.receive_handshake(response, responder.path, false, now, out); }));
    out.clear();
    cookie.push_back(timed([&] { responder.device.receive_handshake(initiation, initiator.path, true, now, out); }));
    out.clear();
    initiation[initiation::mac1] ^= 1;
    refuse.push_back(timed([&] { responder.device.receive_handshake(initiation, initiator.path, true, now, out); }));
    responder.device.poll(now, out);
    initiator.device.poll(now, out);
  }
  std::printf("%-44s %9s %9s %11s\n", "", "us", "least", "per second");
  report("begin (initiation made)", begin);
  report("answer (initiation read, response made)", answer);
  report("finish (response read, first packet sealed)", finish);
  report("under load: ask for a cookie", cookie);
  report("wrong mac1: refuse", refuse);
  return 0;
}
