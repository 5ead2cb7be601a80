#include "host/rtnetlink_dump.h"

#include <linux/if_link.h>
#include <linux/nexthop.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include "host/netlink_attributes.h"

namespace radial::host::rtnetlink {

Result<NetlinkSocket> open_socket() {
  RADIAL_ASSIGN(auto socket, NetlinkSocket::open(NETLINK_ROUTE));
  // Lets the kernel filter dumps by table and interface; where it is too old
  // for that we filter ourselves.
  (void)socket.set_option(NETLINK_GET_STRICT_CHK, true);
  return socket;
}

NetlinkMessage link_request(std::uint16_t type, std::uint16_t flags, const ifinfomsg& header) {
  NetlinkMessage message(type, flags);
  message.put_header(header);
  return message;
}

Result<std::vector<Link>> dump_links(NetlinkSocket& socket) {
  auto message = link_request(RTM_GETLINK, 0, {});
  message.put_u32(IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS);
  std::vector<Link> links;
  RADIAL_TRY(socket.dump(message, [&] { links.clear(); }, [&](const nlmsghdr& part) -> Status {
    if (auto link = parse_link(part)) links.push_back(std::move(*link));
    return {};
  }));
  return links;
}

Result<std::vector<RouteMessage>> dump_routes(NetlinkSocket& socket, Family family) {
  NetlinkMessage message(RTM_GETROUTE);
  rtmsg header{};
  header.rtm_family = family == Family::v4 ? AF_INET : AF_INET6;
  header.rtm_table = RT_TABLE_MAIN;
  message.put_header(header);
  std::vector<RouteMessage> routes;
  auto status = socket.dump(message, [&] { routes.clear(); }, [&](const nlmsghdr& part) -> Status {
    auto route = parse_route(part);
    if (route && route->table == RT_TABLE_MAIN) routes.push_back(std::move(*route));
    return {};
  });
  // A namespace that never had a route has no main table yet.
  if (!status && status.error().sys_errno == ENOENT) return std::vector<RouteMessage>{};
  if (!status) return forward_error(std::move(status.error()).within("cannot list routes"));
  return routes;
}

Result<Nexthops> dump_nexthops(NetlinkSocket& socket) {
  NetlinkMessage message(RTM_GETNEXTHOP);
  message.put_header(nhmsg{});
  Nexthops nexthops;
  RADIAL_TRY(socket.dump(message, [&] { nexthops.clear(); }, [&](const nlmsghdr& part) -> Status {
    if (auto nexthop = parse_nexthop(part)) nexthops[nexthop->id] = std::move(*nexthop);
    return {};
  }));
  return nexthops;
}

}  // namespace radial::host::rtnetlink
