// Steering by example. One wire, 10.255.0.0/24:
//
//   east  .1  key 1      west  .2  key 2      north .3  key 3
//
#include "steer/steering.h"

#include <gmock/gmock.h>

#include "wire_model.h"

namespace radial::test {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

SteerPeer peer(std::uint8_t number, std::string node, std::initializer_list<std::string_view> granted,
               bool any = false) {
  SteerPeer made{key(number), std::move(node), {}, {any, prefixes(granted)}, {}};
  made.addresses = {address("10.255.0." + std::to_string(number)), address("fe80::" + std::to_string(number))};
  return made;
}

RouteEvent now(std::string_view to, std::initializer_list<std::string_view> gateways) {
  return {route_to(to, gateways), false};
}
RouteEvent gone(std::string_view to) { return {{prefix(to), {}}, true}; }

Placement moved(std::string_view what, std::optional<std::uint8_t> from, std::optional<std::uint8_t> to) {
  Placement placement{prefix(what), {}, {}};
  if (from) placement.from = key(*from);
  if (to) placement.to = key(*to);
  return placement;
}

constexpr std::uint8_t parked = 255;

class SteeringTest : public ::testing::Test {
 protected:
  void begin(std::vector<SteerPeer> peers, std::vector<FibRoute> fib = {}) {
    wire.apply(steering.start(std::move(peers), fib, {}));
  }
  SteerDelta on(const RouteEvent& event) { return take(steering.apply(event)); }
  SteerDelta on(const std::vector<RouteEvent>& events) { return take(steering.apply(events)); }
  SteerDelta take(SteerDelta delta) {
    wire.apply(delta);
    EXPECT_EQ(steering.table(), wire.table());
    return delta;
  }
  std::optional<PublicKey> to(std::string_view destination) {
    EXPECT_EQ(steering.steered_to(address(destination)), wire.lookup(address(destination)));
    return wire.lookup(address(destination));
  }

  Steering steering{parking_key};
  WireModel wire;
};

TEST_F(SteeringTest, OwnAddressesAndExclusiveGrantsStandStillWhateverTheFibSays) {
  begin({peer(1, "east", {"10.1.0.0/16"}), peer(2, "west", {"10.2.0.0/16", "2001:db8:2::/48"})});
  EXPECT_THAT(steering.table(),
              ElementsAre(PlacedPrefix{prefix("10.1.0.0/16"), key(1)}, PlacedPrefix{prefix("10.2.0.0/16"), key(2)},
                          PlacedPrefix{prefix("10.255.0.1/32"), key(1)}, PlacedPrefix{prefix("10.255.0.2/32"), key(2)},
                          PlacedPrefix{prefix("2001:db8:2::/48"), key(2)}, PlacedPrefix{prefix("fe80::1/128"), key(1)},
                          PlacedPrefix{prefix("fe80::2/128"), key(2)}));
  EXPECT_THAT(on(now("10.1.0.0/16", {"10.255.0.1"})), IsEmpty());
  EXPECT_THAT(on(now("10.1.0.0/16", {"10.255.0.2"})), IsEmpty());   // a hijack
  EXPECT_THAT(on(now("10.1.7.0/24", {"10.255.0.2"})), IsEmpty());   // a more specific one
  EXPECT_THAT(on(now("10.255.0.1/32", {"10.255.0.2"})), IsEmpty());
  EXPECT_THAT(on(now("0.0.0.0/0", {"10.255.0.2"})), IsEmpty());
  EXPECT_THAT(on(gone("10.1.0.0/16")), IsEmpty());
  EXPECT_EQ(to("10.1.7.7"), key(1));
  EXPECT_EQ(to("9.9.9.9"), std::nullopt);
}

TEST_F(SteeringTest, SharedGrantFollowsTheFibInOneMove) {
  begin({peer(1, "east", {"10.20.0.0/16"}), peer(2, "west", {"10.20.0.0/16"})});
  EXPECT_EQ(to("10.20.0.1"), key(1));  // first by name
  EXPECT_THAT(on(now("10.20.0.0/16", {"10.255.0.2"})), ElementsAre(moved("10.20.0.0/16", 1, 2)));
  EXPECT_THAT(on(gone("10.20.0.0/16")), IsEmpty());  // keeps the present one
  EXPECT_THAT(on(now("10.20.0.0/16", {"10.255.0.1"})), ElementsAre(moved("10.20.0.0/16", 2, 1)));
}

TEST_F(SteeringTest, ARouteStandsOnlyWhereItsOwnerDiffers) {
  begin({peer(1, "east", {"10.20.0.0/16"}), peer(2, "west", {"10.20.0.0/16"})});
  EXPECT_THAT(on(now("10.20.1.0/24", {"10.255.0.1"})), IsEmpty());
  EXPECT_THAT(on(now("10.20.2.0/24", {"10.255.0.2"})), ElementsAre(moved("10.20.2.0/24", {}, 2)));
  // The wide one moves: what was implied is said first, what is implied now goes last.
  EXPECT_THAT(on(now("10.20.0.0/16", {"10.255.0.2"})),
              ElementsAre(moved("10.20.1.0/24", {}, 1), moved("10.20.0.0/16", 1, 2), moved("10.20.2.0/24", 2, {})));
  EXPECT_THAT(on(gone("10.20.1.0/24")), ElementsAre(moved("10.20.1.0/24", 1, {})));
}

TEST_F(SteeringTest, NestedGrantIsContestedWhereItNests) {
  begin({peer(1, "east", {"10.0.0.0/8"}), peer(2, "west", {"10.20.0.0/16"})});
  EXPECT_THAT(on(now("10.0.0.0/8", {"10.255.0.1"})), IsEmpty());
  EXPECT_EQ(to("10.20.0.1"), key(1));
  EXPECT_THAT(on(now("10.20.0.0/16", {"10.255.0.2"})), ElementsAre(moved("10.20.0.0/16", 1, 2)));
  EXPECT_EQ(to("10.21.0.1"), key(1));
  // West is gone; the covering route leads to east, and a /16 left on west must not steal from its /8.
  EXPECT_THAT(on(gone("10.20.0.0/16")), ElementsAre(moved("10.20.0.0/16", 2, 1)));
}

TEST_F(SteeringTest, LongestMatchCountsRoutesThatLeadElsewhere) {
  begin({peer(1, "east", {"10.20.0.0/16"}), peer(2, "west", {"10.20.0.0/16"})});
  (void)on(now("10.20.0.0/16", {"10.255.0.2"}));
  EXPECT_EQ(to("10.20.9.1"), key(2));
  EXPECT_THAT(on(now("10.20.9.0/24", {})), IsEmpty());  // keeps the present one
  EXPECT_THAT(on(now("10.20.0.0/16", {"10.255.0.1"})),
              ElementsAre(moved("10.20.9.0/24", {}, 2), moved("10.20.0.0/16", 2, 1)));
  EXPECT_THAT(on(gone("10.20.9.0/24")), ElementsAre(moved("10.20.9.0/24", 2, {})));
}

TEST_F(SteeringTest, RefusedRouteInContestedSpaceIsParkedAndComesBack) {
  begin({peer(1, "east", {"10.20.0.0/16"}), peer(2, "west", {"10.20.0.0/16"}), peer(3, "north", {"10.3.0.0/16"})});
  (void)on(now("10.20.0.0/16", {"10.255.0.2"}));
  EXPECT_THAT(on(now("10.20.5.0/24", {"10.255.0.3"})), ElementsAre(moved("10.20.5.0/24", {}, parked)));
  EXPECT_EQ(to("10.20.5.1"), std::nullopt);
  EXPECT_THAT(steering.findings(),
              ElementsAre(SteerFinding{SteerFinding::Kind::not_granted, prefix("10.20.5.0/24"), address("10.255.0.3"),
                                       "north", Grant{false, prefixes({"10.3.0.0/16"})}}));
  EXPECT_EQ(describe(steering.findings().front()),
            "north announces 10.20.5.0/24, which its grant (10.3.0.0/16) does not cover; withdraw it there, or widen "
            "the grant");
  EXPECT_THAT(on(gone("10.20.5.0/24")), ElementsAre(moved("10.20.5.0/24", parked, {})));
  EXPECT_THAT(steering.findings(), IsEmpty());
  // Nothing is around the grant itself: nobody needs no parking there.
  EXPECT_THAT(on(now("10.20.0.0/16", {"10.255.0.3"})), ElementsAre(moved("10.20.0.0/16", 2, {})));
  EXPECT_THAT(on(now("10.20.0.0/16", {"10.255.0.1"})), ElementsAre(moved("10.20.0.0/16", {}, 1)));
}

TEST_F(SteeringTest, RefusedGatewayDoesNotSpoilAGrantedEqual) {
  begin({peer(1, "east", {"10.20.0.0/16"}), peer(2, "west", {"10.20.0.0/16"}), peer(3, "north", {"10.3.0.0/16"})});
  EXPECT_THAT(on(now("10.20.0.0/16", {"10.255.0.3", "10.255.0.2"})), ElementsAre(moved("10.20.0.0/16", 1, 2)));
  EXPECT_EQ(steering.findings().size(), 1U);
}

TEST_F(SteeringTest, EqualsStayWithThePresentOne) {
  begin({peer(1, "east", {"10.20.0.0/16"}), peer(2, "west", {"10.20.0.0/16"}), peer(3, "north", {"10.20.0.0/16"})});
  EXPECT_EQ(to("10.20.0.1"), key(1));
  EXPECT_THAT(on(now("10.20.0.0/16", {"10.255.0.3", "10.255.0.2"})), ElementsAre(moved("10.20.0.0/16", 1, 2)));
  EXPECT_THAT(on(now("10.20.0.0/16", {"10.255.0.1", "10.255.0.2", "10.255.0.3"})), IsEmpty());
  EXPECT_THAT(on(now("10.20.0.0/16", {"10.255.0.1", "10.255.0.3"})), ElementsAre(moved("10.20.0.0/16", 2, 1)));
  // A burst that passes through another state is one change: none.
  EXPECT_THAT(on({now("10.20.0.0/16", {"10.255.0.3"}), gone("10.20.0.0/16"),
                  now("10.20.0.0/16", {"10.255.0.1", "10.255.0.3"})}),
              IsEmpty());
}

TEST_F(SteeringTest, AnyCoversEverythingButADefaultRoute) {
  begin({peer(1, "east", {}, true), peer(2, "west", {"10.2.0.0/16"})});
  EXPECT_EQ(to("8.8.8.8"), key(1));
  EXPECT_EQ(to("2001:db8::1"), key(1));
  EXPECT_THAT(on(now("10.2.0.0/16", {"10.255.0.2"})), ElementsAre(moved("10.2.0.0/16", 1, 2)));
  EXPECT_THAT(on(now("172.16.0.0/12", {"10.255.0.1"})), IsEmpty());
  EXPECT_THAT(on(now("0.0.0.0/0", {"10.255.0.1"})),
              ElementsAre(moved("172.16.0.0/12", {}, 1), moved("0.0.0.0/0", 1, {})));
  EXPECT_EQ(to("8.8.8.8"), std::nullopt);
  EXPECT_EQ(to("172.16.0.1"), key(1));
  EXPECT_EQ(to("10.2.0.1"), key(2));
  EXPECT_EQ(to("2001:db8::1"), key(1));
  ASSERT_EQ(steering.findings().size(), 1U);
  EXPECT_EQ(steering.findings().front().kind, SteerFinding::Kind::default_not_granted);
  EXPECT_EQ(describe(steering.findings().front()),
            "east announces the default route 0.0.0.0/0, which its grant (any) does not hold; withdraw it there, or "
            "write 0.0.0.0/0 in its grant");
  EXPECT_THAT(on(gone("0.0.0.0/0")), ElementsAre(moved("0.0.0.0/0", {}, 1), moved("172.16.0.0/12", 1, {})));
}

TEST_F(SteeringTest, WrittenDefaultRouteIsGranted) {
  begin({peer(1, "east", {"0.0.0.0/0"}), peer(2, "west", {"10.2.0.0/16"}), peer(3, "north", {}, true)});
  EXPECT_THAT(on(now("0.0.0.0/0", {"10.255.0.1"})), IsEmpty());
  EXPECT_EQ(to("8.8.8.8"), key(1));
  EXPECT_THAT(steering.findings(), IsEmpty());
  EXPECT_THAT(on(now("172.16.0.0/12", {"10.255.0.3"})), ElementsAre(moved("172.16.0.0/12", {}, 3)));
}

TEST_F(SteeringTest, DeclaredLanIsItsHomeWhileNothingElseSpeaks) {
  auto west = peer(2, "west", {"10.20.0.0/16"});
  west.lans = prefixes({"10.20.2.0/24"});
  begin({peer(1, "east", {"10.20.0.0/16"}), west});
  EXPECT_EQ(to("10.20.2.1"), key(2));
  EXPECT_EQ(to("10.20.3.1"), key(1));
  EXPECT_THAT(on(now("10.20.0.0/16", {"10.255.0.1"})), ElementsAre(moved("10.20.2.0/24", 2, 1)));
}

TEST_F(SteeringTest, LinkLocalNextHopsSteerIpv6) {
  begin({peer(1, "east", {"2001:db8::/32"}), peer(2, "west", {"2001:db8::/32"})});
  EXPECT_THAT(on(now("2001:db8::/32", {"fe80::2"})), ElementsAre(moved("2001:db8::/32", 1, 2)));
  EXPECT_THAT(on(now("2001:db8:7::/48", {"fe80::1"})), ElementsAre(moved("2001:db8:7::/48", {}, 1)));
}

TEST_F(SteeringTest, UnknownGatewayLeavesThingsAloneAndIsFound) {
  begin({peer(1, "east", {"10.20.0.0/16"}), peer(2, "west", {"10.20.0.0/16"})});
  EXPECT_THAT(on(now("10.20.0.0/16", {"10.255.0.99"})), IsEmpty());
  ASSERT_EQ(steering.findings().size(), 1U);
  EXPECT_EQ(describe(steering.findings().front()),
            "the route to 10.20.0.0/16 goes to 10.255.0.99, which is no peer of this wire; withdraw it, or enrol its "
            "node");
}

TEST_F(SteeringTest, RekeyMovesEverythingThatTheNodeHad) {
  begin({peer(1, "east", {"10.20.0.0/16"}), peer(2, "west", {"10.20.0.0/16"})});
  (void)on(now("10.20.0.0/16", {"10.255.0.2"}));
  (void)on(gone("10.20.0.0/16"));
  auto west = peer(2, "west", {"10.20.0.0/16"});
  west.key = key(22);
  EXPECT_THAT(take(steering.set_peers({peer(1, "east", {"10.20.0.0/16"}), west})),
              ElementsAre(moved("fe80::2/128", 2, 22), moved("10.255.0.2/32", 2, 22), moved("10.20.0.0/16", 2, 22)));
}

TEST_F(SteeringTest, APeerThatGoesLeavesItsPrefixesToTheOthers) {
  begin({peer(1, "east", {"10.20.0.0/16"}), peer(2, "west", {"10.20.0.0/16"})});
  (void)on(now("10.20.0.0/16", {"10.255.0.1"}));
  EXPECT_THAT(take(steering.set_peers({peer(2, "west", {"10.20.0.0/16"})})),
              ElementsAre(moved("10.20.0.0/16", 1, 2), moved("10.255.0.1/32", 1, {}), moved("fe80::1/128", 1, {})));
  EXPECT_THAT(take(steering.set_peers({peer(2, "west", {"10.20.0.0/16"})})), IsEmpty());
}

TEST_F(SteeringTest, RestartTouchesNothingThatIsRight) {
  begin({peer(1, "east", {"10.20.0.0/16"}), peer(2, "west", {"10.20.0.0/16"})});
  (void)on(now("10.20.0.0/16", {"10.255.0.2"}));
  (void)on(now("10.20.0.0/16", {"10.255.0.1", "10.255.0.2"}));
  Steering restarted(parking_key);
  EXPECT_THAT(restarted.start(steering.peers(), steering.fib(), wire.table()), IsEmpty());
}

TEST_F(SteeringTest, AuditRepairsAHandAndLeavesStrangersAlone) {
  begin({peer(1, "east", {"10.20.0.0/16"}), peer(2, "west", {"10.20.0.0/16"})});
  wire.step(moved("10.20.0.0/16", 1, 2));              // lawful without a route: stays
  wire.step(moved("10.20.77.0/24", {}, 1));            // steals from it
  wire.step(moved("10.255.0.2/32", 2, 9));             // taken by a stranger
  wire.step(moved("10.254.0.9/32", {}, 9));            // a stranger's own
  wire.step(moved("192.0.2.0/24", {}, parked));        // an old parking place
  const auto delta = steering.resync(steering.fib(), wire.table());
  EXPECT_THAT(delta, ElementsAre(moved("10.255.0.2/32", 9, 2), moved("10.20.77.0/24", 1, {}),
                                 moved("192.0.2.0/24", parked, {})));
  wire.apply(delta);
  EXPECT_EQ(to("10.20.77.1"), key(2));
  EXPECT_THAT(steering.resync(steering.fib(), wire.table()), IsEmpty());
}

TEST_F(SteeringTest, SaysWhoMayAnnounce) {
  begin({peer(1, "east", {"10.20.0.0/16"}), peer(2, "west", {}, true), peer(3, "north", {"0.0.0.0/0"})});
  EXPECT_THAT(steering.granted_to(prefix("10.20.1.0/24")), ElementsAre("east", "north", "west"));
  EXPECT_THAT(steering.granted_to(prefix("0.0.0.0/0")), ElementsAre("north"));
  EXPECT_THAT(steering.granted_to(prefix("10.255.0.1/32")), ElementsAre("east", "north", "west"));
}

}  // namespace
}  // namespace radial::test
