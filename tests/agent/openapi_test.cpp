// The API's description against the implementation: the same routes, no more
// and no less. Answers are held against their schemas in net_change_test.
#include "agent/openapi.h"

#include <filesystem>
#include <regex>
#include <set>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "base/file.h"

namespace radial::agent {
namespace {

// What the handlers compare with: every request is dispatched by a literal.
std::set<std::string> routes_in_the_source() {
  std::set<std::string> routes;
  const std::regex compared(R"re(request\.path == "(/v1/[a-z/.-]+)")re");
  for (const auto& entry : std::filesystem::directory_iterator(std::string(RADIAL_SOURCE_DIR) + "/src/agent")) {
    if (entry.path().extension() != ".cpp") continue;
    const auto text = read_file(entry.path()).value();
    for (auto at = std::sregex_iterator(text.begin(), text.end(), compared); at != std::sregex_iterator(); ++at)
      routes.insert((*at)[1]);
  }
  return routes;
}

void check_references(const nlohmann::json& json, const nlohmann::json& schemas) {
  if (json.is_object() && json.contains("$ref")) {
    const auto name = json["$ref"].get<std::string>().substr(std::string("#/components/schemas/").size());
    EXPECT_TRUE(schemas.contains(name)) << name;
  }
  if (json.is_structured())
    for (const auto& child : json) check_references(child, schemas);
}

TEST(OpenApi, NamesEveryRouteOfTheServerAndNoOther) {
  const auto json = nlohmann::json::parse(openapi(), nullptr, false);
  ASSERT_TRUE(json.is_object());
  EXPECT_EQ(json["openapi"], "3.1.0");
  std::set<std::string> described;
  for (const auto& [path, operations] : json["paths"].items()) described.insert(path);
  EXPECT_EQ(described, routes_in_the_source());
  check_references(json, json["components"]["schemas"]);
}

}  // namespace
}  // namespace radial::agent
