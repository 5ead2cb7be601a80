#include "fabric/facts.h"

#include <gtest/gtest.h>

#include "fabric/strict_json.h"

namespace radial {
namespace {

constexpr auto key = "HIgo9xNzJMWLKASShiTqIybxZ0U3wGLiUeJ1PKf8ykw=";

TEST(FrrVersion, IsReadAsFrrPrintsIt) {
  EXPECT_EQ(FrrVersion::parse("8.4.4").value(), (FrrVersion{8, 4}));
  EXPECT_EQ(FrrVersion::parse("10.3 (fra1) on Linux(6.1.0)").value(), (FrrVersion{10, 3}));
  EXPECT_EQ(FrrVersion::parse("FRRouting 8.4.4 (fra1) on Linux(6.1.0).\nCopyright").value(), (FrrVersion{8, 4}));
  EXPECT_EQ(FrrVersion::parse("10.5-dev").value(), (FrrVersion{10, 5}));
  EXPECT_EQ(FrrVersion::parse("10.1").value(), (FrrVersion{10, 1}));
  for (const auto* text : {"", "10", "10.", ".4", "x8.4", "8.4x", "-8.4", "99999999999.1", "8.99999999999", " 8.4"})
    EXPECT_FALSE(FrrVersion::parse(text)) << text;
}

TEST(FrrVersion, KnowsWhenPointToMultipointCanBeUnicast) {
  EXPECT_FALSE((FrrVersion{8, 4}).has_p2mp_non_broadcast());
  EXPECT_FALSE((FrrVersion{10, 0}).has_p2mp_non_broadcast());
  EXPECT_TRUE((FrrVersion{10, 1}).has_p2mp_non_broadcast());
  EXPECT_TRUE((FrrVersion{11, 0}).has_p2mp_non_broadcast());
}

TEST(FabricFacts, ReadWhatTheyWrote) {
  FabricFacts facts;
  facts.nodes["fra1"] = {PublicKey::parse(key).value(), FrrVersion{10, 3}, "radial-wire"};
  facts.nodes["berlin"] = {};
  facts.addresses[{"fra1", "fra1"}] = IpAddress::parse("10.255.0.1").value();
  facts.addresses[{"fra1", "berlin"}] = IpAddress::parse("10.255.0.17").value();
  EXPECT_EQ(facts.to_json(), R"({
  "addresses": {
    "fra1": {
      "berlin": "10.255.0.17",
      "fra1": "10.255.0.1"
    }
  },
  "nodes": {
    "berlin": {},
    "fra1": {
      "frr": "10.3",
      "public_key": "HIgo9xNzJMWLKASShiTqIybxZ0U3wGLiUeJ1PKf8ykw=",
      "wireguard": "radial-wire"
    }
  }
}
)");
  EXPECT_EQ(FabricFacts::from_json(facts.to_json()).value(), facts);
  EXPECT_EQ(FabricFacts::from_json(FabricFacts{}.to_json()).value(), FabricFacts{});
  EXPECT_EQ(FabricFacts::from_json("{}").value(), FabricFacts{});
}

TEST(FabricFacts, RefuseWhatIsNotTheirs) {
  for (const auto* text :
       {"", "[]", "1", "{", "{} {}", R"({"node": {}})", R"({"nodes": []})", R"({"nodes": {"a": 1}})",
        R"({"nodes": {"a": {"public_key": "short"}}})", R"({"nodes": {"a": {"frr": 8.4}}})",
        R"({"nodes": {"a": {"frr": "eight"}}})", R"({"nodes": {"a": {"mtu": 1}}})",
        R"({"addresses": {"h": "10.0.0.1"}})", R"({"addresses": {"h": {"a": "fd00::1"}}})",
        R"({"addresses": {"h": {"a": 5}}})", R"({"nodes": {"a": {}, "a": {}}})", "{\"nodes\": {\"\xff\": {}}}"})
    EXPECT_FALSE(FabricFacts::from_json(text)) << text;
}

TEST(StrictJson, RefusesDepthAndDuplicates) {
  EXPECT_FALSE(parse_strict_json(std::string(200'000, '[')));
  EXPECT_FALSE(parse_strict_json("[[[]]]", {.max_depth = 2}));
  EXPECT_TRUE(parse_strict_json("[[]]", {.max_depth = 2}));
  EXPECT_TRUE(parse_strict_json("[[], [], []]", {.max_depth = 2}));
  EXPECT_FALSE(parse_strict_json(R"({"a": 1, "b": {"a": 2}, "a": 3})"));
  EXPECT_TRUE(parse_strict_json(R"({"a": 1, "b": {"a": 2}})"));
  EXPECT_TRUE(parse_strict_json(R"([{"a": 1}, {"a": 2}])"));
  EXPECT_FALSE(parse_strict_json("[1]", {.max_bytes = 2}));
}

TEST(StrictJson, TakesNumbersInRangeOnly) {
  const auto port = [](std::string_view text) {
    return json_integer<std::uint16_t>(parse_strict_json(text).value(), "port", 1);
  };
  EXPECT_EQ(port("65535").value(), 65535);
  for (const auto* text : {"70000", "-1", "0", "1.0", "1e3", "\"1\"", "true", "null", "99999999999999999999"})
    EXPECT_FALSE(port(text)) << text;
  EXPECT_EQ(json_integer<std::int64_t>(parse_strict_json("-9223372036854775808").value(), "n").value(), INT64_MIN);
}

}  // namespace
}  // namespace radial
