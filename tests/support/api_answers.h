// A running daemon's answers against docs/openapi.json.
#pragma once

#include <string>

#include "agent/json_schema.h"
#include "agent/openapi.h"

namespace radial::test {

// Empty: the answer is as it is described, and holds no field that is not.
inline std::string api_fault(const std::string& method, const std::string& path, int status, const std::string& body) {
  const auto answer = nlohmann::json::parse(body, nullptr, false);
  if (answer.is_discarded()) return "the answer is not JSON: " + body.substr(0, 200);
  const auto* operation = agent::operation_of({method, path});
  if (operation == nullptr && status < 400) return "it is not described";
  const nlohmann::json error{{"$ref", "#/components/schemas/Error"}};
  const auto& schema = status < 400 ? (*operation)["responses"]["200"]["content"]["application/json"]["schema"] : error;
  const auto fits = agent::check_schema(agent::openapi(), schema, answer, agent::Unknown::refuse);
  return fits ? std::string() : fits.error().message;
}

}  // namespace radial::test
