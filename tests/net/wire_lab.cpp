#include "net/wire_lab.h"

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <fstream>
#include <map>
#include <random>
#include <thread>

#include <arpa/inet.h>
#include <dirent.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "support/paths.h"

namespace radial::test {
namespace {

constexpr int io_timeout_s = 20;

std::string space_name(int number) { return "n" + std::to_string(number); }

std::string trimmed(std::string text) {
  while (!text.empty() && text.back() == '\n') text.pop_back();
  return text;
}

void require(bool ok, const std::string& what) {
  if (!ok) throw std::runtime_error(fail_errno(errno, what).value().message);
}

sockaddr_storage address_of(const std::string& text, std::uint16_t port) {
  sockaddr_storage out{};
  auto* const v4 = reinterpret_cast<sockaddr_in*>(&out);
  auto* const v6 = reinterpret_cast<sockaddr_in6*>(&out);
  if (::inet_pton(AF_INET, text.c_str(), &v4->sin_addr) == 1) {
    v4->sin_family = AF_INET;
    v4->sin_port = htons(port);
  } else {
    require(::inet_pton(AF_INET6, text.c_str(), &v6->sin6_addr) == 1, "address " + text);
    v6->sin6_family = AF_INET6;
    v6->sin6_port = htons(port);
  }
  return out;
}

Fd open_socket(const sockaddr_storage& name, int type) {
  Fd fd(::socket(name.ss_family, type | SOCK_CLOEXEC, 0));
  require(static_cast<bool>(fd), "cannot open a socket");
  const timeval timeout{io_timeout_s, 0};
  ::setsockopt(fd.get(), SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout);
  ::setsockopt(fd.get(), SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof timeout);
  const int on = 1;
  ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  return fd;
}

// The process in that network namespace whose command line is exactly `program wire`; the engine is the
// one that is not the janitor. Another run of these tests has the same names in namespaces of its own.
pid_t find_program(const std::string& path, const std::string& wire, const std::string& space) {
  struct stat home {};
  if (::stat(("/run/netns/" + space).c_str(), &home) != 0) return -1;
  const std::unique_ptr<DIR, int (*)(DIR*)> proc(::opendir("/proc"), &::closedir);
  while (const dirent* entry = ::readdir(proc.get())) {
    const pid_t pid = std::atoi(entry->d_name);
    if (pid <= 0) continue;
    const auto folder = std::string("/proc/") + entry->d_name;
    std::ifstream line(folder + "/cmdline");
    std::string command((std::istreambuf_iterator<char>(line)), {});
    if (command != path + '\0' + wire + '\0') continue;
    struct stat its {};
    if (::stat((folder + "/ns/net").c_str(), &its) != 0 || its.st_ino != home.st_ino || its.st_dev != home.st_dev) continue;
    std::ifstream comm(folder + "/comm");
    std::string name;
    std::getline(comm, name);
    if (name != "radial-wire-fs") return pid;
  }
  return -1;
}

}  // namespace

Program radial_wire(const std::string& environment) {
  const bool queues = environment.find("QUEUES") != std::string::npos;
  return {environment.empty() ? "radial" : queues ? "radial_queues" : "radial_plain", binary_dir() + "/bin/radial-wire", environment};
}

Program radial_wire_short(const std::string& environment) {
  return {"radial_short", binary_dir() + "/tests/radial-wire-short", environment};
}

Program kernel_wireguard() { return {"kernel", "kernel", {}}; }

bool kernel_has_wireguard() {
  return std::filesystem::exists("/sys/module/wireguard") || run_process({"modprobe", "-q", "wireguard"})->ok();
}

Program wireguard_go_12() { return {"go12", "/usr/bin/wireguard-go", {}}; }

std::vector<Program> wireguard_go_13() {
  const char* const root = std::getenv("RADIAL_TRIXIE_ROOT");
  const std::string path = std::string(root != nullptr ? root : "/var/cache/radial/debian13") + "/usr/bin/wireguard-go";
  if (!std::filesystem::exists(path)) return {};
  return {{"go13", path, {}}};
}

WireNode::WireNode(const PrivateNamespace& around, int number, Program program)
    : around_(around), number_(number), program_(std::move(program)), wire_("wg" + std::to_string(number)) {
  const auto space = space_name(number);
  const auto n = std::to_string(number);
  around.sh("ip netns add " + space + "; ip link add eth netns " + space + " type veth peer name port" + n +
            "; ip link set port" + n + " master br0 up");
  sh("ip link set lo up; ip addr add " + outer() + "/24 dev eth; ip addr add " + outer(6) +
     "/64 dev eth nodad; ip link set eth up");
  private_key_ = trimmed(around.sh("wg genkey"));
  public_key_ = trimmed(around.sh("echo " + private_key_ + " | wg pubkey"));
}

WireNode::~WireNode() {
  if (running()) kill();
}

std::string WireNode::outer(int family) const { return (family == 4 ? "10.9.0." : "fd09::") + std::to_string(number_); }
std::string WireNode::inner(int family) const { return (family == 4 ? "10.0.0." : "fd00::") + std::to_string(number_); }

void WireNode::start() {
  if (in_kernel()) {
    sh("ip link add " + wire_ + " type wireguard");
    return;
  }
  sh(program_.environment + " " + program_.path + " " + wire_ + " >/dev/null 2>&1");
  // wireguard-go is in the background before it serves.
  if (!eventually([&] {
        pid_ = find_program(program_.path, wire_, space_name(number_));
        return pid_ > 0 && run_process({"wg", "show", wire_})->ok();
      }))
    throw std::runtime_error(program_.path + " does not serve");
}

bool WireNode::running() const {
  if (in_kernel()) return run_process({"ip", "-n", space_name(number_), "link", "show", wire_})->ok();
  if (pid_ <= 0) return false;
  std::ifstream status("/proc/" + std::to_string(pid_) + "/stat");
  std::string text;
  std::getline(status, text);
  return !text.empty() && text.find(") Z") == std::string::npos;
}

void WireNode::stop() {
  if (in_kernel()) return kill();
  ::kill(pid_, SIGTERM);
  if (!eventually([&] { return !running(); })) throw std::runtime_error(program_.name + " does not end on SIGTERM");
}

void WireNode::kill() {
  if (in_kernel()) {
    sh("ip link del " + wire_);
    return;
  }
  ::kill(pid_, SIGKILL);
  // The device goes with the last thread of the process.
  static_cast<void>(eventually([&] {
    return !running() && !run_process({"ip", "-n", space_name(number_), "link", "show", wire_})->ok();
  }));
}

void WireNode::up() {
  sh("echo " + private_key_ + " | wg set " + wire_ + " private-key /dev/stdin listen-port " + std::to_string(port()) +
     "; ip addr add " + inner() + "/24 dev " + wire_ + "; ip addr add " + inner(6) + "/64 dev " + wire_ +
     " nodad; ip link set " + wire_ + " up");
}

void WireNode::add_peer(const WireNode& other, const std::string& more) {
  set("peer " + other.public_key() + " endpoint " + other.endpoint() + " allowed-ips " + other.inner() + "/32," +
      other.inner(6) + "/128 " + more);
}

void WireNode::set(const std::string& arguments) { sh("wg set " + wire_ + " " + arguments); }

std::string WireNode::sh(const std::string& script) const {
  const auto result = run_process({"ip", "netns", "exec", space_name(number_), "sh", "-euc", script});
  if (!result) throw std::runtime_error(result.error().message);
  if (!result->ok()) throw std::runtime_error(script + ": " + result->err);
  return result->out;
}

void WireNode::inside(const std::function<void()>& work) const {
  std::exception_ptr failure;
  std::thread thread([&] {
    try {
      const Fd space(::open(("/run/netns/" + space_name(number_)).c_str(), O_RDONLY | O_CLOEXEC));
      require(space && ::setns(space.get(), CLONE_NEWNET) == 0, "cannot enter " + space_name(number_));
      work();
    } catch (...) {
      failure = std::current_exception();
    }
  });
  thread.join();
  if (failure) std::rethrow_exception(failure);
}

bool WireNode::pings(const std::string& address, int size) const {
  const auto result = run_process({"ip", "netns", "exec", space_name(number_), "ping", "-c", "1", "-W", "1", "-s",
                                   std::to_string(size), address});
  return result && result->ok();
}

const PrivateNamespace& WirePair::with_switch(const PrivateNamespace& around) {
  around.sh("ip link add br0 type bridge; ip link set br0 up");
  return around;
}

WirePair::WirePair(Program first, Program second, const std::string& more)
    : a(with_switch(around), 1, std::move(first)), b(around, 2, std::move(second)) {
  for (auto* node : {&a, &b}) {
    node->start();
    node->up();
  }
  a.add_peer(b, more);
  b.add_peer(a, more);
}

void check_tcp(const WireNode& from, const WireNode& to, int family, std::size_t bytes, unsigned seed) {
  const auto name = address_of(to.inner(family), 7777);
  Fd listener;
  to.inside([&] {
    listener = open_socket(name, SOCK_STREAM);
    require(::bind(listener.get(), reinterpret_cast<const sockaddr*>(&name), sizeof name) == 0, "cannot bind");
    require(::listen(listener.get(), 1) == 0, "cannot listen");
  });
  std::exception_ptr failure;
  std::thread reader([&] {
    try {
      const Fd client(::accept(listener.get(), nullptr, nullptr));
      require(static_cast<bool>(client), "nobody connects");
      const timeval timeout{io_timeout_s, 0};
      ::setsockopt(client.get(), SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout);
      std::mt19937_64 expected(seed);
      std::vector<std::uint8_t> chunk(100'000);
      std::size_t total = 0;
      std::uint64_t word = 0;
      for (;;) {
        const auto got = ::read(client.get(), chunk.data(), chunk.size());
        require(got >= 0, "reading failed");
        if (got == 0) break;
        for (std::size_t i = 0; i < static_cast<std::size_t>(got); ++i, ++total) {
          if (total % 8 == 0) word = expected();
          if (chunk[i] != static_cast<std::uint8_t>(word >> (total % 8 * 8)))
            throw std::runtime_error("byte " + std::to_string(total) + " differs");
        }
      }
      if (total != bytes) throw std::runtime_error("only " + std::to_string(total) + " bytes came");
    } catch (...) {
      failure = std::current_exception();
    }
  });
  try {
    from.inside([&] {
      const Fd client = open_socket(name, SOCK_STREAM);
      require(::connect(client.get(), reinterpret_cast<const sockaddr*>(&name), sizeof name) == 0, "cannot connect");
      std::mt19937_64 content(seed);
      std::mt19937 sizes(seed);
      std::vector<std::uint8_t> all(bytes);
      std::uint64_t word = 0;
      for (std::size_t i = 0; i < bytes; ++i) {
        if (i % 8 == 0) word = content();
        all[i] = static_cast<std::uint8_t>(word >> (i % 8 * 8));
      }
      for (std::size_t at = 0; at < bytes;) {
        const std::size_t size = std::min<std::size_t>(1 + sizes() % 70'000, bytes - at);
        const auto sent = ::send(client.get(), all.data() + at, size, MSG_NOSIGNAL);
        require(sent > 0, "sending failed");
        at += static_cast<std::size_t>(sent);
      }
    });
  } catch (...) {
    if (!failure) failure = std::current_exception();
    ::shutdown(listener.get(), SHUT_RDWR);
  }
  reader.join();
  if (failure) std::rethrow_exception(failure);
}

std::vector<std::size_t> lost_udp_echoes(const WireNode& from, const WireNode& to, int family, std::size_t smallest,
                                         std::size_t largest, std::size_t window) {
  const auto name = address_of(to.inner(family), 7777);
  Fd server;
  to.inside([&] {
    server = open_socket(name, SOCK_DGRAM);
    require(::bind(server.get(), reinterpret_cast<const sockaddr*>(&name), sizeof name) == 0, "cannot bind");
  });
  std::atomic<bool> over{false};
  std::thread echo([&] {
    std::vector<std::uint8_t> buffer(65536);
    while (!over) {
      pollfd wait{server.get(), POLLIN, 0};
      if (::poll(&wait, 1, 50) <= 0) continue;
      sockaddr_storage client{};
      socklen_t length = sizeof client;
      const auto got = ::recvfrom(server.get(), buffer.data(), buffer.size(), 0, reinterpret_cast<sockaddr*>(&client), &length);
      if (got >= 0) ::sendto(server.get(), buffer.data(), static_cast<std::size_t>(got), 0, reinterpret_cast<sockaddr*>(&client), length);
    }
  });
  std::vector<std::size_t> lost;
  from.inside([&] {
    const Fd client = open_socket(name, SOCK_DGRAM);
    ::connect(client.get(), reinterpret_cast<const sockaddr*>(&name), sizeof name);
    std::mt19937 random(static_cast<unsigned>(largest));
    std::vector<std::uint8_t> got(65536);
    for (std::size_t first = smallest; first <= largest; first += window) {
      std::map<std::size_t, std::vector<std::uint8_t>> missing;  // by size
      for (std::size_t size = first; size < first + window && size <= largest; ++size) missing[size].resize(size);
      // The first packets wait for the handshake; a busy machine may lose one. Other bytes each time:
      // of IPv6 datagrams wireguard-go loses the one in 65,536 whose checksum comes to zero, again and again.
      for (int attempt = 0; attempt < 3 && !missing.empty(); ++attempt) {
        for (auto& [size, sent] : missing) {
          for (auto& byte : sent) byte = static_cast<std::uint8_t>(random());
          ::send(client.get(), sent.data(), size, 0);
        }
        pollfd wait{client.get(), POLLIN, 0};
        while (!missing.empty() && ::poll(&wait, 1, 1000) > 0) {
          const auto length = ::recv(client.get(), got.data(), got.size(), 0);
          const auto sent = missing.find(static_cast<std::size_t>(length));
          if (sent != missing.end() && std::equal(sent->second.begin(), sent->second.end(), got.begin())) missing.erase(sent);
        }
      }
      for (const auto& [size, sent] : missing) lost.push_back(size);
    }
  });
  over = true;
  echo.join();
  return lost;
}

void check_udp_trains(const WireNode& from, const WireNode& to, int family, bool segmented) {
  constexpr std::size_t size = 1200, in_a_train = 40, trains = 50;
  const auto name = address_of(to.inner(family), 7777);
  // The same ports every time, so that every run sends the same checksums: wireguard-go with offloads sends one that
  // comes out as zero, as zero, which is refused over IPv6 (RFC 8200 section 8.1).
  const auto own = address_of(from.inner(family), 7778);
  Fd server, client;
  to.inside([&] {
    server = open_socket(name, SOCK_DGRAM);
    require(::bind(server.get(), reinterpret_cast<const sockaddr*>(&name), sizeof name) == 0, "cannot bind");
  });
  from.inside([&] {
    client = open_socket(name, SOCK_DGRAM);
    require(::bind(client.get(), reinterpret_cast<const sockaddr*>(&own), sizeof own) == 0, "cannot bind");
    require(::connect(client.get(), reinterpret_cast<const sockaddr*>(&name), sizeof name) == 0, "cannot connect");
    const int step = segmented ? size : 0;
    if (segmented) require(::setsockopt(client.get(), SOL_UDP, UDP_SEGMENT, &step, sizeof step) == 0, "no UDP_SEGMENT");
  });
  std::mt19937_64 random(static_cast<unsigned>(family));
  std::vector<std::uint8_t> train(size * in_a_train);
  std::vector<std::uint8_t> got(65536);
  for (std::size_t number = 0; number < trains * in_a_train;) {
    for (std::size_t i = 0; i < train.size(); i += 8) {
      const std::uint64_t word = i % size == 0 ? number + i / size : random();
      std::memcpy(train.data() + i, &word, 8);
    }
    if (segmented) {
      const auto sent = ::send(client.get(), train.data(), train.size(), 0);
      // Before Linux 6.11, UDP_SEGMENT needs a device with checksum offload, and RADIAL_WIRE_NO_OFFLOAD makes one without.
      if (sent < 0 && errno == EIO) return;
      require(sent == static_cast<ssize_t>(train.size()), "cannot send a train");
    } else {
      for (std::size_t i = 0; i < train.size(); i += size)
        require(::send(client.get(), train.data() + i, size, 0) == size, "cannot send");
    }
    std::string order;  // of their places in the train, as they came
    bool in_order = true;
    for (std::size_t i = 0; i < in_a_train; ++i) {
      const auto length = ::recv(server.get(), got.data(), got.size(), 0);
      require(length >= 0, "only these came of a train:" + order);
      std::uint64_t came = 0;
      std::memcpy(&came, got.data(), 8);
      const std::size_t place = came - number;
      if (length != size || place >= in_a_train || std::memcmp(got.data(), train.data() + place * size, size) != 0)
        throw std::runtime_error(std::to_string(length) + " bytes came that nobody sent, after these of a train:" + order);
      order += " " + std::to_string(place);
      in_order = in_order && place == i;
    }
    if (!in_order) throw std::runtime_error("a train came in this order:" + order);
    number += in_a_train;
  }
  if (::recv(server.get(), got.data(), got.size(), MSG_DONTWAIT) >= 0) throw std::runtime_error("one came twice");
}

}  // namespace radial::test
