// A node's configuration from untrusted JSON: refused with the place named,
// never wrapped, guessed or crashed on.
#include "compile/json.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "compile/golden_cases.h"

namespace radial {
namespace {

using nlohmann::json;

json valid() { return json::parse(to_json(test::load_golden("two-hubs").compile("fra1"))); }

// The message for a configuration with `value` at a JSON pointer.
std::string refusal(const char* pointer, json value) {
  auto document = valid();
  document[json::json_pointer(pointer)] = std::move(value);
  const auto result = node_config_from_json(document.dump());
  return result ? "accepted" : result.error().message;
}

TEST(NodeConfigJson, RefusesNumbersOutOfRange) {
  for (const json& port : {json(70000), json(-1), json(1.5), json("51820"), json(nullptr), json(1e300),
                           json(18446744073709551615ULL)})
    EXPECT_EQ(refusal("/wires/0/listen_port", port),
              "node configuration: wires[0].listen_port: must be a whole number from 0 to 65535");
  EXPECT_NE(refusal("/wires/0/cost", 65536), "accepted");
  EXPECT_NE(refusal("/wires/0/cost", 0), "accepted");
  EXPECT_NE(refusal("/wires/0/mtu", 4294967296), "accepted");
  EXPECT_NE(refusal("/hello", 0), "accepted");
}

TEST(NodeConfigJson, RefusesWrongTypesEverywhere) {
  const auto document = valid();
  const auto flat = document.flatten();
  for (const auto& [pointer, value] : flat.items()) {
    EXPECT_NE(refusal(pointer.c_str(), json::object({{"x", 1}})), "accepted") << pointer;
    EXPECT_NE(refusal(pointer.c_str(), nullptr), "accepted") << pointer;
    EXPECT_NE(refusal(pointer.c_str(), json::array({json::array()})), "accepted") << pointer;
  }
}

TEST(NodeConfigJson, RefusesWhatIsMissing) {
  const auto complete = valid();
  for (const auto& [key, value] : complete.items()) {
    auto document = complete;
    document.erase(key);
    const auto result = node_config_from_json(document.dump());
    ASSERT_FALSE(result) << key;
    EXPECT_EQ(result.error().message, "node configuration: " + key + ": is missing");
  }
}

// A fabric is upgraded node by node.
TEST(NodeConfigJson, ReadsWhatANewerVersionWroteInThisFormat) {
  auto newer = valid();
  const auto here = node_config_from_json(newer.dump());
  newer["colour"] = "red";
  newer["wires"][0]["peers"][0]["colours"] = {{"inside", {"red", "blue"}}};
  const auto there = node_config_from_json(newer.dump());
  ASSERT_TRUE(there) << there.error().message;
  EXPECT_EQ(*there, *here);
  EXPECT_EQ(refusal("/format", 2), "node configuration: format: this version of Radial knows format 1 only");
}

TEST(NodeConfigJson, ReadsWhatAnOlderVersionWrote) {
  auto older = valid();
  for (auto& router : older["routers"]) router.erase("several_hubs");
  ASSERT_GT(older["routers"].size(), 0U);
  EXPECT_TRUE(node_config_from_json(older.dump()));
}

TEST(NodeConfigJson, RefusesNamesThatWouldBecomePathsOrCommands) {
  EXPECT_NE(refusal("/wires/0/interface", "../../etc"), "accepted");
  EXPECT_NE(refusal("/wires/0/interface", "sixteen-letters-"), "accepted");
  EXPECT_NE(refusal("/frr/0/daemon", "../zebra"), "accepted");
  EXPECT_NE(refusal("/frr/0/lines/0", "log-adjacency-changes\nno router ospf"), "accepted");
  EXPECT_NE(refusal("/frr/0/context", std::string("router ospf\0x", 13)), "accepted");
  EXPECT_NE(refusal("/sysctls/0/key", "kernel.core_pattern"), "accepted");
  EXPECT_NE(refusal("/sysctls/0/key", "net./../kernel"), "accepted");
  EXPECT_NE(refusal("/area", "0"), "accepted");
}

TEST(NodeConfigJson, RefusesBadValues) {
  EXPECT_NE(refusal("/wires/0/peers/0/allowed_ips/0", "10.0.0.1/8"), "accepted");
  EXPECT_NE(refusal("/wires/0/peers/0/public_key", "short"), "accepted");
  EXPECT_NE(refusal("/wires/0/shape", "round"), "accepted");
  EXPECT_NE(refusal("/router_id", "256.0.0.1"), "accepted");
}

TEST(NodeConfigJson, RefusesTextThatIsNotAConfiguration) {
  for (const std::string& text : {std::string(), std::string("{"), std::string("null"), std::string("[]"),
                                  std::string("{\"format\": 1, \"format\": 1}"), std::string("\xff"),
                                  std::string(200000, '['), std::string("{\"frr\":") + std::string(200000, '[')})
    EXPECT_FALSE(node_config_from_json(text)) << text.substr(0, 40);
}

TEST(NodeConfigJson, EveryCutOfTheTextIsRefused) {
  const auto text = to_json(test::load_golden("hub-frr-8.4").compile("fra1"));
  for (std::size_t size = 0; size + 2 < text.size(); size += 7)
    EXPECT_FALSE(node_config_from_json(text.substr(0, size)));
}

}  // namespace
}  // namespace radial
