#include "agent/tunnel_socket.h"

#include <netinet/in.h>
#include <sys/socket.h>

namespace radial::agent {

Status bind_in_tunnel(boost::asio::ip::udp::socket& socket, const IpAddress& address, std::uint16_t port) {
  namespace ip = boost::asio::ip;
  boost::system::error_code error;
  const ip::udp::endpoint endpoint(ip::make_address(address.to_string(), error), port);
  if (!error) socket.open(endpoint.protocol(), error);
  const int on = 1;
  if (!error && ::setsockopt(socket.native_handle(), SOL_IP, IP_FREEBIND, &on, sizeof on) != 0)
    error.assign(errno, boost::system::system_category());
  if (!error) socket.bind(endpoint, error);
  if (!error) socket.non_blocking(true, error);
  if (error) return fail(Errc::io, "cannot use UDP port {} of {}: {}", port, address, error.message());
  return {};
}

}  // namespace radial::agent
