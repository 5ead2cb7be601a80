// "Ask now": how the controller tells nodes that there is something new, so
// that a revocation need not wait for their next question. A datagram inside
// the tunnel (UDP, both ends' tunnel addresses).
// It holds nothing, proves nothing and may be lost: a node that hears one asks
// its controller, as it does anyhow every few seconds.
//
// Threading: the io_context's thread.
#pragma once

#include <deque>
#include <functional>
#include <memory>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/udp.hpp>
#include <boost/asio/steady_timer.hpp>

#include "base/ip.h"
#include "base/result.h"

namespace radial::agent {

// Below the ports of wires, which count upwards from the fabric's.
inline constexpr std::uint16_t poke_port = 51819;

// The controller's end. A few nodes at a time: all of them at once would ask
// more at one moment than the controller serves.
class Poker {
 public:
  explicit Poker(boost::asio::io_context& loop) : socket_(loop), timer_(loop) {}
  [[nodiscard]] Status open(const IpAddress& own, std::uint16_t port);
  void poke(std::deque<IpAddress> nodes);  // in this order, before those that wait

 private:
  void pump();
  boost::asio::ip::udp::socket socket_;
  boost::asio::steady_timer timer_;
  std::uint16_t port_ = 0;
  std::deque<IpAddress> waiting_;
};

// A node's end: hears its controller alone.
class PokeListener {
 public:
  PokeListener(boost::asio::io_context& loop, std::function<void()> heard) : socket_(loop), heard_(std::move(heard)) {}
  // Again with the same addresses: nothing happens.
  [[nodiscard]] Status listen(const IpAddress& own, const IpAddress& controller, std::uint16_t port);

 private:
  void wait();
  boost::asio::ip::udp::socket socket_;
  std::function<void()> heard_;
  IpAddress own_;
  IpAddress controller_;
  boost::asio::ip::udp::endpoint from_;
  std::array<char, 16> buffer_{};
};

}  // namespace radial::agent
