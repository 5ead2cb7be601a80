#include "host/frr_json_reader.h"

namespace radial::host::frr {
namespace {

constexpr int depth_limit = 32;  // FRR's own answers stay below 8
constexpr std::size_t excerpt_length = 60;

// Nesting is checked before parsing, so that no input can exhaust the stack.
bool nests_too_deep(std::string_view text) {
  int depth = 0;
  bool in_string = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (in_string) {
      if (c == '\\') ++i;
      else if (c == '"') in_string = false;
    } else if (c == '"') {
      in_string = true;
    } else if (c == '{' || c == '[') {
      if (++depth > depth_limit) return true;
    } else if (c == '}' || c == ']') {
      --depth;
    }
  }
  return false;
}

}  // namespace

Unexpected misunderstood(std::string_view what) {
  return fail(Errc::protocol, "FRR's answer is not understood: {}", what);
}

Result<Json> parse(std::string_view text) {
  const auto first = text.find_first_not_of(" \t\r\n");
  if (first == std::string_view::npos || text.substr(first).starts_with("% OSPF is not enabled")) return Json::object();
  if (nests_too_deep(text)) return misunderstood(fmt::format("it nests deeper than {} levels", depth_limit));
  auto json = Json::parse(text, nullptr, false);
  if (json.is_discarded()) {
    // Only what can stand in a log.
    std::string excerpt;
    for (const char c : text.substr(first, excerpt_length)) excerpt += c >= ' ' && c <= '~' ? c : '.';
    return misunderstood(fmt::format("not JSON: {}", excerpt));
  }
  if (!json.is_object()) return misunderstood("not an object");
  return json;
}

const Json* find(const Json& object, const char* name) {
  const auto found = object.find(name);
  return found == object.end() ? nullptr : &*found;
}

Result<std::string> text_of(const Json& object, const char* name) {
  const auto* value = find(object, name);
  if (value == nullptr || !value->is_string()) return misunderstood(fmt::format("no text '{}'", name));
  return value->get<std::string>();
}

Result<bool> flag_of(const Json& object, const char* name) {
  const auto* value = find(object, name);
  if (value == nullptr) return false;
  if (!value->is_boolean()) return misunderstood(fmt::format("'{}' is neither true nor false", name));
  return value->get<bool>();
}

Result<IpAddress> address_of(const Json& object, const char* name) {
  RADIAL_ASSIGN(const auto text, text_of(object, name));
  auto address = IpAddress::parse(text);
  if (!address) return misunderstood(fmt::format("'{}': {}", name, address.error().message));
  return address;
}

}  // namespace radial::host::frr
