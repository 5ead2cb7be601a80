#include "host/route_watch.h"

#include <cstddef>

#include <libmnl/libmnl.h>
#include <linux/rtnetlink.h>

#include "host/netlink_group_socket.h"
#include "host/route_mirror.h"
#include "host/rtnetlink_dump.h"

namespace radial::host {

struct RouteWatch::Impl {
  NetlinkGroupSocket events;
  NetlinkSocket dumps;
  rtnetlink::RouteMirror mirror;
  bool known = false;  // the mirror is what the kernel has, but for what is queued

  // Everything queued, seen or thrown away.
  Status read(bool keep, bool& lost) {
    return events.drain(
        [&](const nlmsghdr& message) {
          if (keep && !lost) lost = !mirror.take(message);
        },
        lost);
  }
};

RouteWatch::RouteWatch(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
RouteWatch::RouteWatch(RouteWatch&&) noexcept = default;
RouteWatch& RouteWatch::operator=(RouteWatch&&) noexcept = default;
RouteWatch::~RouteWatch() = default;

Result<RouteWatch> RouteWatch::open(int receive_buffer) {
  RADIAL_ASSIGN(auto events, NetlinkGroupSocket::open({RTNLGRP_LINK, RTNLGRP_IPV4_ROUTE, RTNLGRP_IPV6_ROUTE, RTNLGRP_NEXTHOP},
                                                      receive_buffer));
  RADIAL_ASSIGN(auto dumps, rtnetlink::open_socket());
  return RouteWatch(std::make_unique<Impl>(Impl{std::move(events), std::move(dumps), {}}));
}

int RouteWatch::fd() const { return impl_->events.fd(); }

Result<std::vector<Route>> RouteWatch::look() {
  impl_->known = false;
  for (int attempt = 0; attempt < rtnetlink::consistent_attempts; ++attempt) {
    // What is queued is older than the dump and in it; what comes from now on
    // is told again by drain().
    bool ignored = false;
    RADIAL_TRY(impl_->read(false, ignored));
    rtnetlink::FibDump dump;
    RADIAL_ASSIGN(dump.links, rtnetlink::dump_links(impl_->dumps));
    RADIAL_ASSIGN(dump.nexthops, rtnetlink::dump_nexthops(impl_->dumps));
    for (const auto family : {Family::v4, Family::v6}) {
      RADIAL_ASSIGN(const auto routes, rtnetlink::dump_routes(impl_->dumps, family));
      dump.routes.insert(dump.routes.end(), routes.begin(), routes.end());
    }
    if (!impl_->mirror.restart(dump)) continue;
    impl_->known = true;
    return *impl_->mirror.routes();
  }
  return fail(Errc::unavailable, "the routes changed {} times while they were read; try again", rtnetlink::consistent_attempts);
}

bool RouteWatch::known() const { return impl_->known; }

std::vector<Route> RouteWatch::routes() const { return impl_->mirror.routes().value_or(std::vector<Route>()); }

Result<RouteWatch::News> RouteWatch::drain() {
  News news;
  news.lost = !impl_->known;
  RADIAL_TRY(impl_->read(!news.lost, news.lost));
  if (!news.lost) {
    auto routes = impl_->mirror.news();
    if (routes) news.routes = std::move(*routes);
    news.lost = !routes;
  }
  if (news.lost) impl_->known = false;
  return news;
}

}  // namespace radial::host
