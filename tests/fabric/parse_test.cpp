#include "fabric/parse.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/file.h"
#include "support/paths.h"

namespace radial {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

Prefix prefix(std::string_view text) { return Prefix::parse(text).value(); }
IpAddress address(std::string_view text) { return IpAddress::parse(text).value(); }

Fabric parsed(std::string_view yaml) {
  auto result = parse_fabric(yaml);
  if (const auto* mistakes = std::get_if<std::vector<Mistake>>(&result)) {
    for (const auto& mistake : *mistakes) ADD_FAILURE() << to_string(mistake, "fabric.yaml");
    return {};
  }
  return std::get<Fabric>(std::move(result));
}

std::size_t mistakes_in(std::string_view yaml) {
  const auto result = parse_fabric(yaml);
  const auto* mistakes = std::get_if<std::vector<Mistake>>(&result);
  return mistakes ? mistakes->size() : 0;
}

Fabric example(std::string_view name) {
  return parsed(read_file(fmt::format("{}/examples/{}", test::source_dir(), name)).value());
}

TEST(ParseFabric, FillsInEveryDefault) {
  const auto fabric = example("demo.yaml");
  EXPECT_EQ(fabric.name, "acme");
  EXPECT_EQ(fabric.interface, "wg0");
  EXPECT_EQ(fabric.mtu, 1420);
  EXPECT_EQ(fabric.routing, RoutingEngine::ospf);
  EXPECT_EQ(fabric.ospf, OspfSettings{});
  ASSERT_EQ(fabric.hubs.size(), 1U);
  const auto& hub = fabric.hubs[0];
  EXPECT_EQ(hub.name, "fra1");
  EXPECT_THAT(hub.endpoints, ElementsAre(Endpoint{"vpn.example.com", 51820}));
  EXPECT_THAT(hub.lans, ElementsAre(Lan{prefix("192.168.1.0/24"), false}));
  EXPECT_EQ(hub.listen_port, 51820);
  EXPECT_EQ(hub.tunnel_v4, prefix("10.255.0.0/24"));
  ASSERT_TRUE(hub.tunnel_v6);
  EXPECT_EQ(hub.tunnel_v6->length(), 64);
  EXPECT_TRUE(prefix("fd00::/8").contains(*hub.tunnel_v6));
  EXPECT_EQ(hub.address, std::nullopt);
  ASSERT_EQ(fabric.sites.size(), 3U);
  EXPECT_EQ(fabric.sites[0].name, "berlin");
  EXPECT_THAT(fabric.sites[0].grant.prefixes, ElementsAre(prefix("192.168.20.0/24")));
  EXPECT_THAT(fabric.sites[0].hubs, ElementsAre("fra1"));
  EXPECT_EQ(fabric.sites[0].keepalive, 25);
  EXPECT_EQ(fabric.sites[0].trust, Trust::routed);
  EXPECT_THAT(fabric.sites[1].grant.prefixes, ElementsAre(prefix("10.30.0.0/16"), prefix("192.168.30.0/24")));
}

TEST(ParseFabric, ReadsWhatIsSaid) {
  const auto fabric = example("two-hubs.yaml");
  EXPECT_EQ(fabric.find_hub("ams1")->cost, 100U);
  EXPECT_EQ(fabric.find_hub("ams1")->tunnel_v4, prefix("10.255.1.0/24"));
  EXPECT_THAT(fabric.find_site("berlin")->hubs, ElementsAre("fra1", "ams1"));
  EXPECT_EQ(fabric.find_site("paris")->mtu, 1412);
  EXPECT_EQ(fabric.find_site("lisbon")->trust, Trust::fixed);
  EXPECT_THAT(fabric.find_site("lisbon")->hubs, ElementsAre("fra1"));
  EXPECT_THAT(fabric.find_site("lisbon")->grant.prefixes, ElementsAre(prefix("192.168.40.0/22")));
  EXPECT_EQ(fabric.find_site("madrid"), nullptr);
  EXPECT_EQ(fabric.find_hub("berlin"), nullptr);
}

TEST(ParseFabric, ReadsEveryKey) {
  const auto fabric = parsed(R"(
fabric: acme
interface: wire7
mtu: 1380
listen_port: 443
keepalive: 10
tunnel: 10.200.0.0/16
tunnel6: "fd12:3456:789a:ffff::/64"
routing: { engine: ospf, area: 256, hello: 5, lan_cost: 30 }
hubs:
  fra1:
    endpoints: [vpn.example.com, "[2001:db8::1]:5000", "[2001:db8::1]"]
    listen_port: 500
    address: 10.200.0.9
    grant: [any, 0.0.0.0/0]
    cost: 5
  ams1: { endpoint: 198.51.100.7, lans: [{ prefix: 192.168.2.0/24, active: true }, "fd00:2::/64"] }
sites:
  berlin: { hubs: [ams1], address: 10.201.0.77, keepalive: 0, grant: any, trust: routed }
  paris:
)");
  EXPECT_EQ(fabric.interface, "wire7");
  EXPECT_EQ(fabric.mtu, 1380);
  EXPECT_EQ(fabric.ospf, (OspfSettings{"0.0.1.0", 5, 20, 30}));
  const auto& fra1 = fabric.hubs[0];
  EXPECT_THAT(fra1.endpoints, ElementsAre(Endpoint{"vpn.example.com", 500}, Endpoint{"2001:db8::1", 5000},
                                          Endpoint{"2001:db8::1", 500}));
  EXPECT_EQ(fra1.listen_port, 500);
  EXPECT_EQ(fra1.address, address("10.200.0.9"));
  EXPECT_EQ(fra1.cost, 5U);
  EXPECT_TRUE(fra1.grant.any);
  EXPECT_THAT(fra1.grant.prefixes, ElementsAre(prefix("0.0.0.0/0")));
  const auto& ams1 = fabric.hubs[1];
  EXPECT_EQ(ams1.listen_port, 443);
  EXPECT_THAT(ams1.endpoints, ElementsAre(Endpoint{"198.51.100.7", 443}));
  EXPECT_EQ(ams1.tunnel_v4, prefix("10.201.0.0/16"));
  EXPECT_EQ(ams1.tunnel_v6, prefix("fd12:3456:789b::/64"));
  EXPECT_THAT(ams1.lans, ElementsAre(Lan{prefix("192.168.2.0/24"), true}, Lan{prefix("fd00:2::/64"), false}));
  EXPECT_EQ(fabric.sites[0].address, address("10.201.0.77"));
  EXPECT_EQ(fabric.sites[0].keepalive, 0);
  EXPECT_TRUE(fabric.sites[0].grant.any);
  EXPECT_EQ(fabric.sites[1].keepalive, 10);
  EXPECT_THAT(fabric.sites[1].lans, IsEmpty());
}

TEST(ParseFabric, TakesTheShortFormsOfRouting) {
  constexpr auto hubs = "\nfabric: acme\nhubs: { fra1: { endpoint: vpn.example.com } }\n";
  EXPECT_EQ(parsed(std::string("routing: bgp") + hubs).routing, RoutingEngine::bgp);
  EXPECT_EQ(parsed(std::string("routing: { engine: bgp }") + hubs).routing, RoutingEngine::bgp);
  EXPECT_EQ(parsed(std::string("routing: ospf") + hubs).routing, RoutingEngine::ospf);
  EXPECT_EQ(parsed(std::string("routing: { area: 0.0.0.51 }") + hubs).ospf.area, "0.0.0.51");
}

TEST(ParseFabric, HasNoIpv6WhereTheFileSaysSo) {
  const auto fabric = parsed(
      "fabric: acme\nmtu: 576\ntunnel6: none\nhubs: { fra1: { endpoint: vpn.example.com } }\nsites: { berlin: {} }\n");
  EXPECT_EQ(fabric.hubs[0].tunnel_v6, std::nullopt);
}

TEST(ParseFabric, DerivesTheUlaFromTheNameForEver) {
  // These prefixes are on wires: a build that derives others renumbers them.
  const auto tunnels = [](std::string_view name) {
    return parsed(fmt::format("fabric: {}\nhubs:\n  a: {{endpoint: a.example}}\n  b: {{endpoint: b.example}}\n", name))
        .hubs;
  };
  EXPECT_EQ(tunnels("acme")[0].tunnel_v6->to_string(), "fd83:f4f1:fadc::/64");
  EXPECT_EQ(tunnels("acme")[1].tunnel_v6->to_string(), "fd83:f4f1:fadc:1::/64");
  EXPECT_NE(tunnels("acmf")[0].tunnel_v6, tunnels("acme")[0].tunnel_v6);
}

TEST(ParseFabric, TakesWindowsLineEndsAndAByteOrderMark) {
  EXPECT_EQ(parsed("\xef\xbb\xbf" "fabric: acme\r\nhubs:\r\n  fra1: { endpoint: vpn.example.com }\r\n").name, "acme");
}

TEST(ParseFabric, SharesAPrefixThatBothListInTheirGrants) {
  constexpr std::string_view head = "fabric: acme\nhubs: { fra1: { endpoint: vpn.example.com } }\nsites:\n";
  const auto with = [&](std::string_view a, std::string_view b) {
    return mistakes_in(fmt::format("{}  a: {{ {} }}\n  b: {{ {} }}\n", head, a, b));
  };
  constexpr auto lan = "lans: [192.168.7.0/24]";
  constexpr auto shared = "lans: [192.168.7.0/24], grant: [192.168.7.0/24]";
  EXPECT_EQ(with(lan, lan), 1U);
  EXPECT_EQ(with(shared, lan), 1U);
  EXPECT_EQ(with(lan, shared), 1U);
  EXPECT_EQ(with(shared, shared), 0U);
  EXPECT_EQ(with(shared, "lans: [192.168.7.0/24], grant: { only: [192.168.0.0/16] }"), 0U);
  EXPECT_EQ(with(shared, "lans: [192.168.7.128/25], grant: any"), 0U);
  EXPECT_EQ(with("grant: any", lan), 0U);           // trusted: the routing table decides
  EXPECT_EQ(with("grant: [0.0.0.0/0]", lan), 0U);   // a way out, not a claim on the LAN
  EXPECT_EQ(with("lans: [192.168.7.0/24], grant: [0.0.0.0/0]", lan), 1U);
  EXPECT_EQ(with("grant: [192.168.0.0/16]", "grant: [192.168.7.0/24]"), 0U);
}

TEST(ParseFabric, DoesNotAddFollowUpMistakes) {
  constexpr std::string_view head = "fabric: acme\nhubs: { fra1: { endpoint: vpn.example.com } }\nsites:\n";
  // An unreadable part of a grant must not call the LANs outside or unshared.
  EXPECT_EQ(mistakes_in(fmt::format("{}  a: {{ lans: [10.1.0.0/24], grant: {{ only: [nonsense] }} }}\n", head)), 1U);
  EXPECT_EQ(mistakes_in("fabric: acme\ntunnel: nonsense\nhubs: { fra1: { endpoint: vpn.example.com } }\n"
                        "sites: { a: { address: 10.255.0.4 } }\n"), 1U);
}

// Every fabric shown in the reference is a fabric.
TEST(ParseFabric, TakesTheExamplesOfItsReference) {
  const auto page = read_file(test::source_dir() + "/docs/fabric-file.md").value();
  constexpr std::string_view fence = "```yaml\n";
  int examples = 0;
  for (auto at = page.find(fence); at != std::string::npos; at = page.find(fence, at + 1)) {
    const auto begin = at + fence.size();
    EXPECT_EQ(parsed(page.substr(begin, page.find("```", begin) - begin)).name, "acme");
    ++examples;
  }
  EXPECT_GE(examples, 3);
}

TEST(Mistake, PrintsFileLineFieldValueAndCure) {
  EXPECT_EQ(
      to_string({7, "sites.berlin.lans[0]", "10.0.0.1/8", "has host bits set", "write 10.0.0.0/8"}, "fabric.yaml"),
      "fabric.yaml:7: sites.berlin.lans[0]: '10.0.0.1/8' has host bits set; write 10.0.0.0/8");
  EXPECT_EQ(to_string({0, "", "", "the file is empty", "begin"}, "f"), "f: the file is empty; begin");
}

TEST(Grant, CoversWhatLiesInside) {
  const Grant grant{false, {prefix("10.0.0.0/16"), prefix("10.2.0.0/16"), prefix("fd00::/16")}};
  EXPECT_TRUE(grant.covers(prefix("10.0.0.0/16")));
  EXPECT_TRUE(grant.covers(prefix("10.2.255.0/24")));
  EXPECT_FALSE(grant.covers(prefix("10.1.0.0/24")));
  EXPECT_FALSE(grant.covers(prefix("10.0.0.0/15")));
  EXPECT_TRUE(grant.covers(prefix("fd00:1::/32")));
  const Grant any{true, {}};
  EXPECT_TRUE(any.covers(prefix("8.0.0.0/8")));
  EXPECT_FALSE(any.covers(prefix("0.0.0.0/0")));
  EXPECT_FALSE(any.covers(prefix("::/0")));
  const Grant way_out{true, {prefix("0.0.0.0/0")}};
  EXPECT_TRUE(way_out.covers(prefix("0.0.0.0/0")));
  EXPECT_FALSE(way_out.covers(prefix("::/0")));
}

}  // namespace
}  // namespace radial
