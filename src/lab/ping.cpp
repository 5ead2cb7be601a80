#include "lab/ping.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <cstring>
#include <map>
#include <set>

#include <arpa/inet.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/ip_icmp.h>
#include <poll.h>
#include <sys/socket.h>

#include "base/fd.h"
#include "lab/netns.h"

namespace radial::lab {
namespace {

using Clock = std::chrono::steady_clock;

// What every echo request begins with; the answer brings it back.
struct EchoHeader {
  std::uint8_t type = 0;
  std::uint8_t code = 0;
  std::uint16_t checksum = 0;
  std::uint16_t identifier = 0;  // network order, as the next one
  std::uint16_t sequence = 0;
};
static_assert(sizeof(EchoHeader) == 8);

// RFC 1071.
std::uint16_t internet_checksum(const std::string& data) {
  std::uint32_t sum = 0;
  for (std::size_t i = 0; i < data.size(); i += 2) {
    const auto high = static_cast<std::uint8_t>(data[i]);
    const auto low = i + 1 < data.size() ? static_cast<std::uint8_t>(data[i + 1]) : std::uint8_t{0};
    sum += static_cast<std::uint32_t>(high << 8 | low);
  }
  while (sum >> 16 != 0) sum = (sum & 0xffff) + (sum >> 16);
  return static_cast<std::uint16_t>(~sum);
}

std::string echo_request(Family family, std::uint16_t identifier, std::uint16_t sequence, std::size_t payload) {
  EchoHeader header;
  header.type = family == Family::v4 ? std::uint8_t{ICMP_ECHO} : std::uint8_t{ICMP6_ECHO_REQUEST};
  header.identifier = htons(identifier);
  header.sequence = htons(sequence);
  std::string packet(sizeof header + payload, '\x5a');
  std::memcpy(packet.data(), &header, sizeof header);
  if (family == Family::v4) {  // the kernel computes ICMPv6's
    header.checksum = htons(internet_checksum(packet));
    std::memcpy(packet.data(), &header, sizeof header);
  }
  return packet;
}

sockaddr_storage socket_address(const IpAddress& address) {
  sockaddr_storage storage{};
  if (address.is_v4()) {
    auto& v4 = reinterpret_cast<sockaddr_in&>(storage);
    v4.sin_family = AF_INET;
    std::memcpy(&v4.sin_addr, address.bytes().data(), 4);
  } else {
    auto& v6 = reinterpret_cast<sockaddr_in6&>(storage);
    v6.sin6_family = AF_INET6;
    std::memcpy(&v6.sin6_addr, address.bytes().data(), 16);
  }
  return storage;
}

IpAddress address_of(const sockaddr_storage& storage) {
  if (storage.ss_family == AF_INET) {
    const auto& v4 = reinterpret_cast<const sockaddr_in&>(storage);
    return IpAddress::from_v4(ntohl(v4.sin_addr.s_addr));
  }
  const auto& v6 = reinterpret_cast<const sockaddr_in6&>(storage);
  return IpAddress::from_bytes(v6.sin6_addr.s6_addr);
}

Result<Fd> open_socket(Family family, const PingOptions& options) {
  const bool v4 = family == Family::v4;
  Fd socket(::socket(v4 ? AF_INET : AF_INET6, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK,
                     v4 ? int{IPPROTO_ICMP} : int{IPPROTO_ICMPV6}));
  if (!socket) return fail_errno(errno, "cannot open an ICMP socket");
  const int buffer = 4 << 20;  // answers of a whole fabric come in one burst
  ::setsockopt(socket.get(), SOL_SOCKET, SO_RCVBUFFORCE, &buffer, sizeof buffer);
  if (v4) {
    const int discover = options.dont_fragment ? IP_PMTUDISC_PROBE : IP_PMTUDISC_DONT;
    ::setsockopt(socket.get(), IPPROTO_IP, IP_MTU_DISCOVER, &discover, sizeof discover);
  } else {
    const int discover = options.dont_fragment ? IPV6_PMTUDISC_PROBE : IPV6_PMTUDISC_DONT;
    ::setsockopt(socket.get(), IPPROTO_IPV6, IPV6_MTU_DISCOVER, &discover, sizeof discover);
    icmp6_filter filter{};
    ICMP6_FILTER_SETBLOCKALL(&filter);
    ICMP6_FILTER_SETPASS(ICMP6_ECHO_REPLY, &filter);
    ::setsockopt(socket.get(), IPPROTO_ICMPV6, ICMP6_FILTER, &filter, sizeof filter);
  }
  return socket;
}

class Pinger {
 public:
  Pinger(const std::vector<PingTarget>& targets, const PingOptions& options, std::vector<PingResult>& results)
      : targets_(targets), options_(options), results_(results), sent_at_(targets.size()), totals_(targets.size()) {
    // Every socket of a namespace sees every answer; identifiers tell them apart.
    static std::atomic<std::uint16_t> next_identifier{static_cast<std::uint16_t>(::getpid())};
    identifier_ = next_identifier++;
  }

  Status run() {
    for (const auto family : {Family::v4, Family::v6}) {
      if (std::ranges::none_of(targets_, [&](const auto& target) { return target.address.family() == family; })) continue;
      RADIAL_ASSIGN(sockets_[family], open_socket(family, options_));
    }
    auto next_round = Clock::now();
    for (int round = 0; round < options_.count; ++round) {
      send_round(static_cast<std::uint16_t>(round));
      next_round += options_.interval;
      if (round + 1 < options_.count) receive_until(next_round);
    }
    receive_until(Clock::now() + options_.timeout);
    for (std::size_t i = 0; i < results_.size(); ++i)
      if (results_[i].received > 0) results_[i].average = totals_[i] / results_[i].received;
    return {};
  }

 private:
  void send_round(std::uint16_t round) {
    for (std::size_t i = 0; i < targets_.size(); ++i) {
      const auto& address = targets_[i].address;
      const auto packet = echo_request(address.family(), identifier_, round, options_.payload);
      const auto to = socket_address(address);
      const auto length = address.is_v4() ? sizeof(sockaddr_in) : sizeof(sockaddr_in6);
      sent_at_[i][round] = Clock::now();
      ++results_[i].sent;  // what the kernel refuses (no route) is lost too
      const auto written = ::sendto(sockets_[address.family()].get(), packet.data(), packet.size(), 0,
                                    reinterpret_cast<const sockaddr*>(&to), static_cast<socklen_t>(length));
      if (written < 0) sent_at_[i].erase(round);
    }
  }

  [[nodiscard]] bool all_answered() const {
    return std::ranges::all_of(sent_at_, [](const auto& waiting) { return waiting.empty(); });
  }

  void receive_until(Clock::time_point end) {
    while (!(rounds_over() && all_answered())) {
      const auto left = std::chrono::ceil<std::chrono::milliseconds>(end - Clock::now());
      if (left.count() <= 0) return;
      std::vector<pollfd> waits;
      for (const auto& [family, socket] : sockets_) waits.push_back({socket.get(), POLLIN, 0});
      if (::poll(waits.data(), waits.size(), static_cast<int>(left.count())) <= 0) continue;
      for (const auto& [family, socket] : sockets_) receive(family, socket);
    }
  }

  [[nodiscard]] bool rounds_over() const { return results_.empty() || results_.front().sent == options_.count; }

  void receive(Family family, const Fd& socket) {
    std::array<char, 65536> buffer{};
    for (;;) {
      sockaddr_storage from{};
      socklen_t length = sizeof from;
      const auto got = ::recvfrom(socket.get(), buffer.data(), buffer.size(), 0, reinterpret_cast<sockaddr*>(&from), &length);
      if (got < 0) return;
      std::size_t start = 0;  // a raw IPv4 socket delivers the IP header too
      if (family == Family::v4 && got > 0) start = static_cast<std::size_t>(buffer[0] & 0x0f) * 4;
      if (static_cast<std::size_t>(got) < start + sizeof(EchoHeader)) continue;
      EchoHeader header;
      std::memcpy(&header, buffer.data() + start, sizeof header);
      const std::uint8_t reply = family == Family::v4 ? std::uint8_t{ICMP_ECHOREPLY} : std::uint8_t{ICMP6_ECHO_REPLY};
      if (header.type != reply || ntohs(header.identifier) != identifier_) continue;
      count(address_of(from), ntohs(header.sequence));
    }
  }

  void count(const IpAddress& from, std::uint16_t round) {
    for (std::size_t i = 0; i < targets_.size(); ++i) {
      if (targets_[i].address != from) continue;
      const auto sent = sent_at_[i].find(round);
      if (sent == sent_at_[i].end()) continue;  // a duplicate
      const auto took = std::chrono::duration_cast<std::chrono::microseconds>(Clock::now() - sent->second);
      sent_at_[i].erase(sent);
      auto& result = results_[i];
      result.shortest = result.received == 0 ? took : std::min(result.shortest, took);
      ++result.received;
      totals_[i] += took;
    }
  }

  const std::vector<PingTarget>& targets_;
  const PingOptions& options_;
  std::vector<PingResult>& results_;
  std::vector<std::map<std::uint16_t, Clock::time_point>> sent_at_;  // by target, then round: unanswered
  std::vector<std::chrono::microseconds> totals_;
  std::map<Family, Fd> sockets_;
  std::uint16_t identifier_ = 0;
};

}  // namespace

bool PingMatrix::ok() const { return std::ranges::all_of(results, &PingResult::ok); }

std::vector<PingResult> PingMatrix::failures() const {
  std::vector<PingResult> failed;
  std::ranges::copy_if(results, std::back_inserter(failed), [](const auto& result) { return !result.ok(); });
  return failed;
}

Result<std::vector<PingResult>> ping_from(const std::string& from, const std::string& netns_path,
                                          const std::vector<PingTarget>& targets, const PingOptions& options) {
  std::vector<PingResult> results(targets.size());
  for (std::size_t i = 0; i < targets.size(); ++i) {
    results[i].from = from;
    results[i].to = targets[i].name;
  }
  RADIAL_TRY(in_netns(netns_path, [&] { return Pinger(targets, options, results).run(); }));
  return results;
}

}  // namespace radial::lab
