#include "host/route_mirror.h"

#include <algorithm>

#include <linux/rtnetlink.h>

#include "host/netlink_attributes.h"

namespace radial::host::rtnetlink {
namespace {

bool same_hops(const RouteMessage& a, const RouteMessage& b) {
  if (a.nexthop_id != 0 || b.nexthop_id != 0) return a.nexthop_id == b.nexthop_id;
  return std::equal(a.hops.begin(), a.hops.end(), b.hops.begin(), b.hops.end(), [](const Hop& left, const Hop& right) {
    return left.gateway == right.gateway && left.interface == right.interface;
  });
}

bool carries(const Link& link) { return link.up && link.running; }

}  // namespace

bool RouteMirror::restart(const FibDump& dump) {
  *this = RouteMirror();
  for (const auto& link : dump.links) {
    links_[link.index] = link;
    names_[link.index] = link.name;
  }
  nexthops_ = dump.nexthops;
  for (const auto& route : dump.routes) put(route);
  touched_.clear();
  return routes().has_value();
}

bool RouteMirror::take(const nlmsghdr& message) {
  switch (message.nlmsg_type) {
    case RTM_NEWLINK:
    case RTM_DELLINK: return take_link(message);
    case RTM_NEWROUTE:
    case RTM_DELROUTE: return take_route(message);
    case RTM_NEWNEXTHOP:
    case RTM_DELNEXTHOP: take_nexthop(message); return true;
    default: return true;
  }
}

bool RouteMirror::take_link(const nlmsghdr& message) {
  const auto link = parse_link(message);
  if (!link) return true;
  const auto known = links_.find(link->index);
  if (message.nlmsg_type == RTM_DELLINK) {
    const bool matters = known != links_.end() && has_routes_over(link->index);
    links_.erase(link->index);
    names_.erase(link->index);
    return !matters;
  }
  const bool went_down = known != links_.end() && carries(known->second) && !carries(*link);
  const bool renamed = known != links_.end() && known->second.name != link->name;
  links_[link->index] = *link;
  names_[link->index] = link->name;
  return !((went_down || renamed) && has_routes_over(link->index));
}

bool RouteMirror::take_route(const nlmsghdr& message) {
  const auto route = parse_route(message);
  if (!route || route->table != RT_TABLE_MAIN) return true;
  const auto found = routes_.find(route->prefix);
  if (message.nlmsg_type == RTM_NEWROUTE) {
    // One more of the same key (ip route append): which is used is for the
    // kernel to say.
    if ((message.nlmsg_flags & NLM_F_APPEND) != 0) return false;
    put(*route);
    touched_.insert(route->prefix);
    return true;
  }
  if (found == routes_.end()) return true;
  const auto candidate = found->second.find(route->metric);
  if (candidate == found->second.end()) return true;
  // A part of it went (one hop of an IPv6 multipath route), or what we know is another.
  if (!route->rejects && !same_hops(candidate->second, *route)) return false;
  drop(route->prefix, route->metric);
  touched_.insert(route->prefix);
  return true;
}

void RouteMirror::take_nexthop(const nlmsghdr& message) {
  const auto nexthop = parse_nexthop(message);
  if (!nexthop) return;
  touch_users(nexthop->id);
  for (const auto& [id, other] : nexthops_)
    if (std::find(other.group.begin(), other.group.end(), nexthop->id) != other.group.end()) touch_users(id);
  if (message.nlmsg_type == RTM_NEWNEXTHOP) {
    nexthops_[nexthop->id] = *nexthop;
    return;
  }
  nexthops_.erase(nexthop->id);
  // IPv4 routes go with it and nothing is said; of IPv6 ones it is said as well.
  const auto users = users_.find(nexthop->id);
  if (users == users_.end()) return;
  const auto prefixes = users->second;
  for (const auto& prefix : prefixes) {
    const auto found = routes_.find(prefix);
    if (found == routes_.end()) continue;
    std::vector<std::uint32_t> metrics;
    for (const auto& [metric, route] : found->second)
      if (route.nexthop_id == nexthop->id) metrics.push_back(metric);
    for (const auto metric : metrics) drop(prefix, metric);
  }
}

void RouteMirror::put(const RouteMessage& route) {
  auto& candidates = routes_[route.prefix];
  if (const auto before = candidates.find(route.metric); before != candidates.end()) forget_user(before->second);
  auto& kept = candidates[route.metric] = route;
  if (route.nexthop_id == 0) return;
  // The message repeats the hops of the object as they are now; the object's own
  // messages keep them right.
  kept.hops.clear();
  users_[route.nexthop_id].insert(route.prefix);
}

void RouteMirror::drop(const Prefix& prefix, std::uint32_t metric) {
  const auto found = routes_.find(prefix);
  if (found == routes_.end()) return;
  const auto candidate = found->second.find(metric);
  if (candidate == found->second.end()) return;
  const auto route = candidate->second;
  found->second.erase(candidate);
  if (found->second.empty()) routes_.erase(found);
  forget_user(route);
}

void RouteMirror::forget_user(const RouteMessage& route) {
  const auto users = users_.find(route.nexthop_id);
  if (route.nexthop_id == 0 || users == users_.end()) return;
  // Another metric of the same prefix may still use it: harmless, it is only looked at once more.
  users->second.erase(route.prefix);
  if (users->second.empty()) users_.erase(users);
  if (const auto found = routes_.find(route.prefix); found != routes_.end())
    for (const auto& [metric, other] : found->second)
      if (metric != route.metric && other.nexthop_id == route.nexthop_id) users_[route.nexthop_id].insert(route.prefix);
}

void RouteMirror::touch_users(std::uint32_t nexthop) {
  if (const auto users = users_.find(nexthop); users != users_.end())
    touched_.insert(users->second.begin(), users->second.end());
}

bool RouteMirror::has_routes_over(int interface) const {
  const auto uses = [&](const Hop& hop) { return hop.interface == interface; };
  for (const auto& [id, routed] : users_) {
    const auto object = nexthops_.find(id);
    if (object == nexthops_.end() || uses(object->second.hop)) return true;
    for (const auto member : object->second.group) {
      const auto single = nexthops_.find(member);
      if (single == nexthops_.end() || uses(single->second.hop)) return true;
    }
  }
  return std::any_of(routes_.begin(), routes_.end(), [&](const auto& entry) {
    return std::any_of(entry.second.begin(), entry.second.end(), [&](const auto& candidate) {
      return std::any_of(candidate.second.hops.begin(), candidate.second.hops.end(), uses);
    });
  });
}

std::optional<std::optional<Route>> RouteMirror::effective(const Candidates& candidates) const {
  for (const auto& [metric, message] : candidates) {
    Route route;
    const auto resolution = resolve(message, nexthops_, names_, route);
    if (resolution == Resolution::unknown) return std::nullopt;
    if (resolution == Resolution::resolved) return std::optional(std::move(route));
  }
  return std::optional<Route>();
}

std::optional<std::vector<RouteNews>> RouteMirror::news() {
  std::vector<RouteNews> news;
  news.reserve(touched_.size());
  for (const auto& prefix : touched_) {
    const auto found = routes_.find(prefix);
    auto now = found == routes_.end() ? std::optional(std::optional<Route>()) : effective(found->second);
    if (!now) return std::nullopt;
    news.push_back({prefix, std::move(*now)});
  }
  touched_.clear();
  return news;
}

std::optional<std::vector<Route>> RouteMirror::routes() const {
  std::vector<Route> routes;
  for (const auto& [prefix, candidates] : routes_) {
    auto route = effective(candidates);
    if (!route) return std::nullopt;
    if (*route) routes.push_back(std::move(**route));
  }
  return routes;
}

}  // namespace radial::host::rtnetlink
