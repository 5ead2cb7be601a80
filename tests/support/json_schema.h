// As much of JSON Schema as docs/openapi.json uses: type, required,
// properties, items, enum, anyOf, $ref.
#pragma once

#include <algorithm>
#include <string>

#include <nlohmann/json.hpp>

namespace radial::test {

// Empty: `value` is valid; otherwise where it is not.
inline std::string schema_fault(const nlohmann::json& document, const nlohmann::json& schema, const nlohmann::json& value,
                                const std::string& where = "answer") {
  if (schema.contains("$ref"))
    return schema_fault(document, document.at(nlohmann::json::json_pointer(schema["$ref"].get<std::string>().substr(1))), value, where);
  if (schema.contains("anyOf")) {
    std::string faults;
    for (const auto& one : schema["anyOf"]) {
      const auto fault = schema_fault(document, one, value, where);
      if (fault.empty()) return {};
      faults += fault + "; ";
    }
    return faults;
  }
  const auto type = schema.value("type", "");
  const bool fits = type.empty() || (type == "object" && value.is_object()) || (type == "array" && value.is_array()) ||
                    (type == "string" && value.is_string()) || (type == "integer" && value.is_number_integer()) ||
                    (type == "boolean" && value.is_boolean());
  if (!fits) return where + " is no " + type;
  if (schema.contains("enum") && std::find(schema["enum"].begin(), schema["enum"].end(), value) == schema["enum"].end())
    return where + " is " + value.dump();
  if (schema.contains("required"))
    for (const auto& key : schema["required"])
      if (!value.contains(key.get<std::string>())) return where + " lacks " + key.get<std::string>();
  if (value.is_object() && schema.contains("properties"))
    for (const auto& [key, child] : schema["properties"].items())
      if (value.contains(key))
        if (auto fault = schema_fault(document, child, value[key], where + "." + key); !fault.empty()) return fault;
  if (value.is_array() && schema.contains("items"))
    for (const auto& item : value)
      if (auto fault = schema_fault(document, schema["items"], item, where + "[]"); !fault.empty()) return fault;
  return {};
}

}  // namespace radial::test
