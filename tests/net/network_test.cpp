// One namespace, most often with   wg0 ---- peer0   (a veth pair that stands
// in for a wire: what is looked at here is the same for every kind of link).
#include "host/network.h"

#include <algorithm>
#include <atomic>
#include <set>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>

#include "support/namespace.h"

namespace radial::host {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

IpAddress ip(const std::string& text) { return IpAddress::parse(text).value(); }
InterfaceAddress at(const std::string& text) { return InterfaceAddress::parse(text).value(); }
NextHop via(const std::string& gateway, const std::string& interface) { return {ip(gateway), interface}; }

// Looks in error messages and lists.
std::string message_of(const Status& status) { return status ? "no error" : status.error().message; }

class NetworkTest : public testing::Test {
 protected:
  const test::PrivateNamespace inside_;
  Network network_ = Network::open().value();

  void veth() const { inside_.sh("ip link add wg0 type veth peer name peer0; ip link set peer0 up"); }
  // A wire that is up and has two addresses to route through.
  void wire() const {
    veth();
    inside_.sh("ip link set wg0 up; ip address add 10.255.0.1/24 dev wg0; ip address add fd00:255::1/64 dev wg0 nodad");
  }

  std::vector<std::string> held(const std::string& interface) {
    std::vector<std::string> addresses;
    const auto all = network_.addresses().value();
    for (const auto& address : all)
      if (address.interface == interface) addresses.push_back(address.address.to_string());
    return addresses;
  }
  std::vector<NextHop> hops(const std::string& prefix) {
    const auto wanted = Prefix::parse(prefix).value();
    const auto routes = network_.routes(wanted.family()).value();
    for (const auto& route : routes)
      if (route.prefix == wanted) return route.next_hops;
    ADD_FAILURE() << "no route to " << prefix;
    return {};
  }
  // The loop of an agent: look, compare, apply. What was done.
  std::vector<std::string> reconcile(const DesiredLink& desired) {
    const auto change = diff_link(desired, network_.link(desired.interface).value().value(), network_.addresses().value());
    const auto status = host::apply(network_, change);
    EXPECT_TRUE(status) << message_of(status);
    return change.describe();
  }
};

TEST_F(NetworkTest, ListsLinksWithTheirKind) {
  inside_.sh("ip link add br0 type bridge; ip link add wg0 mtu 1380 type veth peer name peer0;"
             "ip link set wg0 up; ip tuntap add tun0 mode tun");
  const auto links = network_.links();
  ASSERT_TRUE(links);
  const auto named = [&](const std::string& name) {
    return *std::find_if(links->begin(), links->end(), [&](const Link& link) { return link.name == name; });
  };
  EXPECT_EQ(links->size(), 5U);
  EXPECT_EQ(named("lo").kind, "");
  EXPECT_EQ(named("br0").kind, "bridge");
  EXPECT_EQ(named("tun0").kind, "tun");
  EXPECT_EQ(named("wg0").kind, "veth");
  EXPECT_EQ(named("wg0").mtu, 1380);
  EXPECT_TRUE(named("wg0").up);
  EXPECT_FALSE(named("wg0").running) << "its peer is down";
  EXPECT_FALSE(named("peer0").up);
  EXPECT_EQ(network_.link("wg0").value().value(), named("wg0"));
  EXPECT_FALSE(network_.link("none").value());
  EXPECT_FALSE(network_.link("").value());
  EXPECT_FALSE(network_.link("a-name-that-is-too-long").value());
}

TEST_F(NetworkTest, CreatesAndDeletesLinks) {
  ASSERT_TRUE(network_.add_link("br0", "bridge"));
  EXPECT_EQ(network_.link("br0").value().value().kind, "bridge");
  const auto again = network_.add_link("br0", "bridge");
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().code, Errc::already_exists);
  const auto unknown = network_.add_link("x0", "nosuchkind");
  ASSERT_FALSE(unknown);
  EXPECT_EQ(unknown.error().code, Errc::unsupported);
  EXPECT_THAT(unknown.error().message, HasSubstr("nosuchkind"));
  ASSERT_TRUE(network_.delete_link("br0"));
  EXPECT_FALSE(network_.link("br0").value());
  EXPECT_TRUE(network_.delete_link("br0"));
}

TEST_F(NetworkTest, SetsMtuAliasAndStateAndSaysWhyNot) {
  veth();
  ASSERT_TRUE(network_.set_mtu("wg0", 1380));
  ASSERT_TRUE(network_.set_up("wg0", true));
  EXPECT_EQ(network_.link("wg0").value().value().mtu, 1380);
  EXPECT_TRUE(network_.link("wg0").value().value().up);
  ASSERT_TRUE(network_.set_up("wg0", false));
  EXPECT_FALSE(network_.link("wg0").value().value().up);
  ASSERT_TRUE(network_.set_alias("wg0", "radial acme"));
  EXPECT_THAT(inside_.sh("ip link show wg0"), HasSubstr("alias radial acme\n"));

  EXPECT_THAT(message_of(network_.set_mtu("wg0", 20)),
              AllOf(HasSubstr("an MTU of 20 on wg0"), HasSubstr("mtu less than device minimum")));
  const auto missing = network_.set_up("none", true);
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code, Errc::not_found);
  EXPECT_THAT(missing.error().message, HasSubstr("'none'"));
}

TEST_F(NetworkTest, AddsAndRemovesAddressesAgainAndAgain) {
  veth();
  for (int i = 0; i < 2; ++i) {
    EXPECT_TRUE(network_.add_address("wg0", at("10.255.0.1/24")));
    EXPECT_TRUE(network_.add_address("wg0", at("fd00:255::1/64")));
  }
  EXPECT_THAT(held("wg0"), UnorderedElementsAre("10.255.0.1/24", "fd00:255::1/64"));
  const auto other_length = network_.add_address("wg0", at("fd00:255::1/128"));
  ASSERT_FALSE(other_length) << "the kernel would keep the first";
  EXPECT_EQ(other_length.error().code, Errc::conflict);
  for (int i = 0; i < 2; ++i) {
    EXPECT_TRUE(network_.remove_address("wg0", at("10.255.0.1/24")));
    EXPECT_TRUE(network_.remove_address("wg0", at("fd00:255::1/64")));
  }
  EXPECT_THAT(held("wg0"), IsEmpty());
  EXPECT_TRUE(network_.remove_address("none", at("10.255.0.1/24")));
  EXPECT_FALSE(network_.add_address("none", at("10.255.0.1/24")));
}

TEST_F(NetworkTest, RemovingTheFirstAddressOfASubnetKeepsTheOthers) {
  veth();
  ASSERT_TRUE(write_sysctl("net.ipv4.conf.wg0.promote_secondaries", "0"));
  ASSERT_TRUE(write_sysctl("net.ipv4.conf.all.promote_secondaries", "0"));
  for (const auto* address : {"10.255.0.1/24", "10.255.0.2/24", "10.255.0.3/24"})
    ASSERT_TRUE(network_.add_address("wg0", at(address)));
  ASSERT_TRUE(network_.remove_address("wg0", at("10.255.0.1/24")));
  EXPECT_THAT(held("wg0"), UnorderedElementsAre("10.255.0.2/24", "10.255.0.3/24"));
}

TEST_F(NetworkTest, WithoutGenerationNoLinkLocalAppears) {
  veth();
  ASSERT_TRUE(network_.disable_address_generation("wg0"));
  ASSERT_TRUE(network_.disable_address_generation("wg0"));
  ASSERT_TRUE(network_.set_up("wg0", true));
  ASSERT_TRUE(test::eventually([&] { return !held("peer0").empty(); })) << "the kernel makes one for the other end";
  EXPECT_THAT(held("wg0"), IsEmpty());
  ASSERT_TRUE(network_.add_address("wg0", at("fe80::1/64")));
  const auto addresses = network_.addresses().value();
  const auto ours = std::find_if(addresses.begin(), addresses.end(), [](const auto& a) { return a.interface == "wg0"; });
  ASSERT_NE(ours, addresses.end());
  EXPECT_TRUE(ours->link_scope);
}

TEST_F(NetworkTest, ReconcilesALinkOnceAndThenNotAgain) {
  veth();
  ASSERT_TRUE(network_.disable_address_generation("wg0"));
  const DesiredLink desired{"wg0", 1380, {at("10.255.0.1/24"), at("fd00:255::1/64"), at("fe80::1/64")}};
  EXPECT_EQ(reconcile(desired).size(), 5U);
  EXPECT_THAT(reconcile(desired), IsEmpty());
  inside_.sh("ip address add 192.0.2.1/32 dev wg0; ip link set wg0 mtu 1400");
  EXPECT_THAT(reconcile(desired),
              ElementsAre("ip link set dev wg0 mtu 1380", "ip address del 192.0.2.1/32 dev wg0"));
  EXPECT_THAT(reconcile(desired), IsEmpty());
}

TEST_F(NetworkTest, AddsIpv6AddressesAgainAfterTheLinkWasDown) {
  veth();
  ASSERT_TRUE(network_.disable_address_generation("wg0"));
  const DesiredLink desired{"wg0", 1420, {at("10.255.0.1/24"), at("fd00:255::1/64"), at("fe80::1/64")}};
  reconcile(desired);
  inside_.sh("ip link set wg0 down");
  ASSERT_THAT(held("wg0"), ElementsAre("10.255.0.1/24")) << "the kernel flushes IPv6 addresses";
  reconcile(desired);
  EXPECT_THAT(held("wg0"), UnorderedElementsAre("10.255.0.1/24", "fd00:255::1/64", "fe80::1/64"));
  EXPECT_THAT(reconcile(desired), IsEmpty());
}

TEST_F(NetworkTest, ReplacesAddressesTheKernelTiesTogether) {
  veth();
  ASSERT_TRUE(network_.disable_address_generation("wg0"));
  ASSERT_TRUE(write_sysctl("net.ipv4.conf.wg0.promote_secondaries", "0"));
  ASSERT_TRUE(write_sysctl("net.ipv4.conf.all.promote_secondaries", "0"));
  reconcile({"wg0", 1420, {at("10.255.0.1/24"), at("10.255.0.7/24"), at("fd00:255::1/128")}});
  // The next one in the same subnet, and the same one with another length.
  const DesiredLink moved{"wg0", 1420, {at("10.255.0.2/24"), at("10.255.0.7/24"), at("fd00:255::1/64")}};
  reconcile(moved);
  EXPECT_THAT(held("wg0"), UnorderedElementsAre("10.255.0.2/24", "10.255.0.7/24", "fd00:255::1/64"));
  EXPECT_THAT(reconcile(moved), IsEmpty());
}

TEST_F(NetworkTest, ListsRoutesOfTheMainTable) {
  wire();
  inside_.sh(R"(
    ip route add 192.168.20.0/24 via 10.255.0.11 dev wg0 proto 188 metric 20
    ip route add 192.168.21.0/24 dev wg0
    ip route add 192.168.22.0/24 via inet6 fd00:255::12 dev wg0
    ip route add 192.168.23.0/24 nexthop via 10.255.0.11 dev wg0 nexthop via 10.255.0.12 dev wg0
    ip route add blackhole 192.168.24.0/24
    ip route add default via 10.255.0.99
    ip route add 192.168.25.0/24 dev wg0 table 100
    ip -6 route add fd00:20::/64 via fd00:255::11 dev wg0 proto 186
    ip -6 route add fd00:23::/64 nexthop via fd00:255::11 dev wg0 nexthop via fd00:255::12 dev wg0
    ip -6 route add unreachable fd00:24::/64)");
  const auto routes = network_.routes(Family::v4).value();
  const auto with = [](const char* prefix, std::vector<NextHop> hops, int protocol, std::uint32_t metric) {
    return Route{Prefix::parse(prefix).value(), std::move(hops), protocol, metric};
  };
  EXPECT_THAT(routes, UnorderedElementsAre(
                          with("10.255.0.0/24", {{std::nullopt, "wg0"}}, 2, 0),
                          with("192.168.20.0/24", {via("10.255.0.11", "wg0")}, 188, 20),
                          with("192.168.21.0/24", {{std::nullopt, "wg0"}}, 3, 0),
                          with("192.168.22.0/24", {via("fd00:255::12", "wg0")}, 3, 0),
                          with("192.168.23.0/24", {via("10.255.0.11", "wg0"), via("10.255.0.12", "wg0")}, 3, 0),
                          with("192.168.24.0/24", {}, 3, 0),
                          with("0.0.0.0/0", {via("10.255.0.99", "wg0")}, 3, 0)));
  EXPECT_THAT(hops("fd00:20::/64"), ElementsAre(via("fd00:255::11", "wg0")));
  EXPECT_THAT(hops("fd00:23::/64"), UnorderedElementsAre(via("fd00:255::11", "wg0"), via("fd00:255::12", "wg0")));
  EXPECT_THAT(hops("fd00:24::/64"), IsEmpty());
}

TEST_F(NetworkTest, RoutesVanishWithTheirLink) {
  wire();
  inside_.sh("ip route add 192.168.20.0/24 via 10.255.0.11 dev wg0; ip link set wg0 down");
  EXPECT_THAT(network_.routes(Family::v4).value(), IsEmpty());
  inside_.sh("ip link del wg0");
  EXPECT_THAT(network_.routes(Family::v4).value(), IsEmpty());
}

// FRR installs routes by nexthop id. With net.ipv4.nexthop_compat_mode 0 the
// kernel does not repeat the hops in the route.
TEST_F(NetworkTest, ResolvesNexthopObjectsAndGroups) {
  wire();
  inside_.sh(R"(
    ip nexthop add id 11 via 10.255.0.11 dev wg0
    ip nexthop add id 12 via 10.255.0.12 dev wg0
    ip nexthop add id 13 blackhole
    ip nexthop add id 16 via fd00:255::11 dev wg0
    ip nexthop add id 20 group 11/12
    ip route add 192.168.20.0/24 nhid 11 proto 188
    ip route add 192.168.21.0/24 nhid 20 proto 188
    ip route add 192.168.22.0/24 nhid 13 proto 188
    ip route add 192.168.23.0/24 nhid 16 proto 188
    ip -6 route add fd00:20::/64 nhid 16 proto 188)");
  for (const auto* compatible : {"1", "0"}) {
    ASSERT_TRUE(write_sysctl("net.ipv4.nexthop_compat_mode", compatible));
    EXPECT_THAT(hops("192.168.20.0/24"), ElementsAre(via("10.255.0.11", "wg0"))) << compatible;
    EXPECT_THAT(hops("192.168.21.0/24"), UnorderedElementsAre(via("10.255.0.11", "wg0"), via("10.255.0.12", "wg0")));
    EXPECT_THAT(hops("192.168.22.0/24"), IsEmpty());
    EXPECT_THAT(hops("192.168.23.0/24"), ElementsAre(via("fd00:255::11", "wg0")));
    EXPECT_THAT(hops("fd00:20::/64"), ElementsAre(via("fd00:255::11", "wg0")));
  }
  // A group that changes carries its routes along, without a message on them.
  inside_.sh("ip nexthop replace id 20 group 12");
  EXPECT_THAT(hops("192.168.21.0/24"), ElementsAre(via("10.255.0.12", "wg0")));
}

// 5,000 routes: many datagrams, each more than once.
TEST_F(NetworkTest, ListsFiveThousandRoutesExactly) {
  wire();
  inside_.sh(R"(for a in $(seq 0 19); do for b in $(seq 0 249); do
                  echo "route add 172.$((16 + a % 8)).$b.$((a / 8 * 64))/26 via 10.255.0.$((b + 2)) dev wg0 proto 188"
                done; done | ip -batch -)");
  const auto routes = network_.routes(Family::v4).value();
  std::set<Prefix> prefixes;
  for (const auto& route : routes) {
    EXPECT_TRUE(prefixes.insert(route.prefix).second) << route.prefix.to_string() << " twice";
    if (route.protocol != 188) continue;
    EXPECT_THAT(route.next_hops, ElementsAre(NextHop{IpAddress::from_v4(0x0aff0002U + route.prefix.address().bytes()[2]), "wg0"}));
  }
  EXPECT_EQ(prefixes.size(), 5001U);
}

// Somebody adds and removes links, routes and nexthop groups all the while:
// what stands still must be in every answer, once.
TEST_F(NetworkTest, ListsWhatStandsStillWhileTheRestChanges) {
  wire();
  ASSERT_TRUE(write_sysctl("net.ipv4.nexthop_compat_mode", "0"));
  inside_.sh(R"(ip nexthop add id 11 via 10.255.0.11 dev wg0; ip nexthop add id 20 group 11
                { for b in $(seq 0 249); do
                    echo "route add 172.16.$b.0/24 nhid 20 proto 188"
                    echo "route add fd00:16:$b::/64 via fd00:255::11 dev wg0 proto 188"
                  done; } | ip -batch -)");
  std::atomic<bool> stop = false;
  std::atomic<int> rounds = 0;
  std::thread disturber([&] {
    const auto one_round = R"sh(
      { for i in $(seq 20); do
          echo "link add tmp$i type veth peer name pmt$i"; echo "link set tmp$i up"
          echo "nexthop add id $((100 + i)) via 10.255.0.12 dev wg0"
          echo "route add 172.20.$i.0/24 nhid $((100 + i)) proto 188"
          echo "route add fd00:20:$i::/64 via fd00:255::12 dev wg0"
          echo "route add 172.21.$i.0/24 dev tmp$i"
        done
        for i in $(seq 20); do
          echo "nexthop del id $((100 + i))"; echo "link del tmp$i"; echo "route del fd00:20:$i::/64"
        done; } | ip -batch -)sh";
    while (!stop) {
      inside_.sh(one_round);
      ++rounds;
    }
  });
  int listed = 0;
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while ((listed < 100 || rounds < 3) && std::chrono::steady_clock::now() < end) {
    for (const auto family : {Family::v4, Family::v6}) {
      const auto routes = network_.routes(family);
      if (!routes) {
        EXPECT_EQ(routes.error().code, Errc::unavailable) << routes.error().message;
        continue;
      }
      ++listed;
      std::set<Prefix> still;
      const auto still_in = Prefix::parse(family == Family::v4 ? "172.16.0.0/16" : "fd00:16::/32").value();
      for (const auto& route : *routes) {
        if (!still_in.contains(route.prefix)) continue;
        EXPECT_TRUE(still.insert(route.prefix).second) << route.prefix.to_string() << " twice";
        EXPECT_THAT(route.next_hops, ElementsAre(via(family == Family::v4 ? "10.255.0.11" : "fd00:255::11", "wg0")));
      }
      ASSERT_EQ(still.size(), 250U);
    }
    const auto addresses = network_.addresses();
    EXPECT_TRUE(addresses) << addresses.error().message;
  }
  stop = true;
  disturber.join();
  EXPECT_GE(listed, 100);
  EXPECT_GE(rounds, 3);
}

class NetworkMonitorTest : public NetworkTest {
 protected:
  NetworkMonitor monitor_ = NetworkMonitor::open().value();

  [[nodiscard]] bool readable(int milliseconds = 0) const {
    pollfd wait{monitor_.fd(), POLLIN, 0};
    return ::poll(&wait, 1, milliseconds) == 1;
  }
  // Everything that comes until `done` is satisfied with it.
  NetworkMonitor::Events collect(const std::function<bool(const NetworkMonitor::Events&)>& done) {
    NetworkMonitor::Events seen;
    EXPECT_TRUE(test::eventually([&] {
      const auto events = monitor_.drain().value();
      seen.links = seen.links || events.links;
      seen.addresses = seen.addresses || events.addresses;
      seen.sysctls = seen.sysctls || events.sysctls;
      seen.overflow = seen.overflow || events.overflow;
      return done(seen);
    }));
    return seen;
  }
  void settle() {
    while (readable(50)) (void)monitor_.drain();
  }
};

TEST_F(NetworkMonitorTest, IsQuietWhenNothingHappens) {
  settle();
  EXPECT_FALSE(readable());
  const auto events = monitor_.drain().value();
  EXPECT_FALSE(events.links || events.addresses || events.sysctls || events.overflow);
  // Reading is not a change.
  (void)network_.links();
  (void)network_.routes(Family::v4);
  EXPECT_FALSE(readable());
}

TEST_F(NetworkMonitorTest, TellsLinksAndAddressesApartAndSaysNothingOfRoutes) {
  inside_.sh("ip link add wg0 type veth peer name peer0");
  ASSERT_TRUE(readable(5000));
  collect([](const auto& events) { return events.links; });
  inside_.sh("ip link set wg0 up; ip link set peer0 up");
  collect([](const auto& events) { return events.links; });
  settle();
  inside_.sh("ip address add 10.255.0.1/24 dev wg0");
  collect([](const auto& events) { return events.addresses; });
  settle();
  inside_.sh("ip route add 192.168.20.0/24 via 10.255.0.11; ip nexthop add id 7 via 10.255.0.11 dev wg0");
  EXPECT_FALSE(readable(50));
  inside_.sh("ip link set peer0 down");
  EXPECT_TRUE(collect([](const auto& events) { return events.links; }).links);
  settle();
  inside_.sh("ip link del wg0");
  collect([](const auto& events) { return events.links; });
}

TEST_F(NetworkMonitorTest, TellsThatForwardingOrAFilterWasSwitched) {
  wire();
  settle();
  for (const auto* key : {"net.ipv4.ip_forward", "net.ipv6.conf.all.forwarding", "net.ipv4.conf.wg0.rp_filter"}) {
    inside_.sh(std::string("sysctl -qw ") + key + "=$((1 - $(sysctl -n " + key + ")))");
    EXPECT_TRUE(collect([](const auto& events) { return events.sysctls; }).sysctls) << key;
    settle();
  }
}

TEST_F(NetworkMonitorTest, SaysThatItLostSomethingAndGoesOn) {
  wire();
  settle();
  inside_.sh("for i in $(seq 20000); do echo link set wg0 alias number$i; done | ip -batch -");
  EXPECT_TRUE(collect([](const auto& events) { return events.overflow; }).overflow);
  settle();
  inside_.sh("ip address add 10.99.0.1/24 dev wg0");
  EXPECT_FALSE(collect([](const auto& events) { return events.addresses; }).overflow);
}

TEST_F(NetworkTest, WritesSysctlsAlsoOfInterfacesWithDots) {
  inside_.sh("ip link add wg.0.1 type veth peer name peer0");
  for (const auto* value : {"0", "2"}) {
    ASSERT_TRUE(write_sysctl("net.ipv4.conf.wg.0.1.rp_filter", value));
    EXPECT_EQ(read_sysctl("net.ipv4.conf.wg.0.1.rp_filter").value(), value);
    EXPECT_EQ(inside_.sh("cat /proc/sys/net/ipv4/conf/wg.0.1/rp_filter"), std::string(value) + "\n");
  }
  EXPECT_EQ(write_sysctl("net.ipv4.conf.none.rp_filter", "0").error().code, Errc::not_found);
  EXPECT_THAT(message_of(write_sysctl("net.ipv4.ip_forward", "yes")),
              AllOf(HasSubstr("'yes'"), HasSubstr("net.ipv4.ip_forward"), HasSubstr("Invalid argument")));
}

TEST_F(NetworkTest, SaysWhatToDoAboutAReadOnlyProc) {
  inside_.sh("mount --bind /proc/sys /proc/sys; mount -o remount,bind,ro /proc/sys");
  const auto status = write_sysctl("net.ipv4.ip_forward", "1");
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code, Errc::permission_denied);
  EXPECT_THAT(status.error().message, AllOf(HasSubstr("read-only"), HasSubstr("on the host")));
}

}  // namespace
}  // namespace radial::host
