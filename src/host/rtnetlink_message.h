// What rtnetlink (rtnetlink(7), linux/rtnetlink.h, linux/nexthop.h) says about
// links, addresses, routes and nexthop objects, message by message, and how
// the pieces fit together. Pure: the kernel's numbers in, values out. A
// message that is cut short, or about something else, gives nothing.
// Threading: plain functions.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include <linux/netlink.h>

#include "base/ip.h"
#include "host/network.h"

namespace radial::host::rtnetlink {

// Interfaces by index.
using LinkNames = std::map<int, std::string>;

// An address that names its interface by index.
struct AddressMessage {
  int interface = 0;
  InterfaceAddress address;
  bool link_scope = false;
};

// A next hop that names its interface by index.
struct Hop {
  std::optional<IpAddress> gateway;
  int interface = 0;
  bool dead = false;  // not in use: its link is down
};

struct RouteMessage {
  Prefix prefix;
  int protocol = 0;
  std::uint32_t metric = 0;
  std::uint32_t table = 0;
  bool rejects = false;              // blackhole, unreachable, prohibit: it has no next hop
  std::vector<Hop> hops;
  std::uint32_t nexthop_id = 0;      // 0: none
};

// A nexthop object: one hop, or a group of others.
struct NexthopMessage {
  std::uint32_t id = 0;
  bool rejects = false;
  Hop hop;
  std::vector<std::uint32_t> group;
};
using Nexthops = std::map<std::uint32_t, NexthopMessage>;

// What is new and what is gone alike, but for addresses: the message's type tells.
[[nodiscard]] std::optional<Link> parse_link(const nlmsghdr& message);
[[nodiscard]] std::optional<AddressMessage> parse_address(const nlmsghdr& message);
// Forwarding routes and those that reject; no local, broadcast or multicast
// routes and no entries of a cache.
[[nodiscard]] std::optional<RouteMessage> parse_route(const nlmsghdr& message);
[[nodiscard]] std::optional<NexthopMessage> parse_nexthop(const nlmsghdr& message);

// A route whose hops are known only through its nexthop object.
[[nodiscard]] inline bool needs_nexthops(const RouteMessage& route) {
  return route.nexthop_id != 0 && route.hops.empty() && !route.rejects;
}

enum class Resolution {
  resolved,
  unused,   // every hop is dead: it forwards nothing
  unknown,  // it names a link or a nexthop that is not listed: look again
};

// Fills `route` from the message, its nexthops and its links.
[[nodiscard]] Resolution resolve(const RouteMessage& message, const Nexthops& nexthops, const LinkNames& links,
                                 Route& route);

}  // namespace radial::host::rtnetlink
