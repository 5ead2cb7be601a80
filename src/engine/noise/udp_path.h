// Where a peer is: its UDP address, and the local address and interface by
// which it last reached us, so that answers leave from there ("sticky
// sockets"). Holds the kernel's socket address structures, ready for use.
//
// Threading: a plain value.
#pragma once

#include <cstdint>
#include <optional>

#include <netinet/in.h>
#include <sys/socket.h>

#include "base/ip.h"

namespace radial::engine {

struct UdpPath {
  union Remote {
    sockaddr any;  // any.sa_family is AF_UNSPEC when there is no path
    sockaddr_in v4;
    sockaddr_in6 v6;
  };
  union Local {
    in_addr v4;  // of the remote's family; all zeros: the kernel chooses
    in6_addr v6;
  };

  Remote remote;
  Local local;
  int local_interface = 0;  // as in IP_PKTINFO; 0: the kernel chooses

  UdpPath();
  // `scope` is the interface index of a link-local IPv6 address.
  [[nodiscard]] static UdpPath to(const IpAddress& address, std::uint16_t port, std::uint32_t scope = 0);

  [[nodiscard]] bool is_set() const { return remote.any.sa_family != AF_UNSPEC; }
  [[nodiscard]] bool is_v4() const { return remote.any.sa_family == AF_INET; }
  [[nodiscard]] socklen_t remote_size() const { return is_v4() ? sizeof(sockaddr_in) : sizeof(sockaddr_in6); }
  [[nodiscard]] IpAddress address() const;  // is_set() only
  [[nodiscard]] std::uint16_t port() const;
  [[nodiscard]] std::uint32_t scope() const { return is_v4() ? 0 : remote.v6.sin6_scope_id; }
  [[nodiscard]] std::string to_string() const;  // "192.0.2.1:51820", "[fe80::1%2]:51820", "(none)"

  [[nodiscard]] bool has_local() const;
  void clear_local();

  [[nodiscard]] bool same_remote(const UdpPath& other) const;
  [[nodiscard]] bool operator==(const UdpPath& other) const;
};

}  // namespace radial::engine
