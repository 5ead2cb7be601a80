// RouteWatch against a real kernel, in a namespace of its own:
//
//   wg0 (veth) 10.255.0.1/24, fd00:255::1/64     wg1 (veth) 10.254.0.1/24
//
// The oracle is the kernel itself: what was told, change by change, must equal a
// fresh look.
#include <map>
#include <random>

#include <gmock/gmock.h>
#include <poll.h>

#include "host/route_watch.h"
#include "support/namespace.h"

namespace radial::host {
namespace {

using Table = std::map<Prefix, Route>;

class RouteWatchTest : public testing::Test {
 protected:
  RouteWatchTest() {
    inside_.sh("for i in 0 1; do ip link add wg$i type veth peer name peer$i; ip link set wg$i up; ip link set peer$i up; done;"
               "ip address add 10.255.0.1/24 dev wg0; ip address add 10.254.0.1/24 dev wg1;"
               "ip address add fd00:255::1/64 dev wg0 nodad");
    watch_.emplace(RouteWatch::open().value());
    look();
  }

  void look() {
    known_.clear();
    auto routes = watch_->look();
    ASSERT_TRUE(routes) << routes.error().message;
    for (auto& route : *routes) known_[route.prefix] = std::move(route);
  }

  // Takes what is queued; looks where it must. True when it had to.
  bool follow() {
    const auto news = watch_->drain();
    EXPECT_TRUE(news) << news.error().message;
    if (news->lost) {
      look();
      return true;
    }
    for (const auto& one : news->routes) {
      if (one.route) known_[one.prefix] = *one.route;
      else known_.erase(one.prefix);
    }
    return false;
  }

  static Table fresh() {
    Table table;
    auto other = RouteWatch::open().value();
    const auto routes = other.look().value();
    for (const auto& route : routes) table[route.prefix] = route;
    return table;
  }

  [[nodiscard]] std::string gateway_of(const char* prefix) const {
    const auto found = known_.find(Prefix::parse(prefix).value());
    if (found == known_.end()) return "none";
    std::string text;
    for (const auto& hop : found->second.next_hops)
      text += (text.empty() ? "" : ",") + (hop.gateway ? hop.gateway->to_string() : "link") + "@" + hop.interface;
    return text;
  }

  test::PrivateNamespace inside_;
  std::optional<RouteWatch> watch_;
  Table known_;
};

TEST_F(RouteWatchTest, TellsARouteThatComesMovesAndGoes) {
  inside_.sh("ip route add 192.168.20.0/24 via 10.255.0.11");
  EXPECT_FALSE(follow());
  EXPECT_EQ(gateway_of("192.168.20.0/24"), "10.255.0.11@wg0");
  inside_.sh("ip route replace 192.168.20.0/24 via 10.255.0.12");
  EXPECT_FALSE(follow());
  EXPECT_EQ(gateway_of("192.168.20.0/24"), "10.255.0.12@wg0");
  inside_.sh("ip route del 192.168.20.0/24");
  EXPECT_FALSE(follow());
  EXPECT_EQ(gateway_of("192.168.20.0/24"), "none");
}

TEST_F(RouteWatchTest, KnowsWhichOfSeveralMetricsIsUsed) {
  inside_.sh("ip route add 192.168.20.0/24 via 10.255.0.11 metric 20; ip route add 192.168.20.0/24 via 10.254.0.9 metric 30");
  EXPECT_FALSE(follow());
  EXPECT_EQ(gateway_of("192.168.20.0/24"), "10.255.0.11@wg0");
  inside_.sh("ip route del 192.168.20.0/24 metric 20");
  EXPECT_FALSE(follow());
  EXPECT_EQ(gateway_of("192.168.20.0/24"), "10.254.0.9@wg1");
}

TEST_F(RouteWatchTest, FollowsNexthopObjectsAndGroupsAsFrrUsesThem) {
  inside_.sh("ip nexthop add id 11 via 10.255.0.11 dev wg0; ip nexthop add id 12 via 10.255.0.12 dev wg0;"
             "ip nexthop add id 20 group 11/12; ip route add 192.168.20.0/24 nhid 20; ip route add 192.168.30.0/24 nhid 11");
  EXPECT_FALSE(follow());
  EXPECT_EQ(gateway_of("192.168.20.0/24"), "10.255.0.11@wg0,10.255.0.12@wg0");
  // The object changes under its routes: no word of them.
  inside_.sh("ip nexthop replace id 11 via 10.255.0.13 dev wg0");
  EXPECT_FALSE(follow());
  EXPECT_EQ(gateway_of("192.168.30.0/24"), "10.255.0.13@wg0");
  EXPECT_EQ(gateway_of("192.168.20.0/24"), "10.255.0.13@wg0,10.255.0.12@wg0");
  // It goes, and IPv4 routes with it, in silence.
  inside_.sh("ip nexthop del id 11");
  follow();
  EXPECT_EQ(gateway_of("192.168.30.0/24"), "none");
  EXPECT_EQ(gateway_of("192.168.20.0/24"), "10.255.0.12@wg0");
  EXPECT_EQ(known_, fresh());
}

TEST_F(RouteWatchTest, ALinkThatGoesDownTakesItsRoutesAlong) {
  inside_.sh("ip route add 192.168.20.0/24 via 10.255.0.11; ip route add 192.168.30.0/24 via 10.254.0.9");
  EXPECT_FALSE(follow());
  inside_.sh("ip link set wg0 down");
  EXPECT_TRUE(follow());
  EXPECT_EQ(gateway_of("192.168.20.0/24"), "none");
  EXPECT_EQ(gateway_of("192.168.30.0/24"), "10.254.0.9@wg1");
  // One that carries no route is no reason to look.
  inside_.sh("ip link add other type veth peer name other1; ip link set other up");
  follow();
  inside_.sh("ip link set other down; ip link del other");
  EXPECT_FALSE(follow());
}

TEST_F(RouteWatchTest, SaysWhenItLostSomethingAndLooksAgain) {
  watch_.emplace(RouteWatch::open(4096).value());
  look();
  inside_.sh("for i in $(seq 1 250); do echo route add 172.16.$i.0/24 via 10.255.0.11; done | ip -batch -");
  EXPECT_TRUE(follow());
  EXPECT_EQ(gateway_of("172.16.250.0/24"), "10.255.0.11@wg0");
  inside_.sh("ip route del 172.16.7.0/24");
  EXPECT_FALSE(follow());
  EXPECT_EQ(known_, fresh());
}

TEST_F(RouteWatchTest, WhatWasToldEqualsAFreshLookWhateverHappened) {
  std::mt19937 random(20261124);
  const auto pick = [&](int n) { return static_cast<int>(random() % static_cast<unsigned>(n)); };
  int looks = 0;
  for (int round = 0; round < 60; ++round) {
    std::string batch;
    for (int i = 0; i < 12; ++i) {
      const auto prefix = fmt::format("172.16.{}.0/24", pick(8));
      const auto via = pick(2) == 0 ? fmt::format("10.255.0.{}", 11 + pick(4)) : fmt::format("10.254.0.{}", 11 + pick(4));
      const auto device = via.starts_with("10.255") ? "wg0" : "wg1";
      switch (pick(10)) {
        case 0: case 1: batch += fmt::format("route replace {} via {} metric {}\n", prefix, via, 20 + pick(2)); break;
        case 2: batch += fmt::format("route del {} metric {}\n", prefix, 20 + pick(2)); break;
        case 3: batch += fmt::format("nexthop replace id {} via {} dev {}\n", 100 + pick(4), via, device); break;
        case 4: batch += fmt::format("nexthop del id {}\n", 100 + pick(4)); break;
        case 5: batch += fmt::format("nexthop replace id {} group {}/{}\n", 200 + pick(2), 100 + pick(2), 102 + pick(2)); break;
        case 6: batch += fmt::format("route replace {} nhid {} metric 20\n", prefix, 100 + pick(4)); break;
        case 7: batch += fmt::format("route replace {} nhid {} metric 21\n", prefix, 200 + pick(2)); break;
        case 8: batch += fmt::format("route replace fd00:{}::/64 via fd00:255::{}\n", 1 + pick(6), 11 + pick(4)); break;
        default:
          batch += pick(4) == 0 ? fmt::format("link set wg1 {}\n", pick(2) == 0 ? "down" : "up")
                                : fmt::format("route del fd00:{}::/64\n", 1 + pick(6));
      }
    }
    inside_.sh("ip -force -batch - 2>/dev/null <<'END' || true\n" + batch + "END");
    // Twice: an address of a link that came up again is told late.
    looks += follow();
    Table now = fresh();
    if (known_ != now) { looks += follow(); now = fresh(); }
    ASSERT_EQ(known_, now) << "round " << round << " after:\n" << batch;
  }
  EXPECT_LT(looks, 60) << "a look for each change is no following";
}

}  // namespace
}  // namespace radial::host
