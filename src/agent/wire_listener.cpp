#include "agent/wire_listener.h"

#include <set>

#include <boost/asio/posix/stream_descriptor.hpp>

#include "base/log.h"
#include "host/wire_events.h"

namespace radial::agent {

// One wire's events. Its descriptor belongs to WireEvents and is not closed here.
class WireListener::Ear {
 public:
  Ear(boost::asio::io_context& loop, host::WireEvents events, std::function<void()> readable)
      : events_(std::move(events)), descriptor_(loop, events_.fd()), readable_(std::move(readable)) {
    wait();
  }
  ~Ear() { descriptor_.release(); }
  Ear(const Ear&) = delete;
  Ear& operator=(const Ear&) = delete;

  [[nodiscard]] host::WireEvents& events() { return events_; }

  void wait() {
    descriptor_.async_wait(boost::asio::posix::stream_descriptor::wait_read,
                           [this](const boost::system::error_code& error) {
                             if (!error) readable_();  // which may destroy us
                           });
  }

 private:
  host::WireEvents events_;
  boost::asio::posix::stream_descriptor descriptor_;
  std::function<void()> readable_;
};

WireListener::WireListener(boost::asio::io_context& loop, Heard heard) : loop_(loop), heard_(std::move(heard)) {}

WireListener::~WireListener() = default;

void WireListener::follow(const NodeConfig& config) {
  names_.clear();
  std::set<std::string> wanted;
  for (const auto& wire : config.wires) {
    wanted.insert(wire.interface);
    for (const auto& peer : wire.peers)
      if (peer.public_key) names_[*peer.public_key] = peer.node;
  }
  std::erase_if(foreign_, [&](const auto& one) { return !names_.contains(one.first); });
  std::erase_if(ears_, [&](const auto& ear) { return !wanted.contains(ear.first); });
  for (const auto& interface : wanted) {
    if (ears_.contains(interface)) continue;
    // Refused by other implementations, absent while the wire is: asked again the next time.
    auto events = host::WireEvents::open(interface);
    if (!events) continue;
    ears_[interface] = std::make_unique<Ear>(loop_, std::move(*events), [this, interface] { hear(interface); });
  }
}

void WireListener::hear(const std::string& interface) {
  auto& ear = *ears_.at(interface);
  const auto events = ear.events().drain();
  if (!events) {
    spdlog::debug("{}: {}", interface, events.error().message);
    ears_.erase(interface);
    return;
  }
  ear.wait();
  bool handshake = false;
  for (const auto& event : *events) {
    const auto known = names_.find(event.peer);
    const auto name = known != names_.end() ? known->second : event.peer.to_string();
    using Kind = host::WireEvent::Kind;
    if (event.endpoint) heard_.place(event.peer, *event.endpoint);
    if (event.kind == Kind::handshake) handshake = true;
    else if (event.kind == Kind::endpoint && event.endpoint) spdlog::info("{}: {} is at {} now", interface, name, *event.endpoint);
    else if (event.kind == Kind::gave_up) spdlog::warn("{}: {} does not answer", interface, name);
    else if (event.kind == Kind::counters) hear_foreign(interface, name, event.peer, event.bad_source);
  }
  if (handshake) heard_.handshake();
}

void WireListener::hear_foreign(const std::string& interface, const std::string& name, const PublicKey& peer, std::uint64_t packets) {
  constexpr auto log_interval = std::chrono::minutes(1);
  if (packets == 0) return;
  const auto [known, first] = foreign_.try_emplace(peer);
  auto& foreign = known->second;
  if (packets == foreign.packets) return;  // something else of it was dropped
  const auto now = Clock::now();
  if (first || now - foreign.told >= log_interval) {
    spdlog::warn("{}: packets of {} from addresses that are not its own are dropped: {} so far", interface, name, packets);
    foreign.told = now;
  }
  foreign.packets = packets;
  foreign.heard = now;
}

void WireListener::add_foreign(std::vector<observe::WireHealth>& wires) const {
  const auto now = Clock::now();
  for (auto& wire : wires)
    for (auto& peer : wire.peers) {
      const auto known = foreign_.find(peer.public_key);
      if (known == foreign_.end()) continue;
      peer.foreign_packets = known->second.packets;
      peer.foreign_age = std::chrono::duration_cast<std::chrono::seconds>(now - known->second.heard).count();
    }
}

}  // namespace radial::agent
