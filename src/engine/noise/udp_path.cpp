#include "engine/noise/udp_path.h"

#include <algorithm>
#include <cstring>

#include <arpa/inet.h>
#include <fmt/format.h>

namespace radial::engine {

UdpPath::UdpPath() {
  // Whole, so that what is not of the family in use compares and copies alike.
  std::memset(&remote, 0, sizeof remote);
  std::memset(&local, 0, sizeof local);
  remote.any.sa_family = AF_UNSPEC;
}

UdpPath UdpPath::to(const IpAddress& address, std::uint16_t port, std::uint32_t scope) {
  UdpPath path;
  const auto bytes = address.bytes();
  if (address.is_v4()) {
    path.remote.v4.sin_family = AF_INET;
    path.remote.v4.sin_port = htons(port);
    std::copy(bytes.begin(), bytes.end(), reinterpret_cast<std::uint8_t*>(&path.remote.v4.sin_addr));
  } else {
    path.remote.v6.sin6_family = AF_INET6;
    path.remote.v6.sin6_port = htons(port);
    path.remote.v6.sin6_scope_id = scope;
    std::copy(bytes.begin(), bytes.end(), reinterpret_cast<std::uint8_t*>(&path.remote.v6.sin6_addr));
  }
  return path;
}

IpAddress UdpPath::address() const {
  if (is_v4()) return IpAddress::from_v4(ntohl(remote.v4.sin_addr.s_addr));
  return IpAddress::from_bytes(std::span(remote.v6.sin6_addr.s6_addr));
}

std::uint16_t UdpPath::port() const { return ntohs(is_v4() ? remote.v4.sin_port : remote.v6.sin6_port); }

std::string UdpPath::to_string() const {
  if (!is_set()) return "(none)";
  if (is_v4()) return fmt::format("{}:{}", address().to_string(), port());
  if (scope() != 0) return fmt::format("[{}%{}]:{}", address().to_string(), scope(), port());
  return fmt::format("[{}]:{}", address().to_string(), port());
}

bool UdpPath::has_local() const {
  if (!is_set()) return false;
  if (is_v4()) return local.v4.s_addr != 0 || local_interface != 0;
  return !IN6_IS_ADDR_UNSPECIFIED(&local.v6) || local_interface != 0;
}

void UdpPath::clear_local() {
  std::memset(&local, 0, sizeof local);
  local_interface = 0;
}

bool UdpPath::same_remote(const UdpPath& other) const {
  if (remote.any.sa_family != other.remote.any.sa_family) return false;
  if (!is_set()) return true;
  if (is_v4()) {
    return remote.v4.sin_port == other.remote.v4.sin_port &&
           remote.v4.sin_addr.s_addr == other.remote.v4.sin_addr.s_addr;
  }
  return remote.v6.sin6_port == other.remote.v6.sin6_port &&
         IN6_ARE_ADDR_EQUAL(&remote.v6.sin6_addr, &other.remote.v6.sin6_addr) &&
         remote.v6.sin6_scope_id == other.remote.v6.sin6_scope_id;
}

bool UdpPath::operator==(const UdpPath& other) const {
  if (!same_remote(other) || local_interface != other.local_interface) return false;
  if (!is_set()) return true;
  if (is_v4()) return local.v4.s_addr == other.local.v4.s_addr;
  return IN6_ARE_ADDR_EQUAL(&local.v6, &other.local.v6);
}

}  // namespace radial::engine
