#include "engine/tunnel/udp/udp_port.h"

namespace radial::engine {
namespace {

constexpr int free_port_attempts = 100;

bool family_missing(const Error& error) { return error.sys_errno == EAFNOSUPPORT; }

}  // namespace

Result<std::shared_ptr<UdpPort>> UdpPort::open(const Options& options) {
  // A port that is free for IPv4 may be taken for IPv6: then another is tried.
  for (int attempt = 1;; ++attempt) {
    auto port = try_open(options);
    if (port || options.port != 0 || port.error().sys_errno != EADDRINUSE || attempt == free_port_attempts) return port;
  }
}

Result<std::shared_ptr<UdpPort>> UdpPort::try_open(const Options& options) {
  auto port = std::make_shared<UdpPort>();
  port->port_ = options.port;
  port->queues_.resize(options.queues);
  for (std::size_t i = 0; i < options.queues; ++i) {
    auto& queue = port->queues_[i];
    for (const auto family : {Family::v4, Family::v6}) {
      if (i > 0 && port->socket(0, family) == nullptr) continue;
      auto socket = UdpSocket::open({family, port->port_, options.mark, i > 0, options.offload});
      if (!socket) {
        if (i == 0 && family_missing(socket.error())) continue;
        return forward_error(std::move(socket.error()));
      }
      if (i == 0 && options.queues > 1) RADIAL_TRY((*socket)->allow_sharing());
      port->port_ = (*socket)->port();
      (family == Family::v4 ? queue.v4 : queue.v6) = std::move(*socket);
    }
    if (!queue.v4 && !queue.v6) return fail(Errc::unsupported, "this machine has neither IPv4 nor IPv6 sockets");
  }
  return port;
}

void UdpPort::send(std::size_t queue, std::span<UdpTrain> trains) const {
  for (std::size_t from = 0; from < trains.size();) {
    const bool v4 = trains[from].to.is_v4();
    std::size_t to = from + 1;
    while (to < trains.size() && trains[to].to.is_v4() == v4) ++to;
    const auto run = trains.subspan(from, to - from);
    if (auto* const out = socket(queue, v4 ? Family::v4 : Family::v6); out != nullptr)
      out->send(run);
    else
      for (auto& train : run) train.error = EAFNOSUPPORT;
    from = to;
  }
}

Status UdpPort::set_mark(std::uint32_t mark, std::uint32_t previous) {
  const auto set_all = [&](std::uint32_t value) -> Status {
    for (const auto& queue : queues_)
      for (const auto* socket : {&queue.v4, &queue.v6})
        if (*socket) RADIAL_TRY((*socket)->set_mark(value));
    return {};
  };
  auto status = set_all(mark);
  if (!status) static_cast<void>(set_all(previous));
  return status;
}

}  // namespace radial::engine
