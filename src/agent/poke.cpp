#include "agent/poke.h"

#include <algorithm>
#include <chrono>

#include "agent/tunnel_socket.h"

namespace radial::agent {
namespace {

using namespace std::chrono_literals;
namespace asio = boost::asio;
using Udp = asio::ip::udp;

constexpr std::size_t share = 16;   // nodes told at once
constexpr auto pause = 20ms;
constexpr char word = '!';

}  // namespace

Status Poker::open(const IpAddress& own, std::uint16_t port) {
  port_ = port;
  return bind_in_tunnel(socket_, own, port);
}

void Poker::poke(std::deque<IpAddress> nodes) {
  std::erase_if(waiting_, [&](const auto& one) { return std::find(nodes.begin(), nodes.end(), one) != nodes.end(); });
  waiting_.insert(waiting_.begin(), nodes.begin(), nodes.end());
  pump();
}

void Poker::pump() {
  for (std::size_t i = 0; i < share && !waiting_.empty(); ++i) {
    boost::system::error_code ignored;
    const Udp::endpoint to(asio::ip::make_address(waiting_.front().to_string(), ignored), port_);
    socket_.send_to(asio::buffer(&word, 1), to, 0, ignored);  // lost: it asks by itself
    waiting_.pop_front();
  }
  if (waiting_.empty()) return;
  timer_.expires_after(pause);
  timer_.async_wait([this](const boost::system::error_code& error) {
    if (!error) pump();
  });
}

Status PokeListener::listen(const IpAddress& own, const IpAddress& controller, std::uint16_t port) {
  if (socket_.is_open() && own == own_ && controller == controller_) return {};
  boost::system::error_code ignored;
  socket_.close(ignored);
  own_ = own;
  controller_ = controller;
  RADIAL_TRY(bind_in_tunnel(socket_, own, port));
  wait();
  return {};
}

void PokeListener::wait() {
  socket_.async_receive_from(asio::buffer(buffer_), from_, [this](const boost::system::error_code& error, std::size_t) {
    if (error == asio::error::operation_aborted) return;
    const auto from = IpAddress::parse(from_.address().to_string());
    if (!error && from && *from == controller_) heard_();
    wait();
  });
}

}  // namespace radial::agent
