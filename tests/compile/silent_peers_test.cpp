// What static routing becomes while ends of it do not answer.
#include "compile/silent_peers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "compile/compile.h"
#include "fabric/address_plan.h"
#include "fabric/parse.h"

namespace radial {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

NodeConfig compiled(const std::string& engine, const char* node) {
  const auto parsed = parse_fabric("fabric: acme\nrouting: " + engine + R"(
hubs:
  fra1: { endpoint: 203.0.113.1:51820, lans: [192.168.1.0/24], tunnel: 10.255.0.0/24 }
  ams1: { endpoint: 203.0.113.2:51820, lans: [192.168.2.0/24], tunnel: 10.255.1.0/24 }
sites:
  berlin: { lans: [192.168.20.0/24] }
  rome:   { lans: [192.168.70.0/24], trust: static }
)");
  const auto& fabric = std::get<Fabric>(parsed);
  FabricFacts facts;
  for (const auto* name : {"fra1", "ams1", "berlin", "rome"}) facts.nodes[name].public_key = PrivateKey::generate().public_key();
  facts.addresses = plan_addresses(fabric, {}).value();
  return compile_node(fabric, facts, node).value();
}

std::string lines_of(const NodeConfig& config, std::string_view daemon) {
  std::string text;
  for (const auto& stanza : config.frr)
    if (stanza.daemon == daemon)
      for (const auto& line : stanza.lines) text += line + "\n";
  return text;
}

TEST(SilentPeers, AreWatchedWhereThereIsAnotherWay) {
  EXPECT_THAT(watched_ends(compiled("ospf", "rome")), ElementsAre(WireEnd{"wg0", "fra1"}, WireEnd{"wg1", "ams1"}));
  EXPECT_THAT(watched_ends(compiled("ospf", "fra1")), ElementsAre(WireEnd{"wg0", "rome"}));
  EXPECT_THAT(watched_ends(compiled("ospf", "berlin")), IsEmpty());
}

TEST(SilentPeers, AStaticSiteGoesByTheHubThatAnswers) {
  const auto config = compiled("ospf", "rome");
  const auto routes = lines_of(without_silent(config, {{"wg0", "fra1"}}), "staticd");
  EXPECT_THAT(routes, Not(HasSubstr(" wg0")));
  EXPECT_THAT(routes, HasSubstr("ip route 192.168.20.0/24 10.255.1.1 wg1"));
  EXPECT_EQ(without_silent(config, {{"wg0", "fra1"}, {"wg1", "ams1"}}), config) << "none answers";
  EXPECT_EQ(without_silent(config, {}), config);
}

TEST(SilentPeers, AHubServesASilentSiteNoMore) {
  for (const auto* engine : {"ospf", "bgp"}) {
    const auto config = compiled(engine, "fra1");
    const auto silent = without_silent(config, {{"wg0", "rome"}});
    EXPECT_THAT(lines_of(config, "staticd"), HasSubstr("ip route 192.168.70.0/24 "));
    EXPECT_THAT(lines_of(silent, "staticd"), Not(HasSubstr("192.168.70.0/24")));
    EXPECT_THAT(lines_of(silent, "staticd"), HasSubstr("ip route 192.168.20.0/24 ")) << "berlin's stays";
    EXPECT_THAT(lines_of(silent, "bgpd"), Not(HasSubstr("network 192.168.70.0/24")));
  }
  EXPECT_THAT(lines_of(compiled("bgp", "fra1"), "bgpd"), HasSubstr("network 192.168.70.0/24"));
}

}  // namespace
}  // namespace radial
