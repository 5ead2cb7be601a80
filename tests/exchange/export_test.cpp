// A site and a hub as each router is to have them: golden/export-*.txt. The
// texts of wg and frr are also run as they come out (tests/net/exchange).
#include <cstdlib>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/file.h"
#include "compile/compile.h"
#include "exchange/export.h"
#include "fabric/address_plan.h"
#include "fabric/parse.h"
#include "support/paths.h"

namespace radial::exchange {
namespace {

using testing::HasSubstr;
using testing::Not;

const std::filesystem::path folder = std::filesystem::path(test::source_dir()) / "tests/exchange/golden";

constexpr const char* two_sites = R"(
fabric: acme
hubs:
  fra1: { endpoint: vpn.example.com:51820, lans: [192.168.1.0/24] }
sites:
  berlin: { lans: [192.168.20.0/24, { prefix: 192.168.21.0/24, active: true }] }
  paris:  { lans: [192.168.30.0/24], grant: [10.30.0.0/16], mtu: 1380 }
)";

const std::string hub_alone = "fabric: acme\nhubs:\n  fra1: { endpoint: vpn.example.com:51820, lans: [192.168.1.0/24] }\n";

PublicKey key_of(std::uint8_t byte) {
  std::array<std::uint8_t, key_size> bytes{};
  bytes.fill(byte);
  return PublicKey(bytes);
}

NodeConfig compiled(std::string_view node, FrrVersion hub_frr, const std::string& yaml = two_sites) {
  const auto parsed = parse_fabric(yaml);
  const auto& fabric = std::get<Fabric>(parsed);
  FabricFacts facts;
  facts.nodes["fra1"] = {key_of(1), hub_frr};
  facts.nodes["berlin"] = {key_of(2), std::nullopt};
  facts.nodes["paris"] = {key_of(3), std::nullopt};
  facts.addresses = plan_addresses(fabric, {}).value();
  return compile_node(fabric, facts, node).value();
}

struct Case {
  const char* as;
  const char* node;
  FrrVersion hub_frr;
};

class Export : public testing::TestWithParam<Case> {};

TEST_P(Export, IsItsText) {
  const auto [as, node, hub_frr] = GetParam();
  ExportOptions options;
  if (std::string_view(node) == "berlin") options.lan_interfaces[Prefix::parse("192.168.20.0/24").value()] = "eth1";
  if (std::string_view(node) == "berlin") options.preshared["fra1"] = nullptr;  // it has one, which is not shown
  const auto text = export_node(compiled(node, hub_frr), parse_target(as).value(), options);
  ASSERT_TRUE(text) << text.error().message;
  EXPECT_THAT(*text, HasSubstr(fmt::format("{} of fabric acme", node)));
  const auto path = folder / fmt::format("export-{}-{}-{}.txt", as, node, hub_frr.major);
  if (std::getenv("RADIAL_UPDATE_GOLDEN") != nullptr) {
    ASSERT_TRUE(write_file_atomically(path, *text));
  }
  EXPECT_EQ(*text, read_file(path).value_or("")) << "RADIAL_UPDATE_GOLDEN=1 writes " << path;
}

INSTANTIATE_TEST_SUITE_P(Cases, Export,
                         testing::Values(Case{"wg", "berlin", {10, 3}}, Case{"wg", "fra1", {10, 3}}, Case{"frr", "berlin", {10, 3}},
                                         Case{"frr", "fra1", {10, 3}}, Case{"frr", "fra1", {8, 4}}, Case{"vyos", "paris", {10, 3}},
                                         Case{"vyos", "fra1", {8, 4}}, Case{"vyos", "berlin", {8, 4}},
                                         Case{"mikrotik", "berlin", {10, 3}}, Case{"mikrotik", "berlin", {8, 4}}, Case{"mikrotik", "fra1", {8, 4}},
                                         Case{"opnsense", "berlin", {10, 3}}, Case{"opnsense", "berlin", {8, 4}},
                                         Case{"opnsense", "fra1", {10, 3}}, Case{"opnsense", "fra1", {8, 4}}),
                         [](const auto& test) { return fmt::format("{}_{}_{}", test.param.as, test.param.node, test.param.hub_frr.major); });

TEST(ExportKeys, StandInTheTextOnlyWhenGiven) {
  const auto config = compiled("berlin", {10, 3});
  const auto key = PrivateKey::generate();
  const auto shared = PresharedKey::random();
  for (const auto target : {Target::wg, Target::vyos, Target::mikrotik, Target::opnsense}) {
    EXPECT_THAT(export_node(config, target, {}).value(), HasSubstr("<PRIVATE_KEY_OF_berlin>"));
    EXPECT_THAT(export_node(config, target, {}).value(), Not(HasSubstr("<PRESHARED_KEY")));
    const auto text = export_node(config, target, {&key, {{"fra1", &shared}}}).value();
    EXPECT_THAT(text, testing::AllOf(HasSubstr(key.reveal_base64()), HasSubstr(shared.reveal_base64())));
    EXPECT_THAT(text, Not(HasSubstr("<PR")));
  }
}

TEST(ExportRefuses, WhatARouterCannotDo) {
  for (const auto target : {Target::vyos, Target::mikrotik}) {
    const auto text = export_node(compiled("fra1", {10, 3}), target, {});
    ASSERT_FALSE(text);
    EXPECT_EQ(text.error().code, Errc::unsupported);
  }
  auto of_radial_wire = compiled("fra1", {8, 4});
  of_radial_wire.wires.front().ospf = OspfMode::p2mp_multicast;
  for (const auto target : {Target::vyos, Target::mikrotik, Target::opnsense}) EXPECT_FALSE(export_node(of_radial_wire, target, {}));
}

// Half of it would be worse than none: OSPF that nobody answers, or no route at all.
TEST(ExportRefuses, WhatTheTextHasNoWordsFor) {
  const auto with_bgp = hub_alone + "sites:\n  berlin: { lans: [192.168.20.0/24] }\nrouting: bgp\n";
  const auto with_static = hub_alone + "sites:\n  paris: { trust: static, lans: [192.168.30.0/24] }\n";
  for (const auto target : {Target::vyos, Target::mikrotik, Target::opnsense}) {
    for (const auto* node : {"fra1", "berlin"}) {
      const auto text = export_node(compiled(node, {8, 4}, with_bgp), target, {});
      ASSERT_FALSE(text);
      EXPECT_THAT(text.error().message, testing::AllOf(HasSubstr("runs BGP"), HasSubstr("--as wg")));
    }
    for (const auto* node : {"fra1", "paris"}) {
      const auto text = export_node(compiled(node, {8, 4}, with_static), target, {});
      ASSERT_FALSE(text);
      EXPECT_THAT(text.error().message, testing::AllOf(HasSubstr("trust: static"), HasSubstr("--as frr")));
    }
  }
  for (const auto target : {Target::wg, Target::frr}) {
    EXPECT_TRUE(export_node(compiled("berlin", {8, 4}, with_bgp), target, {}));
    EXPECT_TRUE(export_node(compiled("paris", {8, 4}, with_static), target, {}));
  }
}

TEST(ExportRefuses, APeerWithoutAKey) {
  auto config = compiled("berlin", {10, 3});
  config.wires.front().peers.front().public_key.reset();
  const auto text = export_node(config, Target::wg, {});
  ASSERT_FALSE(text);
  EXPECT_THAT(text.error().message, HasSubstr("fra1"));
}

}  // namespace
}  // namespace radial::exchange
