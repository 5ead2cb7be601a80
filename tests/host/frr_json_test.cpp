#include "host/frr_json.h"

#include <algorithm>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/file.h"
#include "support/paths.h"

namespace radial::host::frr {
namespace {

std::string data(const std::string& version, const std::string& name) {
  return read_file(test::source_dir() + "/tests/host/data/frr/" + version + "/" + name).value();
}
IpAddress address(const char* text) { return IpAddress::parse(text).value(); }
Prefix prefix(const char* text) { return Prefix::parse(text).value(); }

class FrrJsonOf : public testing::TestWithParam<std::string> {
 protected:
  [[nodiscard]] bool old() const { return GetParam() == "8.4"; }
  [[nodiscard]] std::string captured(const std::string& name) const { return data(GetParam(), name); }
};
INSTANTIATE_TEST_SUITE_P(Captured, FrrJsonOf, testing::Values("8.4", "10.3"),
                         [](const auto& version) { return version.param == "8.4" ? "Frr84" : "Frr103"; });

TEST_P(FrrJsonOf, Neighbors) {
  const auto neighbors = parse_ospf_neighbors(captured("neighbors.json")).value();
  ASSERT_EQ(neighbors.size(), 2U);
  EXPECT_EQ(neighbors[0].router_id, address("10.255.0.11"));
  EXPECT_EQ(neighbors[1].address, address("10.255.0.12"));
  EXPECT_EQ(neighbors[0].interface, "wg0");
  EXPECT_EQ(neighbors[0].state, "Full");
  EXPECT_EQ(neighbors[0].role, "DROther");
  EXPECT_GT(neighbors[0].up.count(), 3000);
  EXPECT_GT(neighbors[0].dead_in.count(), 3000);
  EXPECT_EQ(neighbors[0].priority, old() ? 0 : 1);
}

TEST_P(FrrJsonOf, Ospf6Neighbors) {
  const auto neighbors = parse_ospf6_neighbors(captured("ospf6_neighbors.json")).value();
  ASSERT_EQ(neighbors.size(), 1U);
  EXPECT_EQ(neighbors[0].router_id, address("10.0.0.2"));
  EXPECT_EQ(neighbors[0].address, address("fe80::2"));
  EXPECT_EQ(neighbors[0].interface, "v0");
  EXPECT_EQ(neighbors[0].state, "Full");
  EXPECT_EQ(neighbors[0].up, std::chrono::seconds(7));
  EXPECT_TRUE(parse_ospf6_neighbors("").value().empty());
  EXPECT_FALSE(parse_ospf6_neighbors(R"({"10.0.0.2%v0":{"interface":"v0"}})"));
}

TEST_P(FrrJsonOf, BgpSessionsOfBothFamiliesAreOneEach) {
  const auto sessions = parse_bgp_sessions(captured("bgp_summary.json")).value();
  ASSERT_EQ(sessions.size(), 2U);
  EXPECT_EQ(sessions[0].address, address("10.0.0.2"));
  EXPECT_EQ(sessions[0].state, "Established");
  EXPECT_GE(sessions[0].up, std::chrono::seconds(7));
  EXPECT_EQ(sessions[1].address, address("10.0.0.9"));
  EXPECT_EQ(sessions[1].state, "Active");
  EXPECT_EQ(sessions[1].up.count(), 0);
  EXPECT_TRUE(parse_bgp_sessions("{}").value().empty()) << "no router bgp";
  const auto counted = parse_bgp_sessions(R"({"ipv4Unicast":{"peers":{"10.0.0.2":{"state":"Established","pfxRcd":3}}},
      "ipv6Unicast":{"peers":{"10.0.0.2":{"state":"Established","pfxRcd":2}}}})").value();
  ASSERT_EQ(counted.size(), 1U);
  EXPECT_EQ(counted[0].prefixes, 5U);
  for (const auto* hostile : {R"({"ipv4Unicast":3})", R"({"ipv4Unicast":{"peers":[]}})", R"({"ipv4Unicast":{"peers":{"10.0.0.2":{}}}})",
                              R"({"ipv4Unicast":{"peers":{"10.0.0.2":{"state":"Idle","pfxRcd":-1}}}})"})
    EXPECT_FALSE(parse_bgp_sessions(hostile)) << hostile;
}

TEST_P(FrrJsonOf, Interfaces) {
  const auto interfaces = parse_ospf_interfaces(captured("interfaces.json")).value();
  ASSERT_EQ(interfaces.size(), 2U);
  const auto& lan = interfaces[0];
  const auto& wire = interfaces[1];
  EXPECT_EQ(lan.interface, "lan0");
  EXPECT_TRUE(lan.passive);
  EXPECT_EQ(lan.mtu, 1500);
  EXPECT_EQ(wire.interface, "wg0");
  EXPECT_TRUE(wire.up);
  EXPECT_FALSE(wire.passive);
  EXPECT_EQ(wire.network_type, old() ? "NBMA" : "POINTOMULTIPOINT");
  EXPECT_EQ(wire.state, old() ? "DR" : "Point-To-Point");
  EXPECT_EQ(wire.cost, 10U);
  EXPECT_EQ(wire.hello_ms, 1000U);
  EXPECT_EQ(wire.dead_s, 4U);
  EXPECT_EQ(wire.mtu, 1420);
}

TEST_P(FrrJsonOf, Routes) {
  const auto routes = parse_routes(captured("routes.json")).value();
  const auto find = [&](const char* text) {
    return *std::find_if(routes.begin(), routes.end(), [&](const auto& route) { return route.prefix == prefix(text); });
  };
  const auto learned = find("192.168.20.0/24");
  EXPECT_EQ(learned.protocol, "ospf");
  EXPECT_THAT(learned.next_hops, testing::ElementsAre(address("10.255.0.11")));
  EXPECT_THAT(learned.interfaces, testing::ElementsAre("wg0"));
  EXPECT_EQ(learned.metric, 20U);
  EXPECT_TRUE(learned.installed);
  EXPECT_GE(learned.age.count(), 3);
  // A recursive static route of 10.3 lists its next hop twice.
  const auto fixed = find("10.9.0.0/16");
  EXPECT_EQ(fixed.protocol, "static");
  EXPECT_THAT(fixed.next_hops, testing::ElementsAre(address("10.255.0.11")));
  EXPECT_THAT(find("10.11.0.0/16").next_hops, testing::IsEmpty()) << "a blackhole";
  EXPECT_EQ(
      std::count_if(routes.begin(), routes.end(), [](const auto& r) { return r.prefix == prefix("192.168.1.0/24"); }),
      1)
      << "only the route that zebra chose";
  EXPECT_EQ(find("192.168.1.0/24").protocol, "connected");

  const auto six = parse_routes(captured("routes6.json")).value();
  EXPECT_TRUE(std::any_of(six.begin(), six.end(),
                          [](const auto& r) { return r.prefix == prefix("fd00:9::/64") && r.protocol == "static"; }));
}

TEST_P(FrrJsonOf, NetworkLsaOfOursOnly) {
  EXPECT_TRUE(parse_network_lsa(captured("network_lsa_dr.json"), address("10.255.0.1")).value());
  EXPECT_FALSE(parse_network_lsa(captured("network_lsa_dr.json"), address("10.255.0.2")).value());
  EXPECT_FALSE(parse_network_lsa(captured("network_lsa.json"), address("10.255.0.1")).value());
}

TEST_P(FrrJsonOf, AnLsaThatIsBeingWithdrawnDoesNotCount) {
  auto text = captured("network_lsa_dr.json");
  const auto at = text.find("\"lsaAge\":");
  const auto number = text.find_first_of("0123456789", at);
  text.replace(number, text.find(',', number) - number, "3600");
  EXPECT_FALSE(parse_network_lsa(text, address("10.255.0.1")).value());
}

TEST_P(FrrJsonOf, Version) { EXPECT_EQ(parse_version(captured("version.txt")).value(), old() ? "8.4.4" : "10.3"); }

// Every cut of every captured answer is an error or, cut behind its end, the whole.
TEST_P(FrrJsonOf, TruncatedAnswersAreErrors) {
  for (const auto* name : {"neighbors.json", "interfaces.json", "routes.json", "network_lsa_dr.json"}) {
    const auto whole = captured(name);
    const auto end = whole.rfind('}');
    for (std::size_t length = 1; length <= end; length += 7) {
      const auto part = whole.substr(0, length);
      EXPECT_FALSE(parse_ospf_neighbors(part)) << name << " cut at " << length;
      EXPECT_FALSE(parse_ospf_interfaces(part));
      EXPECT_FALSE(parse_routes(part));
      EXPECT_FALSE(parse_network_lsa(part, {}));
    }
  }
}

TEST(FrrJson, WhatZebraKnowsOfInterfaces) {
  const auto known = parse_zebra_addresses(R"({"wg0":{"index":5,"ipAddresses":[{"address":"10.255.0.1/24","secondary":false},
      {"address":"fe80::1/64","secondary":false}]},"wg1":{"index":6}})").value();
  ASSERT_EQ(known.size(), 2U);
  EXPECT_EQ(known.at("wg0"), (std::vector{InterfaceAddress::parse("10.255.0.1/24").value(), InterfaceAddress::parse("fe80::1/64").value()}));
  EXPECT_TRUE(known.at("wg1").empty());
  for (const auto* hostile : {R"({"wg0":3})", R"({"wg0":{"ipAddresses":{}}})", R"({"wg0":{"ipAddresses":[3]}})", R"({"wg0":{"ipAddresses":[{"address":3}]}})",
                              R"({"wg0":{"ipAddresses":[{"address":"10.255.0.1/99"}]}})"})
    EXPECT_FALSE(parse_zebra_addresses(hostile)) << hostile;
}

TEST(FrrJson, AnIdleOspfHasNoneOfAnything) {
  for (const auto* text : {"", "\n", "{}\n", "{\n}\n", "% OSPF is not enabled on vrf default\n"}) {
    EXPECT_TRUE(parse_ospf_neighbors(text).value().empty()) << text;
    EXPECT_TRUE(parse_ospf_interfaces(text).value().empty()) << text;
    EXPECT_FALSE(parse_network_lsa(text, {}).value()) << text;
  }
  EXPECT_TRUE(parse_ospf_neighbors("{\"neighbors\":{}}").value().empty());
}

TEST(FrrJson, ANeighborNeverHeardHasNoRouterId) {
  const auto neighbors = parse_ospf_neighbors(
      R"({"neighbors":{"neighbor":[{"nbrState":"Attempt/DROther","ifaceAddress":"10.255.0.99","ifaceName":"wg0:10.255.0.1",
          "nbrPriority":0,"upTimeInMsec":1004,"routerDeadIntervalTimerDueMsec":-1}]}})");
  ASSERT_TRUE(neighbors);
  EXPECT_TRUE(neighbors->front().router_id.is_unspecified());
  EXPECT_EQ(neighbors->front().state, "Attempt");
  EXPECT_EQ(neighbors->front().dead_in.count(), 0);
}

TEST(FrrJson, ARouteThatZebraChoseNoneOfIsShownNotInstalled) {
  const auto routes =
      parse_routes(R"({"10.0.0.0/8":[{"protocol":"ospf","uptime":"1d02h03m","metric":5,"nexthops":[]}]})").value();
  ASSERT_EQ(routes.size(), 1U);
  EXPECT_FALSE(routes[0].installed);
  EXPECT_EQ(routes[0].age, std::chrono::seconds(86400 + 2 * 3600 + 3 * 60));
}

struct Hostile {
  const char* why;
  std::string text;
};

TEST(FrrJson, HostileAnswersAreProtocolErrors) {
  const std::string deep = "{\"neighbors\":" + std::string(200'000, '[') + std::string(200'000, ']') + "}";
  const Hostile cases[] = {
      {"too deep", deep},
      {"an array", "[]"},
      {"a number", "5"},
      {"words", "% Unknown command"},
      {"a bad escape", "{\"neighbors\":\"\\uZZZZ\"}"},
      {"bad UTF-8", "{\"neighbors\":{\"\xff\xfe\":[{}]}}"},
      {"a list for an object", "{\"neighbors\":[]}"},
      {"an object for a list", R"({"neighbors":{"1.1.1.1":{}}})"},
      {"no address", R"({"neighbors":{"1.1.1.1":[{"ifaceName":"a","nbrState":"Full"}]}})"},
      {"an address that is none",
       R"({"neighbors":{"1.1.1.1":[{"ifaceAddress":"1.1.1","ifaceName":"a","nbrState":"Full"}]}})"},
      {"a priority that would wrap",
       R"({"neighbors":{"1.1.1.1":[{"ifaceAddress":"1.1.1.1","ifaceName":"a","nbrState":"Full","nbrPriority":4294967297}]}})"},
      {"a number beyond 64 bits signed",
       R"({"neighbors":{"1.1.1.1":[{"ifaceAddress":"1.1.1.1","ifaceName":"a","nbrState":"Full","upTimeInMsec":18446744073709551615}]}})"},
      {"a fraction",
       R"({"neighbors":{"1.1.1.1":[{"ifaceAddress":"1.1.1.1","ifaceName":"a","nbrState":"Full","upTimeInMsec":1.5}]}})"},
  };
  for (const auto& [why, text] : cases) {
    const auto parsed = parse_ospf_neighbors(text);
    ASSERT_FALSE(parsed) << why;
    EXPECT_EQ(parsed.error().code, Errc::protocol) << why;
  }
  EXPECT_FALSE(parse_routes(R"({"10.0.0.1/8":[{"protocol":"ospf","uptime":"00:00:01"}]})")) << "host bits";
  EXPECT_FALSE(parse_routes(R"({"10.0.0.0/8":[{"protocol":"ospf","uptime":"soon"}]})"));
  EXPECT_FALSE(parse_routes(R"({"10.0.0.0/8":[{"protocol":"ospf","uptime":"00:00:01","metric":-1}]})"));
  EXPECT_FALSE(parse_ospf_interfaces(R"({"interfaces":{"a":{"ospfEnabled":true}}})"));
  EXPECT_FALSE(parse_network_lsa(R"({"networkLinkStates":{"areas":[]}})", {}));
  EXPECT_FALSE(parse_version("OpenBGPD 8"));
  EXPECT_FALSE(parse_version("FRRouting "));
}

TEST(FrrJson, ErrorsHoldNoControlCharacters) {
  const auto parsed = parse_routes("{\x1b[31mred");
  ASSERT_FALSE(parsed);
  EXPECT_EQ(parsed.error().message.find('\x1b'), std::string::npos);
}

}  // namespace
}  // namespace radial::host::frr
