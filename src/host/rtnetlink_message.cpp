#include "host/rtnetlink_message.h"

#include <algorithm>
#include <cstddef>
#include <cstring>

#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/nexthop.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <sys/socket.h>

#include "host/netlink_attributes.h"

namespace radial::host::rtnetlink {
namespace {

std::optional<std::size_t> size_of_family(int family) {
  if (family == AF_INET) return 4;
  if (family == AF_INET6) return 16;
  return std::nullopt;
}

std::optional<IpAddress> address_of(int family, std::span<const std::uint8_t> bytes) {
  const auto size = size_of_family(family);
  if (!size || bytes.size() != *size) return std::nullopt;
  return IpAddress::from_bytes(bytes);
}

// RTA_VIA: a gateway of another family (RFC 8950 style IPv4 over IPv6).
std::optional<IpAddress> via_address(const NetlinkAttribute& attribute) {
  rtvia via{};
  constexpr auto header = offsetof(rtvia, rtvia_addr);
  if (attribute.payload.size() < header) return std::nullopt;
  std::memcpy(&via, attribute.payload.data(), header);
  return address_of(via.rtvia_family, attribute.payload.subspan(header));
}

void read_gateway(const NetlinkAttribute& attribute, int family, Hop& hop) {
  if (attribute.type == RTA_GATEWAY) hop.gateway = address_of(family, attribute.payload);
  if (attribute.type == RTA_VIA) hop.gateway = via_address(attribute);
}

bool is_dead(unsigned flags) { return (flags & RTNH_F_DEAD) != 0; }

// RTA_MULTIPATH: rtnexthop headers, each followed by attributes of its own.
std::vector<Hop> multipath(std::span<const std::uint8_t> bytes, int family) {
  std::vector<Hop> hops;
  rtnexthop header{};
  while (bytes.size() >= sizeof header) {
    std::memcpy(&header, bytes.data(), sizeof header);
    if (header.rtnh_len < sizeof header || header.rtnh_len > bytes.size()) break;
    Hop hop{{}, header.rtnh_ifindex, is_dead(header.rtnh_flags)};
    for (const auto& attribute : NetlinkAttributes(bytes.subspan(sizeof header, header.rtnh_len - sizeof header)))
      read_gateway(attribute, family, hop);
    hops.push_back(hop);
    bytes = bytes.subspan(std::min<std::size_t>(RTNH_ALIGN(header.rtnh_len), bytes.size()));
  }
  return hops;
}

std::vector<std::uint32_t> group_members(std::span<const std::uint8_t> bytes) {
  std::vector<std::uint32_t> members;
  for (; bytes.size() >= sizeof(nexthop_grp); bytes = bytes.subspan(sizeof(nexthop_grp))) {
    nexthop_grp member{};
    std::memcpy(&member, bytes.data(), sizeof member);
    members.push_back(member.id);
  }
  return members;
}

// Appends the hops behind a nexthop object. The kernel has no groups of
// groups, so one level is all there is.
bool append_hops(std::uint32_t id, const Nexthops& nexthops, std::vector<Hop>& hops) {
  const auto found = nexthops.find(id);
  if (found == nexthops.end()) return false;
  const auto& nexthop = found->second;
  if (nexthop.group.empty()) {
    if (!nexthop.rejects) hops.push_back(nexthop.hop);
    return true;
  }
  return std::all_of(nexthop.group.begin(), nexthop.group.end(), [&](std::uint32_t member) {
    const auto single = nexthops.find(member);
    if (single == nexthops.end() || !single->second.group.empty()) return false;
    if (!single->second.rejects) hops.push_back(single->second.hop);
    return true;
  });
}

}  // namespace

std::optional<Link> parse_link(const nlmsghdr& message) {
  const auto header = header_of<ifinfomsg>(message);
  if ((message.nlmsg_type != RTM_NEWLINK && message.nlmsg_type != RTM_DELLINK) || !header) return std::nullopt;
  Link link;
  link.index = header->ifi_index;
  link.up = (header->ifi_flags & IFF_UP) != 0;
  link.running = (header->ifi_flags & IFF_RUNNING) != 0;
  for (const auto& attribute : attributes_of(message, sizeof *header)) {
    if (attribute.type == IFLA_IFNAME) link.name = attribute.text();
    if (attribute.type == IFLA_MTU) link.mtu = static_cast<int>(attribute.value<std::uint32_t>().value_or(0));
    if (attribute.type == IFLA_LINKINFO)
      for (const auto& info : attribute.nested())
        if (info.type == IFLA_INFO_KIND) link.kind = info.text();
  }
  if (link.name.empty()) return std::nullopt;
  return link;
}

std::optional<AddressMessage> parse_address(const nlmsghdr& message) {
  const auto header = header_of<ifaddrmsg>(message);
  if (message.nlmsg_type != RTM_NEWADDR || !header) return std::nullopt;
  const auto size = size_of_family(header->ifa_family);
  if (!size || header->ifa_prefixlen > *size * 8) return std::nullopt;
  // With a point-to-point peer IFA_ADDRESS is the peer's; IFA_LOCAL is always ours.
  std::optional<IpAddress> local, address;
  for (const auto& attribute : attributes_of(message, sizeof *header)) {
    if (attribute.type == IFA_LOCAL) local = address_of(header->ifa_family, attribute.payload);
    if (attribute.type == IFA_ADDRESS) address = address_of(header->ifa_family, attribute.payload);
  }
  if (!local) local = address;
  if (!local) return std::nullopt;
  return AddressMessage{static_cast<int>(header->ifa_index), {*local, header->ifa_prefixlen},
                        header->ifa_scope == RT_SCOPE_LINK};
}

std::optional<RouteMessage> parse_route(const nlmsghdr& message) {
  const auto header = header_of<rtmsg>(message);
  if ((message.nlmsg_type != RTM_NEWROUTE && message.nlmsg_type != RTM_DELROUTE) || !header || (header->rtm_flags & RTM_F_CLONED) != 0) return std::nullopt;
  const auto size = size_of_family(header->rtm_family);
  if (!size || header->rtm_dst_len > *size * 8) return std::nullopt;
  RouteMessage route;
  switch (header->rtm_type) {
    case RTN_UNICAST: break;
    case RTN_BLACKHOLE:
    case RTN_UNREACHABLE:
    case RTN_PROHIBIT: route.rejects = true; break;
    default: return std::nullopt;
  }
  route.protocol = header->rtm_protocol;
  route.table = header->rtm_table;
  auto destination = IpAddress::from_bytes(std::vector<std::uint8_t>(*size));
  std::optional<Hop> single;
  const auto the_hop = [&]() -> Hop& { return single ? *single : single.emplace(Hop{{}, 0, is_dead(header->rtm_flags)}); };
  for (const auto& attribute : attributes_of(message, sizeof *header)) {
    switch (attribute.type) {
      case RTA_DST:
        if (const auto address = address_of(header->rtm_family, attribute.payload)) destination = *address;
        break;
      case RTA_PRIORITY: route.metric = attribute.value<std::uint32_t>().value_or(0); break;
      case RTA_TABLE: route.table = attribute.value<std::uint32_t>().value_or(route.table); break;
      case RTA_NH_ID: route.nexthop_id = attribute.value<std::uint32_t>().value_or(0); break;
      case RTA_OIF: the_hop().interface = attribute.value<int>().value_or(0); break;
      case RTA_GATEWAY:
      case RTA_VIA: read_gateway(attribute, header->rtm_family, the_hop()); break;
      case RTA_MULTIPATH: route.hops = multipath(attribute.payload, header->rtm_family); break;
      default: break;
    }
  }
  route.prefix = Prefix::of(destination, header->rtm_dst_len);
  // A rejecting IPv6 route names the loopback as its device: not a next hop.
  if (route.rejects) route.hops.clear();
  else if (route.hops.empty() && single) route.hops.push_back(*single);
  return route;
}

std::optional<NexthopMessage> parse_nexthop(const nlmsghdr& message) {
  const auto header = header_of<nhmsg>(message);
  if ((message.nlmsg_type != RTM_NEWNEXTHOP && message.nlmsg_type != RTM_DELNEXTHOP) || !header) return std::nullopt;
  NexthopMessage nexthop;
  nexthop.hop.dead = is_dead(header->nh_flags);
  for (const auto& attribute : attributes_of(message, sizeof *header)) {
    switch (attribute.type) {
      case NHA_ID: nexthop.id = attribute.value<std::uint32_t>().value_or(0); break;
      case NHA_OIF: nexthop.hop.interface = attribute.value<int>().value_or(0); break;
      case NHA_GATEWAY: nexthop.hop.gateway = address_of(header->nh_family, attribute.payload); break;
      case NHA_BLACKHOLE: nexthop.rejects = true; break;
      case NHA_GROUP: nexthop.group = group_members(attribute.payload); break;
      default: break;
    }
  }
  if (nexthop.id == 0) return std::nullopt;
  return nexthop;
}

Resolution resolve(const RouteMessage& message, const Nexthops& nexthops, const LinkNames& links, Route& route) {
  route = {message.prefix, {}, message.protocol, message.metric};
  if (message.rejects) return Resolution::resolved;
  auto hops = message.hops;
  if (needs_nexthops(message)) {
    if (!append_hops(message.nexthop_id, nexthops, hops)) return Resolution::unknown;
    if (hops.empty()) return Resolution::resolved;  // a blackhole object
  }
  for (const auto& hop : hops) {
    if (hop.dead) continue;
    const auto link = links.find(hop.interface);
    if (link == links.end()) return Resolution::unknown;
    route.next_hops.push_back({hop.gateway, link->second});
  }
  return route.next_hops.empty() ? Resolution::unused : Resolution::resolved;
}

}  // namespace radial::host::rtnetlink
