// What `radial export` writes for routers that run no agent, held against
// their documented grammar: grammar_{vyos,mikrotik,opnsense}.h say where each
// is documented. None of it was run on a device.
#include <filesystem>

#include <fmt/ranges.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/file.h"
#include "compile/compile.h"
#include "exchange/export.h"
#include "exchange/grammar_mikrotik.h"
#include "exchange/grammar_opnsense.h"
#include "exchange/grammar_vyos.h"
#include "fabric/address_plan.h"
#include "fabric/parse.h"
#include "support/paths.h"

namespace radial::exchange {
namespace {

using grammar::Complaints;
using testing::IsEmpty;
using testing::Not;

struct Router {
  const char* as;
  Target target;
  Complaints (*check)(std::string_view text);
};
constexpr Router routers[] = {{"vyos", Target::vyos, grammar::check_vyos},
                              {"mikrotik", Target::mikrotik, grammar::check_routeros},
                              {"opnsense", Target::opnsense, grammar::check_opnsense}};

constexpr const char* ipv4_only = R"(
fabric: acme
hubs:
  fra1: { endpoint: 192.0.2.1:51820, lans: [192.168.1.0/24], tunnel6: none }
sites:
  berlin: { lans: [192.168.20.0/24, { prefix: 192.168.21.0/24, active: true }] }
  oslo:   { keepalive: 0 }
)";

constexpr const char* dual_stack = R"(
fabric: acme
hubs:
  fra1: { endpoint: "[2001:db8::1]:443", listen_port: 51821, lans: [192.168.1.0/24, "fd00:1::/64"] }
sites:
  berlin: { lans: [192.168.20.0/24, "fd00:20::/64"] }
  paris:  { lans: [192.168.30.0/24], grant: [10.30.0.0/16], mtu: 1380 }
)";

constexpr const char* several_hubs = R"(
fabric: acme
routing: { engine: ospf, area: 10, hello: 2, dead: 9, lan_cost: 65535 }
hubs:
  fra1: { endpoint: vpn.example.com:51820, lans: [192.168.1.0/24] }
  ams1: { endpoints: [ams.example.com:1, 198.51.100.1:2], lans: [192.168.2.0/24], cost: 200 }
  lon1: { endpoint: 203.0.113.1:51820 }
sites:
  berlin: { lans: [192.168.20.0/24] }
  paris:  { lans: [192.168.30.0/24], hubs: [lon1, fra1] }
)";

constexpr const char* named_otherwise = R"(
fabric: a-fabric
interface: acme-7
mtu: 1300
hubs:
  fra1: { endpoint: vpn.example.com:51820, lans: [192.168.1.0/24] }
  ams1: { endpoint: ams.example.com:51820 }
sites:
  a-site-of-some-length: { lans: [192.168.20.0/24] }
)";

// Compiles it as if each node had a key and each hub that FRR.
NodeConfig compiled(const std::string& yaml, std::string_view node, FrrVersion hub_frr) {
  const auto parsed = parse_fabric(yaml);
  const auto& fabric = std::get<Fabric>(parsed);
  FabricFacts facts;
  std::uint8_t byte = 1;
  const auto key = [&] {
    std::array<std::uint8_t, key_size> bytes{};
    bytes.fill(byte++);
    return PublicKey(bytes);
  };
  for (const auto& hub : fabric.hubs) facts.nodes[hub.name] = {key(), hub_frr};
  for (const auto& site : fabric.sites) facts.nodes[site.name] = {key(), std::nullopt};
  facts.addresses = plan_addresses(fabric, {}).value();
  return compile_node(fabric, facts, node).value();
}

std::vector<std::string> nodes_of(const std::string& yaml) {
  const auto parsed = parse_fabric(yaml);
  const auto& fabric = std::get<Fabric>(parsed);
  std::vector<std::string> names;
  for (const auto& hub : fabric.hubs) names.push_back(hub.name);
  for (const auto& site : fabric.sites) names.push_back(site.name);
  return names;
}

std::string many_sites() {
  std::string yaml = "fabric: acme\nhubs:\n  fra1: { endpoint: vpn.example.com:51820 }\nsites:\n";
  for (int i = 0; i < 40; ++i) yaml += fmt::format("  site{0}: {{ lans: [192.168.{0}.0/24] }}\n", i);
  return yaml;
}

// Those of the golden files that are of this router.
std::vector<std::pair<std::string, std::string>> golden_texts(const Router& router) {
  std::vector<std::pair<std::string, std::string>> texts;
  for (const auto& entry : std::filesystem::directory_iterator(std::filesystem::path(test::source_dir()) / "tests/exchange/golden"))
    if (const auto name = entry.path().filename().string(); name.starts_with(fmt::format("export-{}-", router.as)))
      texts.emplace_back(name, read_file(entry.path()).value());
  return texts;
}

class Grammar : public testing::TestWithParam<Router> {};

TEST_P(Grammar, AllowsTheGoldenFiles) {
  const auto texts = golden_texts(GetParam());
  EXPECT_GE(texts.size(), 3U);
  for (const auto& [name, text] : texts) EXPECT_THAT(GetParam().check(text), IsEmpty()) << name;
}

TEST_P(Grammar, AllowsEveryNodeOfSeveralFabrics) {
  const auto& router = GetParam();
  const auto key = PrivateKey::generate();
  const auto shared = PresharedKey::random();
  int sites = 0;
  int hubs = 0;
  for (const auto& yaml : {std::string(ipv4_only), std::string(dual_stack), std::string(several_hubs), std::string(named_otherwise),
                           many_sites()})
    for (const auto& node : nodes_of(yaml))
      for (const auto frr : {FrrVersion{8, 4}, FrrVersion{10, 3}}) {
        const auto config = compiled(yaml, node, frr);
        ExportOptions options{node == "berlin" ? &key : nullptr};
        for (const auto& wire : config.wires)
          for (const auto& peer : wire.peers) options.preshared[peer.node] = node == "berlin" ? &shared : nullptr;
        for (const auto& lan : config.lans) options.lan_interfaces[lan.prefix] = fmt::format("eth{}", options.lan_interfaces.size());
        const auto text = export_node(config, router.target, options);
        const bool hub = config.role == NodeRole::hub;
        if (hub && frr.major == 10 && router.target != Target::opnsense) {
          EXPECT_FALSE(text) << "a hub that greets all sites by unicast point-to-multipoint";
          continue;
        }
        ASSERT_TRUE(text) << node << ": " << text.error().message;
        EXPECT_THAT(router.check(*text), IsEmpty()) << *text;
        ++(hub ? hubs : sites);
      }
  EXPECT_EQ(sites, 2 * (2 + 2 + 2 + 1 + 40));
  EXPECT_EQ(hubs, (router.target == Target::opnsense ? 2 : 1) * (1 + 1 + 3 + 2 + 1));
}

// Any part that is left out or misspelt is noticed, wherever it stands.
TEST_P(Grammar, NoticesEverySlip) {
  for (const auto& [name, text] : golden_texts(GetParam()))
    for (const auto& [count, line] : grammar::lines_of(text)) {
      std::vector<std::string> altered;
      for (std::size_t at = 0; at < line.size(); ++at) {
        if (line.starts_with("   ") && at < 3) continue;
        const bool ends = at + 1 == line.size() || line[at + 1] == ' ' || line[at + 1] == '=';
        if (!ends || line[at] == ' ' || line[at] == '"' || line[at] == '\'') continue;
        altered.push_back(line.substr(0, at + 1) + "~" + line.substr(at + 1));  // misspelt
      }
      // Without its last value; of RouterOS's last words a flag may be missing.
      if (line.find('=', 2) != std::string::npos) altered.push_back(line.substr(0, line.rfind('=')));
      if (!line.starts_with('/')) altered.push_back(line.substr(0, line.rfind(' ')));
      for (const auto& slip : altered) {
        if (const auto comment = slip.find("comment="); comment != std::string::npos && slip.find("=\"", comment) != std::string::npos &&
                                                        slip.find('~', comment) != std::string::npos)
          continue;  // a comment may say anything
        auto lines = grammar::split(text, "\n");
        lines[static_cast<std::size_t>(count) - 1] = slip;
        EXPECT_THAT(GetParam().check(fmt::format("{}", fmt::join(lines, "\n"))), Not(IsEmpty())) << name << ": " << slip;
      }
    }
}

INSTANTIATE_TEST_SUITE_P(Of, Grammar, testing::ValuesIn(routers), [](const auto& test) { return std::string(test.param.as); });

// A value of a wrong type, a property of another release, a part that is not there.
struct Wrong {
  const char* golden;
  const char* was;
  const char* is;
};

class GrammarRefuses : public testing::TestWithParam<Wrong> {};

TEST_P(GrammarRefuses, ThisText) {
  const auto [golden, was, is] = GetParam();
  auto text = read_file(std::filesystem::path(test::source_dir()) / "tests/exchange/golden" / golden).value();
  const auto at = text.find(was);
  ASSERT_NE(at, std::string::npos);
  text.replace(at, std::string_view(was).size(), is);
  for (const auto& router : routers)
    if (std::string_view(golden).starts_with(fmt::format("export-{}-", router.as))) {
      EXPECT_THAT(router.check(text), Not(IsEmpty()));
    }
}

INSTANTIATE_TEST_SUITE_P(
    Of, GrammarRefuses,
    testing::Values(
        Wrong{"export-vyos-fra1-8.txt", "mtu '1420'", "mtu '16001'"},
        Wrong{"export-vyos-fra1-8.txt", "wireguard wg0 mtu", "wireguard wgh1 mtu"},
        Wrong{"export-vyos-fra1-8.txt", "192.168.20.0/24", "192.168.20.1/24"},
        Wrong{"export-vyos-fra1-8.txt", "network 'non-broadcast'", "network 'nbma'"},
        Wrong{"export-vyos-fra1-8.txt", "'255'", "'256'"},
        Wrong{"export-vyos-fra1-8.txt", "neighbor 10.", "neighbor fd00::10."},
        Wrong{"export-vyos-fra1-8.txt", "AgICAg", "AgIC"},
        Wrong{"export-vyos-fra1-8.txt", "cost '10'", "cost '0'"},
        Wrong{"export-vyos-fra1-8.txt", "interface lan0 passive", "passive-interface lan0"},
        Wrong{"export-vyos-berlin-8.txt", "peer fra1 port", "peer fra1 endpoint"},
        Wrong{"export-vyos-berlin-8.txt", "host-name 'vpn.example.com'", "address 'vpn.example.com'"},
        Wrong{"export-vyos-berlin-8.txt", "needs 1.5", "is fine"},
        Wrong{"export-vyos-berlin-8.txt", "'25'", "'0'"},
        Wrong{"export-vyos-berlin-8.txt", "set protocols ospf neighbor", "# set"},
        Wrong{"export-vyos-paris-10.txt", "set interfaces wireguard wg0 private-key", "# "},
        Wrong{"export-vyos-paris-10.txt", "set protocols ospf interface wg0 area", "# "},
        Wrong{"export-vyos-paris-10.txt", "mtu-ignore", "mtu-ignore 'yes'"},
        Wrong{"export-mikrotik-fra1-8.txt", "/interface wireguard peers", "/interface wireguard peer"},
        Wrong{"export-mikrotik-fra1-8.txt", "allowed-address=", "allowed-ips="},
        Wrong{"export-mikrotik-fra1-8.txt", "type=nbma", "network-type=nbma"},
        Wrong{"export-mikrotik-fra1-8.txt", "type=nbma", "type=non-broadcast"},
        Wrong{"export-mikrotik-fra1-8.txt", "interfaces=wg0", "interface=wg0"},
        Wrong{"export-mikrotik-fra1-8.txt", "hello-interval=1s", "hello-interval=1"},
        Wrong{"export-mikrotik-fra1-8.txt", " passive", " passive=yes"},
        Wrong{"export-mikrotik-fra1-8.txt", "area=radial interfaces", "area=backbone interfaces"},
        Wrong{"export-mikrotik-fra1-8.txt", "%wg0", ""},
        Wrong{"export-mikrotik-fra1-8.txt", "listen-port=51820", "listen-port=65536"},
        Wrong{"export-mikrotik-fra1-8.txt", "10.255.0.1/24", "10.255.0.1"},
        Wrong{"export-mikrotik-fra1-8.txt", "instance=radial ", ""},
        Wrong{"export-mikrotik-berlin-10.txt", "/routing ospf static-neighbor", "# "},
        Wrong{"export-mikrotik-berlin-10.txt", " endpoint-port=51820", ""},
        Wrong{"export-mikrotik-berlin-10.txt", "tcp-mss=1381-65535", "tcp-mss=1381-"},
        Wrong{"export-mikrotik-berlin-10.txt", "type=ptmp", "type=ptmp type=ptp"},
        Wrong{"export-opnsense-fra1-10.txt", "Hello Interval", "Hello interval"},
        Wrong{"export-opnsense-fra1-10.txt", "51820", "0"},
        Wrong{"export-opnsense-fra1-10.txt", "Non-broadcast", "non-broadcast"},
        Wrong{"export-opnsense-fra1-10.txt", "1420", "9301"},
        Wrong{"export-opnsense-fra1-10.txt", "berlin, paris", "berlin, oslo"},
        Wrong{"export-opnsense-fra1-10.txt", "0.0.0.0", "0"},
        Wrong{"export-opnsense-fra1-10.txt", "Enable WireGuard", "Enabled"},
        Wrong{"export-opnsense-berlin-8.txt", "== Routing > OSPF > Neighbors > +", "# =="},
        Wrong{"export-opnsense-berlin-8.txt", "NBMA network", "Point-to-point network"},
        Wrong{"export-opnsense-berlin-8.txt", "   Endpoint port          51820\n", ""}));

TEST(GrammarTypes, TellValuesApart) {
  for (const auto& [type, value] : std::vector<std::pair<const char*, const char*>>{
           {"1-255", "1"}, {"1-255", "255"}, {"a|b", "b"}, {"list:prefix", "10.0.0.0/8,::/0"}, {"list:prefix", "10.0.0.0/8, ::/0"},
           {"time", "1m30s"}, {"address/length", "10.0.0.1/8"}, {"fqdn", "vpn.example.com"}, {"private-key", "<PRIVATE_KEY_OF_berlin>"},
           {"preshared-key", "<PRESHARED_KEY_WITH_fra1>"}})
    EXPECT_TRUE(grammar::fits(type, value)) << type << " " << value;
  for (const auto& [type, value] : std::vector<std::pair<const char*, const char*>>{
           {"1-255", "0"}, {"1-255", "256"}, {"1-255", ""}, {"1-255", "1 "}, {"a|b", "c"}, {"list:prefix", "10.0.0.0/8,"},
           {"list:prefix", ""}, {"time", "1"}, {"time", "s"}, {"address/length", "10.0.0.1"}, {"prefix", "10.0.0.1/8"},
           {"prefix4", "::/0"}, {"ip4", "::1"}, {"fqdn", "10.0.0.1"}, {"fqdn", "a..b"}, {"fqdn", "-a.b"},
           {"key", "AQEB"}, {"private-key", "<KEY>"}, {"preshared-key", "AQEB"}, {"string", ""}, {"name", "a b"}})
    EXPECT_FALSE(grammar::fits(type, value)) << type << " " << value;
}

// What the grammar has no value for is refused, not written.
TEST(GrammarEdges, AnMtuThatARouterLacksIsRefused) {
  const std::string jumbo = "fabric: acme\nmtu: 20000\nhubs:\n  fra1: { endpoint: vpn.example.com:51820 }\nsites:\n  berlin: {}\n";
  const auto config = compiled(jumbo, "berlin", {10, 3});
  for (const auto target : {Target::vyos, Target::opnsense}) {
    const auto text = export_node(config, target, {});
    ASSERT_FALSE(text);
    EXPECT_THAT(text.error().message, testing::HasSubstr("20000"));
  }
  EXPECT_THAT(grammar::check_routeros(export_node(config, Target::mikrotik, {}).value()), IsEmpty());
}

TEST(GrammarEdges, VyosNamesItsWires) {
  const auto between = export_node(compiled(several_hubs, "fra1", {8, 4}), Target::vyos, {}).value();
  EXPECT_THAT(between, testing::HasSubstr("# wgh1 is wg1 here"));
  EXPECT_THAT(between, testing::HasSubstr("set protocols ospf interface wg1 network 'point-to-point'"));
  const auto site = export_node(compiled(named_otherwise, "a-site-of-some-length", {10, 3}), Target::vyos, {}).value();
  EXPECT_THAT(site, testing::HasSubstr("# acme-7 is wg0 here"));
  EXPECT_THAT(site, testing::HasSubstr("# acme-8 is wg1 here"));
}

}  // namespace
}  // namespace radial::exchange
