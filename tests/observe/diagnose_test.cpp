#include "observe/diagnose.h"

#include <functional>

#include <gtest/gtest.h>

namespace radial::observe {
namespace {

IpAddress address(std::string_view text) { return IpAddress::parse(text).value(); }

// fra1 (hub) --- wg0 --- berlin, healthy; each test breaks one thing.
struct Case {
  NodeConfig config;
  Snapshot snapshot;

  Case() {
    config.fabric = snapshot.fabric = "acme";
    config.node = snapshot.node = "berlin";
    const auto key = PrivateKey::generate().public_key();
    Wire wire;
    wire.interface = "wg0";
    wire.ospf = OspfMode::p2mp;
    WirePeer peer;
    peer.node = "fra1";
    peer.public_key = key;
    peer.endpoints = {Endpoint{"vpn.example.com", 51820}};
    peer.keepalive = 25;
    peer.addresses = {address("10.255.0.1")};
    wire.peers.push_back(std::move(peer));
    config.wires.push_back(wire);
    snapshot.state = "up";
    snapshot.frr_version = "10.3";
    snapshot.wires.push_back({"wg0", true, true, 1420, 40000, {{"fra1", key, true, std::nullopt, 5, 1, 1, {}}}});
    snapshot.adjacencies.push_back({"fra1", "wg0", address("10.255.0.1"), address("10.255.0.1"), "Full", 1000, 1420, std::nullopt});
  }
  std::vector<Finding>& judge() {
    diagnose(config, snapshot);
    return snapshot.findings;
  }
};

TEST(Diagnose, SaysNothingOfAHealthyNode) {
  Case one;
  EXPECT_TRUE(one.judge().empty());
  EXPECT_EQ(one.snapshot.verdict, "healthy: 1 of 1 adjacency Full, 0 routes learned");
}

TEST(Diagnose, ExStartNamesBothMtusAndWhoMustChange) {
  Case one;
  one.snapshot.adjacencies[0].state = "ExStart";
  one.snapshot.adjacencies[0].our_mtu = 1380;
  one.snapshot.adjacencies[0].their_mtu = 1420;
  const auto& findings = one.judge();
  ASSERT_EQ(findings.size(), 1U);
  EXPECT_NE(findings[0].cause.find("MTU here 1380, there 1420"), std::string::npos) << findings[0].cause;
  EXPECT_NE(findings[0].fix.find("mtu: 1380"), std::string::npos) << findings[0].fix;
}

TEST(Diagnose, ExchangeWithEqualMtusPointsAtTheUnderlay) {
  Case one;
  one.snapshot.adjacencies[0].state = "Exchange";
  one.snapshot.adjacencies[0].their_mtu = 1420;
  const auto& findings = one.judge();
  ASSERT_EQ(findings.size(), 1U);
  EXPECT_NE(findings[0].cause.find("underlay"), std::string::npos);
  EXPECT_NE(findings[0].fix.find("ping -M do -s 1392"), std::string::npos) << findings[0].fix;
}

TEST(Diagnose, AMissingWireExplainsTheAbsentAdjacency) {
  Case one;
  one.snapshot.wires[0].present = false;
  one.snapshot.adjacencies[0].state = "absent";
  const auto& findings = one.judge();
  ASSERT_EQ(findings.size(), 1U) << "one cause, one finding";
  EXPECT_EQ(findings[0].subject, "wire wg0");
}

TEST(Diagnose, AStaleHandshakeIsNamedBeforeOspf) {
  Case one;
  one.snapshot.wires[0].peers[0].handshake_age = 400;
  one.snapshot.adjacencies[0].state = "absent";
  const auto& findings = one.judge();
  ASSERT_EQ(findings.size(), 1U);
  EXPECT_NE(findings[0].what.find("400 s"), std::string::npos);
  EXPECT_NE(findings[0].fix.find("vpn.example.com:51820"), std::string::npos);
}

TEST(Diagnose, AHandshakeIsNotOldWhereRoutersGreetEachOther) {
  Case one;
  one.snapshot.wires[0].peers[0].handshake_age = 1'700'000'000;  // the clock was set after it
  EXPECT_TRUE(one.judge().empty());
}

TEST(Diagnose, EveryOtherStateHasACauseAndAFix) {
  for (const auto* state : {"absent", "Down", "Init", "2-Way", "Loading", "Attempt"}) {
    Case one;
    one.snapshot.adjacencies[0].state = state;
    const auto& findings = one.judge();
    ASSERT_EQ(findings.size(), 1U) << state;
    EXPECT_FALSE(findings[0].cause.empty()) << state;
    EXPECT_FALSE(findings[0].fix.empty()) << state;
  }
}

TEST(Diagnose, AGrantedPrefixThatZebraDoesNotUseIsNotHealthy) {
  Case one;
  const auto prefix = Prefix::parse("192.168.20.0/24").value();
  one.config.elsewhere.prefixes = {prefix};
  one.snapshot.prefixes.push_back({prefix, "ospf", {address("10.255.0.1")}, "wg0", "fra1", false, 60});
  const auto& findings = one.judge();
  ASSERT_EQ(findings.size(), 1U);
  EXPECT_EQ(findings[0].subject, "prefix 192.168.20.0/24");
  EXPECT_NE(findings[0].fix.find("show ip route 192.168.20.0/24"), std::string::npos) << findings[0].fix;
  for (const auto& change : std::vector<std::function<void(Case&)>>{
           [](Case& other) { other.snapshot.prefixes[0].installed = true; },
           [](Case& other) { other.snapshot.prefixes[0].age = 3; },                               // just come
           [](Case& other) { other.config.role = NodeRole::hub; },                                // its static route carries on
           [](Case& other) { other.config.elsewhere.prefixes.clear(); }}) {                       // nobody may announce it
    Case other;
    other.config.elsewhere.prefixes = {prefix};
    other.snapshot.prefixes = one.snapshot.prefixes;
    change(other);
    EXPECT_TRUE(other.judge().empty());
  }
}

TEST(Diagnose, FullWithoutAnyRouteIsNotHealthy) {
  Case one;
  one.snapshot.adjacencies[0].up_ms = 11'000;
  ASSERT_EQ(one.judge().size(), 1U);
  EXPECT_EQ(one.snapshot.findings[0].subject, "routes");
}

TEST(Diagnose, MissingDaemonsUnboundLansAndProblemsAreFindings) {
  Case one;
  one.snapshot.missing_daemons = {"ospfd"};
  one.snapshot.adjacencies[0].state = "absent";
  one.snapshot.unbound_lans = {Prefix::parse("192.168.20.0/24").value()};
  one.snapshot.problems = {"nftables: no"};
  EXPECT_EQ(one.judge().size(), 3U);
}

TEST(Snapshot, SurvivesJson) {
  Case one;
  one.snapshot.prefixes.push_back({Prefix::parse("10.1.0.0/16").value(), "ospf", {address("10.255.0.1")}, "wg0", "fra1", true, 3});
  one.snapshot.adjacencies[0].state = "ExStart";
  one.snapshot.adjacencies[0].their_mtu = 1400;
  one.judge();
  const auto text = to_json(one.snapshot);
  const auto back = snapshot_from_json(text);
  ASSERT_TRUE(back) << back.error().message;
  EXPECT_EQ(to_json(*back), text);
}

TEST(Snapshot, RefusesWhatIsNotAStatus) {
  for (const auto* text : {"", "[]", "{}", "{\"fabric\": 3}", "nonsense"}) {
    const auto parsed = snapshot_from_json(text);
    ASSERT_FALSE(parsed) << text;
    EXPECT_EQ(parsed.error().code, Errc::protocol);
  }
}

}  // namespace
}  // namespace radial::observe
