#include "agent/openapi.h"

#include <algorithm>

#include "agent/json_schema.h"
#include "agent/openapi_json.h"  // made from docs/openapi.json (cmake/embed.cmake)
#include "fabric/strict_json.h"

namespace radial::agent {
namespace {

using Json = nlohmann::json;

constexpr JsonLimits body_limits{8U << 20U, 8};

}  // namespace

std::string_view openapi_text() {
  return {reinterpret_cast<const char*>(embedded::openapi_json.data()), embedded::openapi_json.size()};
}

const Json& openapi() {
  static const Json document = Json::parse(openapi_text());
  return document;
}

const Json* operation_of(const Route& route) {
  const auto path = openapi()["paths"].find(route.path);
  if (path == openapi()["paths"].end()) return nullptr;
  std::string method(route.method);
  std::transform(method.begin(), method.end(), method.begin(), [](char c) { return static_cast<char>(c | 0x20); });
  const auto operation = path->find(method);
  return operation == path->end() ? nullptr : &*operation;
}

Result<Json> request_body(const Route& route, std::string_view text) {
  const auto* operation = operation_of(route);
  if (operation == nullptr) return fail(Errc::internal, "{} {} is not described", route.method, route.path);
  const auto wanted = operation->find("requestBody");
  if (wanted == operation->end()) return Json::object();  // whatever came is not read
  if (text.empty()) {
    if (wanted->value("required", false)) return fail(Errc::invalid_argument, "the request has no body; {} {} needs one", route.method, route.path);
    return Json::object();
  }
  RADIAL_ASSIGN(auto body, parse_strict_json(text, body_limits));
  if (auto fits = check_schema(openapi(), (*wanted)["content"]["application/json"]["schema"], body); !fits)
    return Unexpected(std::move(fits.error()).within("the request is not valid"));
  return body;
}

}  // namespace radial::agent
