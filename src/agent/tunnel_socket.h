// UDP sockets of an address inside the tunnel. Private to the room.
#pragma once

#include <cstdint>

#include <boost/asio/ip/udp.hpp>

#include "base/ip.h"
#include "base/result.h"

namespace radial::agent {

// Opens it, non-blocking, and binds it: before any interface holds the address, too.
[[nodiscard]] Status bind_in_tunnel(boost::asio::ip::udp::socket& socket, const IpAddress& address, std::uint16_t port);

}  // namespace radial::agent
