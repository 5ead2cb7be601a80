#include "engine/tunnel/wire.h"

#include <algorithm>
#include <array>

#include <poll.h>
#include <spdlog/spdlog.h>

#include "engine/tunnel/clock.h"
#include "engine/tunnel/outgoing.h"

namespace radial::engine {
namespace {

constexpr std::size_t handshakes_at_once = 32;  // before timers and UAPI have their turn
constexpr int foreign_look_ms = 1000;
constexpr auto counts_interval = std::chrono::seconds(5);

}  // namespace

Result<std::unique_ptr<Wire>> Wire::make(std::unique_ptr<TunDevice> tun, const Options& options) {
  RADIAL_ASSIGN(auto monitor, LinkMonitor::open());
  RADIAL_ASSIGN(auto slow, Wake::make());
  RADIAL_ASSIGN(auto stopping, Wake::make());
  std::unique_ptr<Wire> wire(
      new Wire(std::move(tun), options, std::move(monitor), std::move(slow), std::move(stopping)));
  const Worker::Surroundings surroundings{wire->device_, *wire->tun_, wire->slow_, wire->multicast_};
  for (std::size_t queue = 0; queue < wire->tun_->queues(); ++queue) {
    RADIAL_ASSIGN(auto worker, Worker::start(surroundings, queue));
    wire->workers_.push_back(std::move(worker));
  }
  return wire;
}

Wire::Wire(std::unique_ptr<TunDevice> tun, const Options& options, LinkMonitor monitor, Wake slow, Wake stopping)
    : options_(options), tun_(std::move(tun)), monitor_(std::move(monitor)), stopping_(std::move(stopping)),
      slow_(std::move(slow)), device_(options.device) {
  if (const auto link = tun_->link()) name_ = link->name;
}

Wire::~Wire() {
  server_.reset();
  workers_.clear();
}

Status Wire::serve(Fd listener, uapi::SocketWatch watch, Renamed renamed) {
  RADIAL_ASSIGN(server_, uapi::Server::serve(std::move(listener), *this));
  watch_ = std::move(watch);
  renamed_ = std::move(renamed);
  return {};
}

void Wire::stop() { stopping_.signal(); }

Wire::End Wire::run() {
  follow_link();
  for (;;) {
    std::array<pollfd, 5> waits{pollfd{stopping_.fd(), POLLIN, 0}, pollfd{slow_.fd(), POLLIN, 0},
                                pollfd{monitor_.fd(), POLLIN, 0},
                                pollfd{server_ != nullptr ? server_->fd() : -1, POLLIN, 0},
                                pollfd{watch_ ? watch_->fd() : -1, POLLIN, 0}};
    const int ready = ::poll(waits.data(), waits.size(), next_timeout_ms());
    if (waits[0].revents != 0) return End::stopped;
    if (slow_.device_gone()) return End::device_gone;
    if (waits[2].revents != 0) {
      const auto changes = monitor_.drain(tun_->index());
      if (changes.was_down && device_.is_up()) bring_down();
      if (changes.links) follow_link();
      if (changes.addresses) device_.clear_local_addresses();
    } else if (foreign_ && ready == 0) {
      follow_link();
    }
    if (slow_.device_gone()) return End::device_gone;
    if (waits[1].revents != 0) run_handshakes();
    run_timers();
    push_counts();
    if (waits[3].revents != 0) server_->run();
    if (waits[4].revents != 0 && !watch_->still_there()) return End::socket_gone;
  }
}

int Wire::next_timeout_ms() const {
  const auto now = read_clocks().boot;
  auto next = device_.next_poll(now);
  if (server_ != nullptr && server_->has_watchers()) next = next == never ? next_counts_ : std::min(next, next_counts_);
  std::int64_t timeout = -1;
  if (next != never) {
    // Rounded up: waking before the time would only mean waiting again.
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(next - now).count();
    timeout = std::clamp<std::int64_t>(left, 0, 3'600'000);
  }
  if (foreign_ && (timeout < 0 || timeout > foreign_look_ms)) timeout = foreign_look_ms;
  return static_cast<int>(timeout);
}

void Wire::follow_link() {
  const auto link = tun_->link();
  if (!link) {
    slow_.report_device_gone();
    return;
  }
  foreign_ = link->index == 0;
  if (link->mtu) device_.set_mtu(*link->mtu);
  if (link->name != name_) {
    spdlog::info("interface {} is now called {}", name_, link->name);
    name_ = link->name;
    if (watch_ && renamed_) watch_->follow(renamed_(name_));
  }
  if (link->up && !device_.is_up()) bring_up();
  else if (!link->up && device_.is_up()) bring_down();
}

void Wire::bring_up() {
  auto port = UdpPort::open({listen_port_, fwmark_, workers_.size(), options_.offload});
  if (port) {
    listen_port_ = (*port)->port();
    use_port(std::move(*port));
  } else {
    // The interface is up without a socket until a free port is set.
    spdlog::error("interface {} has no UDP port: {}", name_, port.error().message);
  }
  spdlog::debug("interface {} is up, UDP port {}", name_, listen_port_);
  device_.up(read_clocks(), actions_);
  carry_out();
}

void Wire::bring_down() {
  spdlog::debug("interface {} is down", name_);
  device_.down();
  use_port(nullptr);
}

void Wire::use_port(std::shared_ptr<UdpPort> port) {
  port_ = std::move(port);
  for (const auto& worker : workers_) worker->set_port(port_);
}

void Wire::run_handshakes() {
  const auto taken = slow_.take(handshakes_at_once);
  for (const auto& message : taken.messages)
    device_.receive_handshake({message.bytes.data(), message.size}, message.from, taken.busy || options_.assume_load,
                              read_clocks(), actions_);
  actions_.events.insert(actions_.events.end(), taken.events.begin(), taken.events.end());
  carry_out();
}

void Wire::run_timers() {
  device_.poll(read_clocks(), actions_);
  carry_out();
}

void Wire::carry_out() {
  if (port_ != nullptr && !actions_.datagrams.empty()) send_datagrams(actions_.datagrams, *port_, 0, device_);
  if (server_ != nullptr)
    for (const auto& event : actions_.events) server_->push(event);
  actions_.clear();
}

// Whoever watches hears of a peer's counters when something of it was dropped.
void Wire::push_counts() {
  if (server_ == nullptr || !server_->has_watchers()) return;
  const auto now = read_clocks();
  if (now.boot < next_counts_) return;
  next_counts_ = now.boot + counts_interval;
  std::map<PublicKey, std::uint64_t> dropped;
  for (const auto& [peer, counts] : device_.counts()) {
    if (counts.dropped() == 0) continue;
    const auto last = dropped_.find(peer);
    if (last == dropped_.end() || last->second != counts.dropped()) server_->push(peer, counts, now.wall);
    dropped.emplace(peer, counts.dropped());
  }
  dropped_ = std::move(dropped);
}

uapi::State Wire::state() {
  uapi::State state;
  state.device = device_.status();
  state.listen_port = listen_port_;
  state.fwmark = fwmark_;
  state.multicast = multicast_.load(std::memory_order_relaxed);
  return state;
}

Status Wire::apply(uapi::SetRequest request) {
  const auto mark = request.fwmark.value_or(fwmark_);
  const auto wanted = request.listen_port.value_or(listen_port_);
  // What can fail comes first, beside what is in use.
  std::shared_ptr<UdpPort> port;
  if (device_.is_up() && (port_ == nullptr || wanted != listen_port_)) {
    auto opened = UdpPort::open({wanted, mark, workers_.size(), options_.offload});
    // Without a socket before, a change of something else is not to blame.
    if (!opened && (request.listen_port || port_ != nullptr)) return forward_error(std::move(opened.error()));
    if (opened) port = std::move(*opened);
  }
  if (port == nullptr && port_ != nullptr && mark != fwmark_) RADIAL_TRY(port_->set_mark(mark, fwmark_));

  fwmark_ = mark;
  listen_port_ = port != nullptr ? port->port() : wanted;
  if (request.multicast) multicast_.store(*request.multicast, std::memory_order_relaxed);
  if (port != nullptr) {
    use_port(std::move(port));
    device_.clear_local_addresses();
  }
  device_.configure(std::move(request.device), read_clocks(), actions_);
  carry_out();
  return {};
}

}  // namespace radial::engine
