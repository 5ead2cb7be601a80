// How many small UDP packets a second a path carries cleanly: a sender in one
// network namespace, a receiver in another, and a search for the highest rate
// at which less than 0.5 % are lost.
//
//   packet_rate FROM_NAMESPACE TO_NAMESPACE ADDRESS BYTES STEP_SECONDS
//
// Prints: the clean rate, and what arrives when the sender goes flat out, in
// packets a second. BYTES is the IP packet's size.
#include <array>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <thread>
#include <vector>

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/socket.h>
#include <unistd.h>

namespace {

using Clock = std::chrono::steady_clock;

constexpr std::uint16_t port = 7070;
constexpr std::size_t batch = 32;

void enter(const char* space) {
  const int fd = ::open((std::string("/run/netns/") + space).c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0 || ::setns(fd, CLONE_NEWNET) != 0) {
    std::perror(space);
    std::exit(1);
  }
  ::close(fd);
}

int make_socket(const char* space, const sockaddr_in& name, bool sender) {
  int fd = -1;
  std::thread([&] {
    enter(space);
    fd = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    const int room = 8 << 20;
    ::setsockopt(fd, SOL_SOCKET, sender ? SO_SNDBUFFORCE : SO_RCVBUFFORCE, &room, sizeof room);
    const auto* const address = reinterpret_cast<const sockaddr*>(&name);
    if ((sender ? ::connect(fd, address, sizeof name) : ::bind(fd, address, sizeof name)) != 0) {
      std::perror("socket");
      std::exit(1);
    }
  }).join();
  return fd;
}

struct Batch {
  std::vector<std::uint8_t> bytes;
  std::array<iovec, batch> data{};
  std::array<mmsghdr, batch> headers{};

  explicit Batch(std::size_t size) : bytes(size * batch) {
    for (std::size_t i = 0; i < batch; ++i) {
      data[i] = {bytes.data() + i * size, size};
      headers[i].msg_hdr.msg_iov = &data[i];
      headers[i].msg_hdr.msg_iovlen = 1;
    }
  }
};

struct Step {
  double sent = 0;
  double received = 0;
};

// `rate` 0: flat out.
Step run(int out, int in, std::size_t size, double rate, double seconds) {
  std::atomic<bool> over{false};
  std::uint64_t received = 0;
  const timeval patience{0, 100'000};
  ::setsockopt(in, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  std::thread receiver([&] {
    Batch buffers(2048);
    for (;;) {
      const int got = ::recvmmsg(in, buffers.headers.data(), batch, MSG_WAITFORONE, nullptr);
      if (got > 0) received += static_cast<std::uint64_t>(got);
      else if (over) return;
    }
  });
  Batch packets(size);
  std::uint64_t sent = 0;
  const auto begin = Clock::now();
  for (;;) {
    const double elapsed = std::chrono::duration<double>(Clock::now() - begin).count();
    if (elapsed >= seconds) break;
    const double due = rate > 0 ? rate * elapsed - static_cast<double>(sent) : batch;
    if (due < 1) {
      std::this_thread::sleep_for(std::chrono::microseconds(50));
      continue;
    }
    const int count = ::sendmmsg(out, packets.headers.data(), static_cast<unsigned>(due < batch ? due : batch), 0);
    if (count > 0) sent += static_cast<std::uint64_t>(count);
  }
  const double elapsed = std::chrono::duration<double>(Clock::now() - begin).count();
  std::this_thread::sleep_for(std::chrono::milliseconds(200));
  over = true;
  receiver.join();
  return {static_cast<double>(sent) / elapsed, static_cast<double>(received) / elapsed};
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 6) return 2;
  sockaddr_in name{};
  name.sin_family = AF_INET;
  name.sin_port = htons(port);
  ::inet_pton(AF_INET, argv[3], &name.sin_addr);
  const int in = make_socket(argv[2], name, false);
  const int out = make_socket(argv[1], name, true);
  const std::size_t size = std::strtoul(argv[4], nullptr, 10) - 28;
  const double seconds = std::strtod(argv[5], nullptr);

  const double flood = run(out, in, size, 0, seconds).received;
  double low = 0;
  double high = 2'000'000;
  for (int i = 0; i < 9; ++i) {
    const double rate = i == 0 ? 40'000 : low == 0 ? high / 2 : high >= 2'000'000 ? low * 1.7 : (low + high) / 2;
    const auto step = run(out, in, size, rate, seconds);
    // A sender that does not reach the rate is the bound itself.
    if (step.received >= step.sent * 0.995) low = step.received;
    else high = rate;
    if (step.sent < rate * 0.95 && low > 0) break;
    if (high - low < 0.05 * high) break;
  }
  std::printf("%.0f %.0f\n", low, flood);
  return 0;
}
