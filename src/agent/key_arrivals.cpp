#include "agent/key_arrivals.h"

#include <utility>

namespace radial::agent {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

constexpr auto between_looks = 10ms;
constexpr auto watch_lasts = 15s;

}  // namespace

KeyArrivals::KeyArrivals(boost::asio::io_context& loop, host::WireGuard& wireguard, std::function<void()> due)
    : wireguard_(wireguard), due_(std::move(due)), timer_(loop) {}

void KeyArrivals::follow(const NodeConfig& assigned) {
  awaited_.clear();
  for (const auto& wire : assigned.wires)
    for (const auto& peer : wire.peers)
      if (peer.next_key && !arrived_.contains(*peer.next_key)) awaited_.emplace(*peer.next_key, wire.interface);
}

bool KeyArrivals::look() {
  std::set<std::string> wires;
  for (const auto& [key, wire] : awaited_) wires.insert(wire);
  bool any = false;
  for (const auto& wire : wires) {
    const auto observed = wireguard_.observe(wire);
    if (!observed) continue;
    for (const auto& peer : observed->peers) {
      if (!peer.last_handshake || awaited_.erase(peer.public_key) == 0) continue;
      arrived_.insert(peer.public_key);
      any = true;
    }
  }
  return any;
}

NodeConfig KeyArrivals::with_arrived(NodeConfig assigned) const {
  for (auto& wire : assigned.wires)
    for (auto& peer : wire.peers)
      if (peer.next_key && peer.public_key && arrived_.contains(*peer.next_key)) std::swap(*peer.public_key, *peer.next_key);
  return assigned;
}

void KeyArrivals::watch() {
  if (awaited_.empty()) return;
  ends_ = Clock::now() + watch_lasts;
  if (!watching_) watch_on();
}

void KeyArrivals::watch_on() {
  watching_ = true;
  timer_.expires_after(between_looks);
  timer_.async_wait([this](const boost::system::error_code& error) {
    watching_ = false;
    if (error) return;
    due_();
    if (Clock::now() < ends_ && !awaited_.empty() && !watching_) watch_on();
  });
}

}  // namespace radial::agent
