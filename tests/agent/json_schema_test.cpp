#include "agent/json_schema.h"

#include <gtest/gtest.h>

namespace radial::agent {
namespace {

using Json = nlohmann::json;

struct Case {
  const char* schema;
  const char* value;
  const char* fault;  // empty: it fits
};

class Schema : public testing::TestWithParam<Case> {};

TEST_P(Schema, NamesTheFirstFault) {
  const Json document = {{"defs", {{"Port", {{"type", "integer"}, {"minimum", 1}, {"maximum", 65535}}}}}};
  const auto status = check_schema(document, Json::parse(GetParam().schema), Json::parse(GetParam().value));
  EXPECT_EQ(status ? "" : status.error().message, GetParam().fault);
}

INSTANTIATE_TEST_SUITE_P(
    All, Schema,
    testing::Values(
        Case{R"({"type": "object", "required": ["site"], "properties": {"site": {"type": "string"}}})", R"({"site": "x", "more": 1})", ""},
        Case{R"({"type": "object", "required": ["site"]})", "{}", "'site' is missing"},
        Case{R"({"type": "object"})", "[]", "this is no object"},
        Case{R"({"properties": {"a": {}}, "additionalProperties": false})", R"({"a": 1, "b": 2})", "'b' is not known here"},
        Case{R"({"additionalProperties": {"type": "string"}})", R"({"b": 2})", "'b' is no text"},
        Case{R"({"properties": {"lans": {"type": "array", "items": {"type": "string"}}}})", R"({"lans": ["x", 1]})", "'lans[1]' is no text"},
        Case{R"({"properties": {"a": {"properties": {"b": {"type": "boolean"}}}}})", R"({"a": {"b": 0}})", "'a.b' is neither true nor false"},
        Case{R"({"properties": {"port": {"$ref": "#/defs/Port"}}})", R"({"port": 70000})", "'port' is not from 1 to 65535"},
        Case{R"({"properties": {"port": {"$ref": "#/defs/Port"}}})", R"({"port": 1.5})", "'port' is no whole number"},
        Case{R"({"properties": {"port": {"$ref": "#/defs/Port"}}})", R"({"port": 65535})", ""},
        Case{R"({"minimum": 0})", "-1", "this is less than 0"},
        Case{R"({"minimum": 0, "maximum": 9})", "18446744073709551615", "this is not from 0 to 9"},
        Case{R"({"type": ["string", "null"]})", "null", ""},
        Case{R"({"type": ["string", "null"]})", "1", "this is no text and not null"},
        Case{R"({"enum": ["up", "down"]})", "\"sideways\"", R"(this is "sideways", which is none of ["up","down"])"},
        Case{R"({"const": 1})", "2", "this is not 1"},
        Case{R"({"anyOf": [{"required": ["site"]}, {"required": ["all"]}]})", "{}", "'site' is missing, or 'all' is missing"},
        Case{R"({"anyOf": [{"required": ["site"]}, {"required": ["all"]}]})", R"({"all": true})", ""},
        Case{R"({"pattern": "x"})", "\"y\"", "the schema of this uses 'pattern', which is not known here"}));

TEST(ClosedSchema, RefusesWhatIsNotDescribedAlthoughTheSchemaIsOpen) {
  const Json schema = {{"properties", {{"a", Json::object()}}}, {"additionalProperties", true}};
  EXPECT_TRUE(check_schema({}, schema, {{"b", 1}}));
  EXPECT_FALSE(check_schema({}, schema, {{"b", 1}}, Unknown::refuse));
  EXPECT_TRUE(check_schema({}, schema, {{"a", 1}}, Unknown::refuse));
  // What maps names to values knows no names.
  EXPECT_TRUE(check_schema({}, {{"additionalProperties", {{"type", "integer"}}}}, {{"b", 1}}, Unknown::refuse));
}

}  // namespace
}  // namespace radial::agent
