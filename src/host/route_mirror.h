// The kernel's forwarding routes of the main table, kept up message by message,
// so that one route's change costs one route's work. Pure: dumps and messages
// of rtnetlink(7) in, prefixes and their routes out.
//
// What the kernel does without a word is known here: IPv4 routes go with their
// nexthop object and, when a link goes down, with that link (net/ipv4/fib_*.c,
// nexthop.c). What cannot be told from one message (a link that went down under
// routes, routes of one key beside each other, a hop that was never listed)
// makes take() say so: the caller dumps again. Threading: plain values.
#pragma once

#include <map>
#include <optional>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "host/route_watch.h"
#include "host/rtnetlink_message.h"

namespace radial::host::rtnetlink {

// What dumps taken together said.
struct FibDump {
  std::vector<Link> links;
  Nexthops nexthops;
  std::vector<RouteMessage> routes;
};

class RouteMirror {
 public:
  // Starts anew. False: the dumps do not fit together; dump again.
  [[nodiscard]] bool restart(const FibDump& dump);

  // One message of the groups link, route and nexthop. False: look again.
  [[nodiscard]] bool take(const nlmsghdr& message);

  // What the prefixes became that messages touched since the last call; a
  // prefix once. Nothing: something does not fit; look again.
  [[nodiscard]] std::optional<std::vector<RouteNews>> news();

  // Of each prefix the route that is used.
  [[nodiscard]] std::optional<std::vector<Route>> routes() const;

 private:
  using Candidates = std::map<std::uint32_t, RouteMessage>;  // by metric: the lowest that forwards is used

  [[nodiscard]] bool take_link(const nlmsghdr& message);
  [[nodiscard]] bool take_route(const nlmsghdr& message);
  void take_nexthop(const nlmsghdr& message);
  void put(const RouteMessage& route);
  void drop(const Prefix& prefix, std::uint32_t metric);
  void forget_user(const RouteMessage& route);
  void touch_users(std::uint32_t nexthop);
  [[nodiscard]] bool has_routes_over(int interface) const;
  // Nothing inside: no route; nothing outside: unknown.
  [[nodiscard]] std::optional<std::optional<Route>> effective(const Candidates& candidates) const;

  std::unordered_map<Prefix, Candidates> routes_;
  Nexthops nexthops_;
  std::unordered_map<std::uint32_t, std::unordered_set<Prefix>> users_;  // of a nexthop object or group
  std::map<int, Link> links_;
  LinkNames names_;
  std::unordered_set<Prefix> touched_;
};

}  // namespace radial::host::rtnetlink
