// docs/openapi.json against the implementation: the same routes, no more and no
// less; requests that break a schema are refused with the field's name; what
// nodes and controllers write to each other fits. Answers of running daemons
// are held against their schemas in the labs (tests/support/api_answers.h).
#include "agent/openapi.h"

#include <functional>
#include <map>
#include <set>

#include <gmock/gmock.h>

#include "agent/json_schema.h"
#include "base/digest.h"
#include "base/file.h"
#include "compile/json.h"
#include "control/messages.h"
#include "control/rollout.h"
#include "support/paths.h"

namespace radial::agent {
namespace {

using Json = nlohmann::json;
using testing::HasSubstr;

std::string line_of(const Route& route) {
  static const std::map<Where, std::string> places{{Where::node, "node"}, {Where::controller, "controller"}, {Where::tunnel, "tunnel"}};
  static const std::map<Caller, std::string> callers{
      {Caller::reader, "reader"}, {Caller::root, "root"}, {Caller::guest, "guest"}, {Caller::node, "node"}};
  return fmt::format("{} {} at {} by {}", route.method, route.path, places.at(route.where), callers.at(route.caller));
}

Json schema_of(const std::string& name) { return {{"$ref", "#/components/schemas/" + name}}; }

// The schema of a route's request, and an example of it; null: it takes none.
Json wanted_by(const Route& route) {
  const auto* operation = operation_of(route);
  return operation != nullptr && operation->contains("requestBody") ? (*operation)["requestBody"]["content"]["application/json"] : Json();
}

void check_references(const Json& json) {
  if (json.is_object() && json.contains("$ref")) {
    EXPECT_TRUE(openapi().contains(Json::json_pointer(json["$ref"].get<std::string>().substr(1)))) << json;
  }
  if (json.is_structured())
    for (const auto& child : json) check_references(child);
}

// Every schema that names properties says what becomes of others.
void check_closed(const Json& json, const std::string& where) {
  if (json.is_object() && json.contains("properties") && json["properties"].is_object() && json.contains("type")) {
    EXPECT_TRUE(json.contains("additionalProperties")) << where;
  }
  if (json.is_object())
    for (const auto& [key, child] : json.items()) check_closed(child, where + "/" + key);
}

// Each way in which one field can be wrong: what is sent, and the field.
std::vector<std::pair<Json, std::string>> broken(const Json& example, const Json& schema) {
  std::vector<std::pair<Json, std::string>> all;
  for (const auto& field : schema.value("required", Json::array())) {
    auto body = example;
    body.erase(field.get<std::string>());
    all.emplace_back(body, field);
  }
  for (const auto& [field, ignored] : schema["properties"].items()) {
    auto body = example;
    body[field] = {{"an", "object"}};
    all.emplace_back(body, field);
  }
  return all;
}

TEST(OpenApi, IsTheFileOfTheDocuments) {
  EXPECT_EQ(openapi_text(), read_file(test::source_dir() + "/docs/openapi.json").value());
  EXPECT_EQ(openapi()["openapi"], "3.1.0");
  check_references(openapi());
  check_closed(openapi()["components"]["schemas"], "");
}

TEST(OpenApi, DescribesEveryRouteAndNoOther) {
  std::multiset<std::string> served;
  for (const auto& route : api_routes()) served.insert(line_of(route));
  std::multiset<std::string> described;
  std::set<std::string> ids;
  for (const auto& [path, operations] : openapi()["paths"].items())
    for (const auto& [method, operation] : operations.items()) {
      ASSERT_EQ(operation["tags"].size(), 1U) << path;
      described.insert(fmt::format("{} {} at {} by {}", method == "get" ? "GET" : "POST", path, operation["tags"][0].get<std::string>(),
                                   operation["x-radial-caller"].get<std::string>()));
      EXPECT_TRUE(ids.insert(operation["operationId"]).second) << operation["operationId"];
    }
  EXPECT_EQ(described, served);
}

TEST(OpenApi, ARequestThatBreaksItsSchemaIsRefusedWithTheNameOfTheField) {
  int tried = 0;
  for (const auto& route : api_routes()) {
    const auto wanted = wanted_by(route);
    EXPECT_TRUE(wanted.is_object() || route.method == "GET") << route.path;
    if (!wanted.is_object()) continue;
    EXPECT_TRUE(check_schema(openapi(), wanted["schema"], wanted["example"], Unknown::refuse)) << route.path;
    if (route.where == Where::tunnel) continue;  // below
    Request request{"POST", std::string(route.path), wanted["example"].dump(), 0, {}, {}};
    EXPECT_TRUE(admit(route, request)) << route.path;
    const auto& schema = openapi()[Json::json_pointer(wanted["schema"]["$ref"].get<std::string>().substr(1))];
    auto wrong = broken(wanted["example"], schema);
    auto unknown = wanted["example"];
    unknown["colour"] = "red";
    wrong.emplace_back(unknown, "colour");
    for (const auto& [body, field] : wrong) {
      request.body = body.dump();
      const auto admitted = admit(route, request);
      ASSERT_FALSE(admitted) << route.path << " " << request.body;
      EXPECT_EQ(admitted.error().status, 400);
      EXPECT_THAT(admitted.error().body, HasSubstr("'" + field + "'")) << route.path << " " << request.body;
      ++tried;
    }
    for (const auto* text : {"{", "[]", "\"\"", R"({"site": "a", "site": "b"})", "{\"site\": \"\xff\"}"}) {
      request.body = text;
      const auto admitted = admit(route, request);
      ASSERT_FALSE(admitted) << route.path << " " << text;
      EXPECT_EQ(admitted.error().status, 400);
    }
    // Whoever is not root is told so first.
    request.uid = 1000;
    EXPECT_EQ(admit(route, request).error().status, 403);
  }
  EXPECT_GT(tried, 30);
}

// Of the messages inside the tunnel, whose readers are control's.
const std::map<std::string, std::function<Status(const std::string&)>>& tunnel_readers() {
  static const auto read = [](auto reader) {
    return [reader](const std::string& text) -> Status {
      auto value = reader(text);
      if (!value) return Unexpected(std::move(value.error()));
      return {};
    };
  };
  static const std::map<std::string, std::function<Status(const std::string&)>> readers{
      {"/v1/join", read(control::join_request_from_json)},
      {"/v1/node", read(control::report_from_json)},
      {"/v1/node/key", read(control::key_from_json)},
      {"/v1/node/report", read(control::node_report_from_json)},
      {"/v1/node/served", read(control::served_from_json)}};
  return readers;
}

TEST(OpenApi, AMessageOfANodeThatBreaksItsSchemaIsRefusedAndOneOfALaterVersionIsNot) {
  for (const auto& route : api_routes()) {
    const auto wanted = wanted_by(route);
    if (route.where != Where::tunnel || !wanted.is_object()) continue;
    const auto& read = tunnel_readers().at(std::string(route.path));
    EXPECT_TRUE(read(wanted["example"].dump())) << route.path;
    const auto& schema = openapi()[Json::json_pointer(wanted["schema"]["$ref"].get<std::string>().substr(1))];
    EXPECT_EQ(schema["additionalProperties"], true) << route.path;
    auto later = wanted["example"];
    later["colour"] = "red";
    EXPECT_TRUE(read(later.dump())) << route.path;
    for (const auto& [body, field] : broken(wanted["example"], schema)) {
      const auto status = read(body.dump());
      ASSERT_FALSE(status) << route.path << " " << body;
      EXPECT_THAT(status.error().message, HasSubstr(field)) << body;
      EXPECT_EQ(refusal(status.error()).status, 400);
    }
  }
}

TEST(OpenApi, WhatNodesAndControllersWriteFits) {
  const auto key = PrivateKey::generate().public_key();
  const FrrVersion frr{10, 3};
  const auto fits = [](const std::string& schema, const std::string& text) {
    const auto status = check_schema(openapi(), schema_of(schema), Json::parse(text), Unknown::refuse);
    EXPECT_TRUE(status) << schema << ": " << status.error().message;
  };
  control::JoinRequest join;
  join.site = "berlin";
  join.public_key = key;
  fits("JoinRequest", control::to_json(join));
  join.frr = frr;
  join.wireguard = "kernel";
  fits("JoinRequest", control::to_json(join));

  control::Report report;
  report.key = key;
  fits("Report", control::to_json(report));
  report.frr = frr;
  report.findings = {"prefix 10.0.0.0/8 is not granted"};
  report.answer = hex_digest("an answer");
  fits("Report", control::to_json(report));
  fits("NextKey", control::key_to_json(key));

  fits("Served", control::to_json(control::ServedSites{}));
  fits("Served", control::to_json(control::ServedSites{{"berlin", {Prefix::parse("192.168.20.0/24").value()}}}));

  control::NodeReport change;
  fits("NodeReport", control::to_json(change));
  change.trial = 7;
  change.problems = {"no"};
  fits("NodeReport", control::to_json(change));
  for (const auto step : {control::Step::none, control::Step::stage, control::Step::activate, control::Step::trial, control::Step::keep,
                          control::Step::go_back}) {
    control::Instruction instruction;
    instruction.step = step;
    instruction.send_config = step == control::Step::stage;
    fits("Instruction", control::to_json(instruction));
  }

  fits("Unchanged", control::unchanged_to_json(7));
  EXPECT_TRUE(control::says_unchanged(control::unchanged_to_json(7)));
  control::Bundle bundle;
  bundle.next_key = key;
  bundle.preshared.emplace(key, PresharedKey::random());
  for (const auto step : {control::RotationStep::none, control::RotationStep::make_key, control::RotationStep::wait, control::RotationStep::switch_key}) {
    bundle.rotation = step;
    fits("Bundle", control::to_json(bundle));
    EXPECT_FALSE(control::says_unchanged(control::to_json(bundle)));
  }
}

}  // namespace
}  // namespace radial::agent
