// Properties of compiled nodes that a golden text does not spell out.
#include "compile/compile.h"

#include <algorithm>
#include <random>
#include <set>

#include <gtest/gtest.h>

#include "compile/allowed_ips.h"
#include "compile/golden_cases.h"
#include "compile/wire_names.h"
#include "fabric/address_plan.h"
#include "fabric/parse.h"

namespace radial {
namespace {

Prefix prefix(std::string_view text) { return Prefix::parse(text).value(); }

struct Compiler {
  explicit Compiler(const std::string& yaml) : fabric(std::get<Fabric>(parse_fabric(yaml))) {
    facts.addresses = plan_addresses(fabric, {}).value();
    for (const auto& hub : fabric.hubs) facts.nodes[hub.name].public_key = test::key_for(hub.name);
    for (const auto& site : fabric.sites) facts.nodes[site.name].public_key = test::key_for(site.name);
  }
  Result<NodeConfig> operator()(std::string_view node) const { return compile_node(fabric, facts, node); }

  Fabric fabric;
  FabricFacts facts;
};

const std::string demo = R"(
fabric: acme
hubs: {fra1: {endpoint: "192.0.2.1:51820", lans: [192.168.1.0/24]}}
sites: {berlin: {lans: [192.168.20.0/24]}, paris: {lans: [192.168.30.0/24]}}
)";

const std::string three_hubs = R"(
fabric: acme
hubs:
  fra1: {endpoint: "192.0.2.1:51820"}
  nyc1: {endpoint: "192.0.2.2:4500", listen_port: 51820, tunnel: 10.255.1.0/24}
  sin1: {endpoint: "192.0.2.3:51820", tunnel: 10.255.2.0/24}
sites: {berlin: {lans: [192.168.20.0/24]}, oslo: {lans: [192.168.60.0/24], hubs: [sin1]}}
)";

std::string message_of(const Result<NodeConfig>& result) { return result ? "" : result.error().message; }

TEST(Compile, NamesTheNearestNode) {
  const auto result = Compiler(demo)("berlim");
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, Errc::not_found);
  EXPECT_NE(result.error().message.find("did you mean 'berlin'"), std::string::npos) << result.error().message;
}

TEST(Compile, SaysWhenAddressesAreNotPlanned) {
  Compiler compiler(demo);
  compiler.facts.addresses.clear();
  EXPECT_NE(message_of(compiler("berlin")).find("plan"), std::string::npos);
}

TEST(Compile, ChoosesTheModeFromTheHubsFrr) {
  Compiler compiler(demo);
  const auto modes = [&] {
    return std::pair(compiler("fra1")->wires.front().ospf, compiler("berlin")->wires.front().ospf);
  };
  EXPECT_EQ(modes(), std::pair(OspfMode::nbma_hub, OspfMode::nbma_site)) << "unknown: works with every version";
  compiler.facts.nodes["berlin"].frr = FrrVersion{10, 3};
  EXPECT_EQ(modes(), std::pair(OspfMode::nbma_hub, OspfMode::nbma_site)) << "a site's version does not matter";
  compiler.facts.nodes["fra1"].frr = FrrVersion{10, 0};
  EXPECT_EQ(modes(), std::pair(OspfMode::nbma_hub, OspfMode::nbma_site));
  compiler.facts.nodes["fra1"].frr = FrrVersion{10, 1};
  EXPECT_EQ(modes(), std::pair(OspfMode::p2mp_non_broadcast, OspfMode::p2mp));
}

void expect_both_ends_agree(const Compiler& compiler) {
  std::map<std::string, NodeConfig> nodes;
  for (const auto* name : {"fra1", "nyc1", "sin1", "berlin", "oslo"}) nodes.emplace(name, compiler(name).value());
  for (const auto& [name, config] : nodes) {
    for (const auto& wire : config.wires) {
      for (const auto& peer : wire.peers) {
        const auto& other = nodes.at(peer.node);
        // The wire of the other node that has this node as a peer at our address.
        const auto back = std::find_if(other.wires.begin(), other.wires.end(), [&](const Wire& candidate) {
          return std::any_of(candidate.peers.begin(), candidate.peers.end(), [&](const WirePeer& p) {
            return p.node == name && p.addresses.front() == wire.addresses.front().address;
          });
        });
        ASSERT_NE(back, other.wires.end()) << name << " " << wire.interface << " " << peer.node;
        EXPECT_EQ(back->cost, wire.cost) << "else paths there and back differ";
        const std::set<IpAddress> expected(peer.addresses.begin(), peer.addresses.end());
        std::set<IpAddress> held;
        for (const auto& address : back->addresses) held.insert(address.address);
        // A hub's IPv6 tunnel address is on its multipoint wire alone.
        for (const auto& address : other.wires.front().addresses)
          if (other.role == NodeRole::hub && !address.address.is_link_local()) held.insert(address.address);
        EXPECT_EQ(held, expected);
        for (const auto& endpoint : peer.endpoints)
          if (peer.node != "nyc1") {  // behind a port forward
            EXPECT_EQ(endpoint.port, back->listen_port);
          }
      }
    }
  }
}

TEST(Compile, BothEndsOfEveryWireAgree) {
  Compiler compiler(three_hubs);
  expect_both_ends_agree(compiler);
  for (auto& hub : compiler.fabric.hubs) {
    hub.site_wires = SiteWires::dedicated;
    expect_both_ends_agree(compiler);
  }
}

TEST(Compile, ADedicatedWireKeepsItsNameAndPortWhenOthersComeAndGo) {
  Compiler compiler(demo);
  compiler.fabric.hubs[0].site_wires = SiteWires::dedicated;
  const auto before = compiler("fra1").value();
  ASSERT_EQ(before.wires.size(), 2U);
  for (const auto& wire : before.wires) {
    const auto slot = wire.peers.front().addresses.front().to_v4() & 0xff;
    EXPECT_EQ(wire.interface, "wgs" + std::to_string(slot));
    EXPECT_EQ(wire.listen_port, 51820 + 256 + slot);
  }
  Site first;
  first.name = "aachen";
  first.hubs = {"fra1"};
  compiler.fabric.sites.insert(compiler.fabric.sites.begin(), first);
  compiler.facts.nodes["aachen"].public_key = test::key_for("aachen");
  compiler.facts.addresses = plan_addresses(compiler.fabric, compiler.facts.addresses).value();
  const auto grown = compiler("fra1").value();
  EXPECT_EQ(std::vector<Wire>(grown.wires.begin() + 1, grown.wires.end()), before.wires);
}

TEST(Compile, ManyInterfacesNeedMoreMulticastMembershipsThanLinuxGrants) {
  std::string yaml = "fabric: acme\nhubs: {fra1: {endpoint: \"192.0.2.1:51820\", wire: dedicated}}\nsites:\n";
  const Sysctl more{"net.ipv4.igmp_max_memberships", "4096"};
  for (int sites = 1; sites <= 20; ++sites) {
    yaml += fmt::format("  s{0}: {{lans: [10.1.{0}.0/24]}}\n", sites);
    const auto config = Compiler(yaml)("fra1").value();
    EXPECT_EQ(std::count(config.sysctls.begin(), config.sysctls.end(), more), sites > 15 ? 1 : 0) << sites;
  }
}

TEST(Compile, AHubWhoseSitesHaveNotComeYetHasNoDedicatedWire) {
  Compiler compiler("fabric: acme\nhubs: {fra1: {endpoint: \"192.0.2.1:51820\", lans: [192.168.1.0/24, \"fd00:1::/64\"], wire: dedicated}}\n");
  for (const auto engine : {RoutingEngine::ospf, RoutingEngine::bgp}) {
    compiler.fabric.routing = engine;
    const auto config = compiler("fra1");
    ASSERT_TRUE(config) << config.error().message;
    EXPECT_TRUE(config->wires.empty());
  }
}

TEST(Compile, WiresBetweenHubsHavePortsOfTheirOwn) {
  const auto nyc = Compiler(three_hubs)("nyc1").value();
  ASSERT_EQ(nyc.wires.size(), 3U);
  EXPECT_EQ(nyc.wires[1].interface, "wgh0");
  EXPECT_EQ(nyc.wires[1].listen_port, 51821);
  EXPECT_EQ(nyc.wires[2].interface, "wgh2");
  EXPECT_EQ(nyc.wires[2].listen_port, 51823);
  // What a port forward before the hub maps is written in its endpoint.
  const auto fra = Compiler(three_hubs)("fra1").value();
  EXPECT_EQ(fra.wires[1].peers.front().endpoints, std::vector<Endpoint>{Endpoint::parse("192.0.2.2:4501").value()});
}

TEST(Compile, RefusesAPortBeyondTheLast) {
  Compiler compiler(three_hubs);
  compiler.fabric.hubs[0].listen_port = 65534;
  EXPECT_NE(message_of(compiler("fra1")).find("65534"), std::string::npos);
}

TEST(Compile, ASitesWireKeepsItsNameWhenItsHubsChange) {
  Compiler compiler(three_hubs);
  EXPECT_EQ(compiler("berlin")->wires[2].interface, "wg2");
  EXPECT_EQ(compiler("oslo")->wires[0].interface, "wg2");
  compiler.fabric.interface = "spoke";
  EXPECT_EQ(compiler("berlin")->wires[0].interface, "spoke");
  EXPECT_EQ(compiler("berlin")->wires[1].interface, "spoke1");
  EXPECT_EQ(compiler("fra1")->wires[1].interface, "spokeh1");
  compiler.fabric.interface = "fifteen-letters";
  EXPECT_NE(message_of(compiler("fra1")).find("15"), std::string::npos);
}

// ospfd refuses a neighbour's larger MTU, ospf6d an unequal one.
TEST(Compile, TheEndsOfANarrowWireIgnoreTheMtu) {
  Compiler compiler(demo);
  compiler.facts.nodes["fra1"].frr = FrrVersion{10, 3};
  compiler.fabric.sites[0].mtu = 1300;
  compiler.fabric.sites[1].lans.push_back({prefix("fd00:30::/64"), false});
  compiler.fabric.sites[1].grant.prefixes.push_back(prefix("fd00:30::/64"));
  const auto says = [&](const char* node, const std::string& line) {
    const auto stanzas = compiler(node)->frr;
    return std::any_of(stanzas.begin(), stanzas.end(), [&](const FrrStanza& stanza) {
      return stanza.context == "interface wg0" && std::count(stanza.lines.begin(), stanza.lines.end(), line) > 0;
    });
  };
  EXPECT_EQ(compiler("berlin")->wires[0].mtu, 1300);
  EXPECT_EQ(compiler("fra1")->wires[0].mtu, 1420);
  EXPECT_TRUE(says("berlin", "ip ospf mtu-ignore"));
  EXPECT_TRUE(says("berlin", "ipv6 ospf6 mtu-ignore"));
  EXPECT_FALSE(says("fra1", "ip ospf mtu-ignore"));
  EXPECT_TRUE(says("fra1", "ipv6 ospf6 mtu-ignore"));
  EXPECT_FALSE(says("paris", "ip ospf mtu-ignore"));
  EXPECT_FALSE(says("paris", "ipv6 ospf6 mtu-ignore"));
}

// "A LAN added to one site's file alone" must not ask anything of the others.
TEST(Compile, ALanWithinItsGrantAsksNothingOfOtherNodes) {
  Compiler before(demo);
  before.fabric.sites[0].grant.prefixes.insert(before.fabric.sites[0].grant.prefixes.begin(), prefix("172.20.0.0/16"));
  auto after = before;
  after.fabric.sites[0].lans.push_back({prefix("172.20.7.0/24"), false});
  EXPECT_EQ(before("paris").value(), after("paris").value());
}

// A new grant, or a new site, concerns the other sites only by what may enter their FIBs.
TEST(Compile, ASiteDependsOnWhatOthersMayAnnounceAndNothingElse) {
  Compiler before(demo);
  auto after = before;
  after.fabric.sites[0].lans.push_back({prefix("172.20.0.0/16"), false});
  after.fabric.sites[0].grant.prefixes.insert(after.fabric.sites[0].grant.prefixes.begin(), prefix("172.20.0.0/16"));
  auto one = before("paris").value();
  auto other = after("paris").value();
  EXPECT_NE(one.elsewhere, other.elsewhere);
  other.elsewhere = one.elsewhere;
  EXPECT_EQ(one.routers, other.routers);
  for (auto* config : {&one, &other})
    std::erase_if(config->frr, [](const FrrStanza& stanza) { return stanza.daemon == "zebra"; });
  EXPECT_EQ(one, other);
}

TEST(Compile, AHubAnnouncesADefaultRouteOnlyWhereOneWasGranted) {
  Compiler compiler(demo);
  EXPECT_FALSE(compiler("paris")->wires[0].peers[0].grant.covers(prefix("0.0.0.0/0")));
  EXPECT_TRUE(compiler("paris")->wires[0].peers[0].grant.covers(prefix("10.0.0.0/8")));
  compiler.fabric.sites[0].grant.prefixes = {prefix("0.0.0.0/0")};
  EXPECT_TRUE(compiler("paris")->wires[0].peers[0].grant.covers(prefix("0.0.0.0/0")));
  EXPECT_FALSE(compiler("berlin")->wires[0].peers[0].grant.covers(prefix("0.0.0.0/0")))
      << "only the site itself has it";
}

// Two sites share 10.20.0.0/16: before anything steers, each has its own LAN.
TEST(AllowedIps, ADeclaredLanIsFoundAtItsSite) {
  Compiler compiler(R"(
fabric: acme
hubs: {fra1: {endpoint: "192.0.2.1:51820"}}
sites:
  berlin: {lans: [10.20.1.0/24], grant: [10.20.0.0/16]}
  paris: {lans: [10.20.2.0/24], grant: [10.20.0.0/16]}
)");
  const auto peers = compiler("fra1")->wires[0].peers;
  const auto has = [&](std::size_t peer, const char* text) {
    return std::count(peers[peer].allowed_ips.begin(), peers[peer].allowed_ips.end(), prefix(text)) == 1;
  };
  EXPECT_TRUE(has(0, "10.20.0.0/16"));
  EXPECT_FALSE(has(0, "10.20.1.0/24")) << "its grant has it already";
  EXPECT_TRUE(has(1, "10.20.2.0/24"));
}

// On one interface a prefix belongs to one peer: random grants, and no prefix twice.
TEST(AllowedIps, NoPrefixIsGivenTwiceAndNoneIsLost) {
  std::mt19937 generator(4711);
  const auto random = [&] { return static_cast<int>(generator() >> 1); };
  for (int round = 0; round < 500; ++round) {
    std::vector<WirePeer> peers(static_cast<std::size_t>(1 + random() % 12));
    std::set<Prefix> wanted;
    for (std::size_t i = 0; i < peers.size(); ++i) {
      auto& peer = peers[i];
      peer.node = fmt::format("site{:02}", i);
      if (random() % 4 != 0) peer.public_key = test::key_for(peer.node);
      peer.addresses = {IpAddress::from_v4(0x0aff0002 + static_cast<std::uint32_t>(i))};
      peer.grant.any = random() % 8 == 0;
      for (int k = random() % 5; k > 0; --k) {
        const auto address = IpAddress::from_v4(0x0a000000U + 0x10000U * static_cast<unsigned>(random() % 8));
        peer.grant.prefixes.push_back(Prefix::of(address, 14 + random() % 3));
      }
      wanted.insert(Prefix::host(peer.addresses.front()));
      wanted.insert(peer.grant.prefixes.begin(), peer.grant.prefixes.end());
      if (peer.grant.any) wanted.insert({Prefix::any(Family::v4), Prefix::any(Family::v6)});
    }
    assign_allowed_ips(peers);
    std::set<Prefix> given;
    for (const auto& peer : peers) {
      EXPECT_TRUE(std::is_sorted(peer.allowed_ips.begin(), peer.allowed_ips.end()));
      for (const auto& allowed : peer.allowed_ips) {
        EXPECT_TRUE(given.insert(allowed).second) << allowed.to_string();
        if (peer.public_key || Prefix::host(peer.addresses.front()) == allowed) continue;
        for (const auto& other : peers) {
          const auto& granted = other.grant.prefixes;
          EXPECT_FALSE(other.public_key && std::count(granted.begin(), granted.end(), allowed) > 0)
              << "a peer without a key holds what another could serve";
        }
      }
    }
    EXPECT_EQ(given, wanted);
  }
}

}  // namespace
}  // namespace radial
