// The routes of this network namespace's main table, and each change to them as
// it happens: what steering follows. Where NetworkMonitor says that something
// changed, this says what.
//
// The caller looks once, then drains whenever the descriptor is readable; when
// drain() says that something was lost (the socket overflowed, a link went down,
// a message did not fit), it looks again. Changes that happen during a look may
// be told once more after it; the last of a prefix is never older than the look.
//
// Threading: one object, one thread. look() blocks for the kernel's answers.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "host/network.h"

namespace radial::host {

struct RouteNews {
  Prefix prefix;
  std::optional<Route> route;  // the one that is used now; nothing: there is none
};

class RouteWatch {
 public:
  struct News {
    std::vector<RouteNews> routes;  // a prefix at most once
    bool lost = false;              // look again: `routes` is of no use
  };

  // `receive_buffer`: bytes of messages that may wait for us; charged when used.
  [[nodiscard]] static Result<RouteWatch> open(int receive_buffer = 8 << 20);
  RouteWatch(RouteWatch&&) noexcept;
  RouteWatch& operator=(RouteWatch&&) noexcept;
  ~RouteWatch();

  [[nodiscard]] int fd() const;  // non-blocking; borrowed
  // Asks the kernel. Of each prefix the route that it uses.
  Result<std::vector<Route>> look();
  // Everything that is queued; lost before the first look().
  Result<News> drain();
  // Whether what was looked at and drained is all that there is.
  [[nodiscard]] bool known() const;
  // The same as look() would say, without asking; of no meaning unless known().
  [[nodiscard]] std::vector<Route> routes() const;

 private:
  struct Impl;
  explicit RouteWatch(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace radial::host
