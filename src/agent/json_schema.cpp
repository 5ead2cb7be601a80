#include "agent/json_schema.h"

#include <algorithm>
#include <array>
#include <vector>

namespace radial::agent {
namespace {

using Json = nlohmann::json;

constexpr std::array understood = {"$ref",   "anyOf", "type",    "const",   "enum",        "required", "properties",
                                   "additionalProperties", "items", "minimum", "maximum", "description", "example"};

struct Type {
  std::string_view name;
  bool (*fits)(const Json&);
  std::string_view otherwise;  // "'site' is ..."
};
constexpr std::array types = {
    Type{"object", [](const Json& value) { return value.is_object(); }, "no object"},
    Type{"array", [](const Json& value) { return value.is_array(); }, "no list"},
    Type{"string", [](const Json& value) { return value.is_string(); }, "no text"},
    Type{"integer", [](const Json& value) { return value.is_number_integer(); }, "no whole number"},
    Type{"boolean", [](const Json& value) { return value.is_boolean(); }, "neither true nor false"},
    Type{"null", [](const Json& value) { return value.is_null(); }, "not null"},
};

std::string quoted(const Json& value) { return value.dump(-1, ' ', false, Json::error_handler_t::replace).substr(0, 80); }

class Check {
 public:
  Check(const Json& document, Unknown unknown) : document_(document), unknown_(unknown) {}

  // `path`: the field's name from the root; empty: the whole.
  Status run(const Json& schema, const Json& value, const std::string& path) const {
    for (const auto& [keyword, ignored] : schema.items())
      if (std::find(understood.begin(), understood.end(), keyword) == understood.end())
        return fail(Errc::internal, "the schema of {} uses '{}', which is not known here", name_of(path), keyword);
    if (schema.contains("$ref")) RADIAL_TRY(run(referred(schema["$ref"]), value, path));
    if (schema.contains("anyOf")) RADIAL_TRY(any_of(schema["anyOf"], value, path));
    if (schema.contains("type")) RADIAL_TRY(type(schema["type"], value, path));
    if (schema.contains("const") && value != schema["const"])
      return fail(Errc::invalid_argument, "{} is not {}", name_of(path), quoted(schema["const"]));
    if (schema.contains("enum")) RADIAL_TRY(one_of(schema["enum"], value, path));
    if (value.is_number_integer()) RADIAL_TRY(range(schema, value, path));
    if (value.is_object()) RADIAL_TRY(object(schema, value, path));
    if (value.is_array() && schema.contains("items"))
      for (std::size_t i = 0; i < value.size(); ++i) RADIAL_TRY(run(schema["items"], value[i], fmt::format("{}[{}]", path, i)));
    return {};
  }

 private:
  static std::string name_of(const std::string& path) { return path.empty() ? "this" : "'" + path + "'"; }
  static std::string below(const std::string& path, const std::string& key) { return path.empty() ? key : path + "." + key; }

  const Json& referred(const Json& reference) const {
    return document_.at(Json::json_pointer(reference.get_ref<const std::string&>().substr(1)));
  }

  Status any_of(const Json& schemas, const Json& value, const std::string& path) const {
    std::vector<std::string> faults;
    for (const auto& schema : schemas) {
      auto status = run(schema, value, path);
      if (status || status.error().code == Errc::internal) return status;
      faults.push_back(std::move(status.error().message));
    }
    return fail(Errc::invalid_argument, "{}", fmt::join(faults, ", or "));
  }

  static Status type(const Json& wanted, const Json& value, const std::string& path) {
    std::vector<std::string_view> wrong;
    for (const auto& name : wanted.is_array() ? wanted : Json::array({wanted})) {
      const auto* const found = std::find_if(types.begin(), types.end(), [&](const Type& one) { return name == one.name; });
      if (found == types.end()) return fail(Errc::internal, "the schema of {} has an unknown type", name_of(path));
      if (found->fits(value)) return {};
      wrong.push_back(found->otherwise);
    }
    return fail(Errc::invalid_argument, "{} is {}", name_of(path), fmt::join(wrong, " and "));
  }

  static Status one_of(const Json& words, const Json& value, const std::string& path) {
    if (std::find(words.begin(), words.end(), value) != words.end()) return {};
    return fail(Errc::invalid_argument, "{} is {}, which is none of {}", name_of(path), quoted(value), quoted(words));
  }

  static Status range(const Json& schema, const Json& value, const std::string& path) {
    if ((!schema.contains("minimum") || value >= schema["minimum"]) && (!schema.contains("maximum") || value <= schema["maximum"])) return {};
    if (!schema.contains("maximum")) return fail(Errc::invalid_argument, "{} is less than {}", name_of(path), quoted(schema["minimum"]));
    if (!schema.contains("minimum")) return fail(Errc::invalid_argument, "{} is more than {}", name_of(path), quoted(schema["maximum"]));
    return fail(Errc::invalid_argument, "{} is not from {} to {}", name_of(path), quoted(schema["minimum"]), quoted(schema["maximum"]));
  }

  Status object(const Json& schema, const Json& value, const std::string& path) const {
    if (schema.contains("required"))
      for (const auto& key : schema["required"])
        if (!value.contains(key.get_ref<const std::string&>()))
          return fail(Errc::invalid_argument, "'{}' is missing", below(path, key.get<std::string>()));
    static const Json none = Json::object();
    const auto& known = schema.contains("properties") ? schema["properties"] : none;
    const auto* others = schema.contains("additionalProperties") ? &schema["additionalProperties"] : nullptr;
    const bool closed = (others != nullptr && *others == false) ||
                        (unknown_ == Unknown::refuse && schema.contains("properties") && (others == nullptr || others->is_boolean()));
    for (const auto& [key, child] : value.items()) {
      if (known.contains(key)) RADIAL_TRY(run(known[key], child, below(path, key)));
      else if (closed) return fail(Errc::invalid_argument, "'{}' is not known here", below(path, key.substr(0, 80)));
      else if (others != nullptr && others->is_object()) RADIAL_TRY(run(*others, child, below(path, key)));
    }
    return {};
  }

  const Json& document_;
  Unknown unknown_;
};

}  // namespace

Status check_schema(const Json& document, const Json& schema, const Json& value, Unknown unknown) {
  return Check(document, unknown).run(schema, value, "");
}

}  // namespace radial::agent
