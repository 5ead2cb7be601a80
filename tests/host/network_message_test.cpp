// Messages as the kernel would send them, made by hand.
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/nexthop.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <sys/socket.h>

#include <array>
#include <random>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "host/netlink_message.h"
#include "host/rtnetlink_message.h"

namespace radial::host::rtnetlink {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

IpAddress ip(const char* text) { return IpAddress::parse(text).value(); }

const nlmsghdr& finished(NetlinkMessage& message) {
  return *reinterpret_cast<const nlmsghdr*>(message.finish(1, 0).data());
}

NetlinkMessage route_message(int family, int length, unsigned char type = RTN_UNICAST, unsigned flags = 0) {
  NetlinkMessage message(RTM_NEWROUTE);
  rtmsg header{};
  header.rtm_family = static_cast<unsigned char>(family);
  header.rtm_dst_len = static_cast<unsigned char>(length);
  header.rtm_table = RT_TABLE_MAIN;
  header.rtm_protocol = 188;
  header.rtm_type = type;
  header.rtm_flags = flags;
  message.put_header(header);
  return message;
}

void put_hop(NetlinkMessage& message, int interface, const IpAddress& gateway, unsigned char flags = 0) {
  // rtnexthop and nlattr have a header of the same size but another layout:
  // the attribute is made apart and appended.
  NetlinkMessage attribute(0);
  attribute.put_address(RTA_GATEWAY, gateway);
  const auto bytes = attribute.finish(0, 0).subspan(sizeof(nlmsghdr));
  rtnexthop hop{static_cast<unsigned short>(sizeof(rtnexthop) + bytes.size()), flags, 0, interface};
  message.put_header(hop);
  std::vector<std::uint8_t> copy(bytes.begin(), bytes.end());
  for (std::size_t i = 0; i < copy.size(); i += 4) {
    std::array<std::uint8_t, 4> word{};
    std::copy_n(copy.begin() + static_cast<std::ptrdiff_t>(i), 4, word.begin());
    message.put_header(word);
  }
}

const LinkNames links{{3, "wg0"}, {4, "wg1"}};

Route resolved(const RouteMessage& message, const Nexthops& nexthops = {}) {
  Route route;
  EXPECT_EQ(resolve(message, nexthops, links, route), Resolution::resolved);
  return route;
}

TEST(RtnetlinkMessage, ReadsALinkAndItsKind) {
  NetlinkMessage message(RTM_NEWLINK);
  ifinfomsg header{};
  header.ifi_index = 3;
  header.ifi_flags = IFF_UP | IFF_RUNNING;
  message.put_header(header);
  message.put_string(IFLA_IFNAME, "wg0");
  message.put_u32(IFLA_MTU, 1420);
  const auto info = message.begin_nest(IFLA_LINKINFO);
  message.put_string(IFLA_INFO_KIND, "wireguard");
  message.end_nest(info);
  EXPECT_EQ(parse_link(finished(message)), (Link{3, "wg0", "wireguard", 1420, true, true}));
}

TEST(RtnetlinkMessage, OurOwnEndOfAPointToPointAddress) {
  NetlinkMessage message(RTM_NEWADDR);
  ifaddrmsg header{};
  header.ifa_family = AF_INET;
  header.ifa_prefixlen = 32;
  header.ifa_index = 3;
  header.ifa_scope = RT_SCOPE_LINK;
  message.put_header(header);
  message.put_address(IFA_ADDRESS, ip("10.0.0.2"));
  message.put_address(IFA_LOCAL, ip("10.0.0.1"));
  const auto address = parse_address(finished(message));
  ASSERT_TRUE(address);
  EXPECT_EQ(address->address.to_string(), "10.0.0.1/32");
  EXPECT_EQ(address->interface, 3);
  EXPECT_TRUE(address->link_scope);
}

TEST(RtnetlinkMessage, ReadsARouteWithOneHop) {
  auto message = route_message(AF_INET, 24);
  message.put_address(RTA_DST, ip("192.168.20.0"));
  message.put_u32(RTA_PRIORITY, 20);
  message.put_address(RTA_GATEWAY, ip("10.255.0.11"));
  message.put_u32(RTA_OIF, 3);
  const auto route = parse_route(finished(message));
  ASSERT_TRUE(route);
  EXPECT_EQ(resolved(*route),
            (Route{Prefix::parse("192.168.20.0/24").value(), {{ip("10.255.0.11"), "wg0"}}, 188, 20}));
}

TEST(RtnetlinkMessage, ADefaultRouteHasNoDestinationAndAnOnLinkOneNoGateway) {
  auto message = route_message(AF_INET6, 0);
  message.put_u32(RTA_OIF, 4);
  const auto route = parse_route(finished(message));
  ASSERT_TRUE(route);
  EXPECT_EQ(resolved(*route), (Route{Prefix::any(Family::v6), {{std::nullopt, "wg1"}}, 188, 0}));
}

TEST(RtnetlinkMessage, ReadsIpv4OverAnIpv6NextHop) {
  auto message = route_message(AF_INET, 24);
  message.put_address(RTA_DST, ip("192.168.20.0"));
  std::vector<std::uint8_t> via{AF_INET6, 0};
  const auto gateway = ip("fe80::11");
  via.insert(via.end(), gateway.bytes().begin(), gateway.bytes().end());
  message.put(RTA_VIA, via);
  message.put_u32(RTA_OIF, 3);
  EXPECT_THAT(resolved(*parse_route(finished(message))).next_hops, ElementsAre(NextHop{gateway, "wg0"}));
}

TEST(RtnetlinkMessage, ReadsEveryLivingHopOfAMultipathRoute) {
  auto message = route_message(AF_INET, 24);
  message.put_address(RTA_DST, ip("192.168.20.0"));
  const auto nest = message.begin_nest(RTA_MULTIPATH);
  put_hop(message, 3, ip("10.255.0.11"));
  put_hop(message, 4, ip("10.255.1.11"));
  put_hop(message, 4, ip("10.255.1.12"), RTNH_F_DEAD);
  message.end_nest(nest);
  EXPECT_THAT(resolved(*parse_route(finished(message))).next_hops,
              ElementsAre(NextHop{ip("10.255.0.11"), "wg0"}, NextHop{ip("10.255.1.11"), "wg1"}));
}

TEST(RtnetlinkMessage, ResolvesNexthopIdsAndGroups) {
  const auto nexthop = [](std::uint32_t id, const char* gateway, int interface) {
    NetlinkMessage message(RTM_NEWNEXTHOP);
    nhmsg header{};
    header.nh_family = AF_INET;
    message.put_header(header);
    message.put_u32(NHA_ID, id);
    message.put_address(NHA_GATEWAY, ip(gateway));
    message.put_u32(NHA_OIF, static_cast<std::uint32_t>(interface));
    return parse_nexthop(finished(message)).value();
  };
  NetlinkMessage group_message(RTM_NEWNEXTHOP);
  group_message.put_header(nhmsg{});
  group_message.put_u32(NHA_ID, 30);
  std::array<nexthop_grp, 2> members{};
  members[0].id = 11;
  members[1].id = 12;
  group_message.put_value(NHA_GROUP, members);
  const auto group = parse_nexthop(finished(group_message));
  ASSERT_TRUE(group);
  EXPECT_THAT(group->group, ElementsAre(11, 12));
  const Nexthops nexthops{{11, nexthop(11, "10.255.0.11", 3)}, {12, nexthop(12, "10.255.1.11", 4)}, {30, *group}};

  const auto by_id = [](std::uint32_t id) {
    auto message = route_message(AF_INET, 24);
    message.put_address(RTA_DST, ip("192.168.20.0"));
    message.put_u32(RTA_NH_ID, id);
    return parse_route(finished(message)).value();
  };
  EXPECT_TRUE(needs_nexthops(by_id(11)));
  EXPECT_THAT(resolved(by_id(11), nexthops).next_hops, ElementsAre(NextHop{ip("10.255.0.11"), "wg0"}));
  EXPECT_THAT(resolved(by_id(30), nexthops).next_hops,
              ElementsAre(NextHop{ip("10.255.0.11"), "wg0"}, NextHop{ip("10.255.1.11"), "wg1"}));
  Route route;
  EXPECT_EQ(resolve(by_id(99), nexthops, links, route), Resolution::unknown);
  auto incomplete = nexthops;
  incomplete.erase(12);
  EXPECT_EQ(resolve(by_id(30), incomplete, links, route), Resolution::unknown);
}

TEST(RtnetlinkMessage, ARejectingRouteHasNoNextHop) {
  for (const unsigned char type : {RTN_BLACKHOLE, RTN_UNREACHABLE, RTN_PROHIBIT}) {
    auto message = route_message(AF_INET6, 32, type);
    message.put_address(RTA_DST, ip("2001:db8::"));
    message.put_u32(RTA_OIF, 1);
    EXPECT_THAT(resolved(*parse_route(finished(message))).next_hops, IsEmpty());
  }
}

TEST(RtnetlinkMessage, PassesOverWhatForwardsNothing) {
  auto local = route_message(AF_INET, 32, RTN_LOCAL);
  EXPECT_FALSE(parse_route(finished(local)));
  auto cached = route_message(AF_INET6, 128, RTN_UNICAST, RTM_F_CLONED);
  EXPECT_FALSE(parse_route(finished(cached)));
  auto dead = route_message(AF_INET, 24, RTN_UNICAST, RTNH_F_DEAD);
  dead.put_u32(RTA_OIF, 3);
  Route route;
  EXPECT_EQ(resolve(*parse_route(finished(dead)), {}, links, route), Resolution::unused);
}

TEST(RtnetlinkMessage, ALinkThatIsNotListedAsksForAnotherLook) {
  auto message = route_message(AF_INET, 24);
  message.put_u32(RTA_OIF, 77);
  Route route;
  EXPECT_EQ(resolve(*parse_route(finished(message)), {}, links, route), Resolution::unknown);
}

TEST(RtnetlinkMessage, LongTableNumbersAreRead) {
  auto message = route_message(AF_INET, 24);
  message.put_u32(RTA_TABLE, 51820);
  EXPECT_EQ(parse_route(finished(message))->table, 51820U);
}

// Whatever the bytes are, no parser reads beyond them (the sanitizers watch).
TEST(RtnetlinkMessage, RandomBytesAreSurvived) {
  std::mt19937 random(7);  // NOLINT(cert-msc51-cpp): the same cases every time
  const std::uint16_t types[] = {RTM_NEWLINK, RTM_NEWADDR, RTM_NEWROUTE, RTM_NEWNEXTHOP};
  for (int round = 0; round < 20000; ++round) {
    const std::size_t size = sizeof(nlmsghdr) + random() % 120;
    std::vector<std::uint8_t> bytes(size);
    for (auto& byte : bytes) byte = static_cast<std::uint8_t>(random() % 3 == 0 ? random() : random() % 24);
    auto& header = *reinterpret_cast<nlmsghdr*>(bytes.data());
    header.nlmsg_len = static_cast<std::uint32_t>(size);
    header.nlmsg_type = types[random() % 4];
    (void)parse_link(header);
    (void)parse_address(header);
    (void)parse_nexthop(header);
    if (const auto route = parse_route(header)) {
      Route result;
      (void)resolve(*route, {}, links, result);
    }
  }
}

}  // namespace
}  // namespace radial::host::rtnetlink
