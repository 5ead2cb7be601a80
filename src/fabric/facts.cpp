#include "fabric/facts.h"

#include <algorithm>

#include <fmt/format.h>

#include "fabric/strict_json.h"

namespace radial {
namespace {

using Json = nlohmann::json;

Result<std::string> text_of(const Json& value, std::string_view what) {
  if (!value.is_string()) return fail(Errc::invalid_argument, "{} is not a text", what);
  return value.get<std::string>();
}

// An unknown key would be lost when the facts are written again, so it is an
// error and not passed over.
Status check_object(const Json& value, std::string_view what, std::initializer_list<std::string_view> known = {}) {
  if (!value.is_object()) return fail(Errc::invalid_argument, "{} is not a JSON object", what);
  if (known.size() == 0) return {};
  for (const auto& [key, unused] : value.items())
    if (std::find(known.begin(), known.end(), key) == known.end())
      return fail(Errc::invalid_argument, "{} has the unknown key '{}'", what, key.substr(0, 80));
  return {};
}

Result<NodeFacts> node_from_json(const Json& value, const std::string& what) {
  NodeFacts facts;
  RADIAL_TRY(check_object(value, what, {"public_key", "frr", "wireguard", "next_key"}));
  if (value.contains("public_key")) {
    RADIAL_ASSIGN(const auto text, text_of(value["public_key"], what + ".public_key"));
    auto key = PublicKey::parse(text);
    if (!key) return forward_error(std::move(key.error()).within(what + ".public_key"));
    facts.public_key = *key;
  }
  if (value.contains("next_key")) {
    RADIAL_ASSIGN(const auto text, text_of(value["next_key"], what + ".next_key"));
    auto key = PublicKey::parse(text);
    if (!key) return forward_error(std::move(key.error()).within(what + ".next_key"));
    facts.next_key = *key;
  }
  if (value.contains("frr")) {
    RADIAL_ASSIGN(const auto text, text_of(value["frr"], what + ".frr"));
    auto version = FrrVersion::parse(text);
    if (!version) return forward_error(std::move(version.error()).within(what + ".frr"));
    facts.frr = *version;
  }
  if (value.contains("wireguard")) { RADIAL_ASSIGN(facts.wireguard, text_of(value["wireguard"], what + ".wireguard")); }
  return facts;
}

Status read_addresses(const Json& hubs, AddressBook& book) {
  RADIAL_TRY(check_object(hubs, "addresses"));
  for (const auto& [hub, nodes] : hubs.items()) {
    RADIAL_TRY(check_object(nodes, "addresses." + hub));
    for (const auto& [node, value] : nodes.items()) {
      const auto what = fmt::format("addresses.{}.{}", hub, node);
      RADIAL_ASSIGN(const auto text, text_of(value, what));
      const auto address = IpAddress::parse(text);
      if (!address || !address->is_v4())
        return fail(Errc::invalid_argument, "{}: '{}' is not an IPv4 address", what, text.substr(0, 80));
      book.emplace(std::pair(hub, node), *address);
    }
  }
  return {};
}

// Up to `most` from the front of `text`, which moves on.
std::optional<int> take_number(std::string_view& text, int most) {
  std::size_t digits = 0;
  int number = 0;
  while (digits < text.size() && text[digits] >= '0' && text[digits] <= '9') {
    number = number * 10 + (text[digits] - '0');
    if (number > most) return std::nullopt;
    ++digits;
  }
  if (digits == 0) return std::nullopt;
  text.remove_prefix(digits);
  return number;
}

}  // namespace

Result<FrrVersion> FrrVersion::parse(std::string_view text) {
  constexpr std::string_view program = "FRRouting ";
  constexpr int most = 9999;
  std::string_view rest = text;
  if (rest.starts_with(program)) rest.remove_prefix(program.size());
  const auto wrong = [&] {
    return fail(Errc::invalid_argument, "'{}' is not a version of FRR, such as 8.4.4 or 10.3", text.substr(0, 80));
  };
  const auto major = take_number(rest, most);
  if (!major || !rest.starts_with('.')) return wrong();
  rest.remove_prefix(1);
  const auto minor = take_number(rest, most);
  // What may follow: ".4", "-dev", "~rc1", "_git", " (host) on Linux(...)".
  if (!minor || (!rest.empty() && std::string_view(".-~_+ \t\r\n").find(rest.front()) == std::string_view::npos))
    return wrong();
  return FrrVersion{*major, *minor};
}

Result<FabricFacts> FabricFacts::from_json(std::string_view text) {
  RADIAL_ASSIGN(const auto json, parse_strict_json(text));
  RADIAL_TRY(check_object(json, "the facts", {"nodes", "addresses"}));
  FabricFacts facts;
  if (json.contains("nodes")) {
    RADIAL_TRY(check_object(json["nodes"], "nodes"));
    for (const auto& [name, value] : json["nodes"].items()) {
      RADIAL_ASSIGN(auto node, node_from_json(value, "nodes." + name));
      facts.nodes.emplace(name, std::move(node));
    }
  }
  if (json.contains("addresses")) RADIAL_TRY(read_addresses(json["addresses"], facts.addresses));
  return facts;
}

std::string FabricFacts::to_json() const {
  // nlohmann::json keeps objects sorted by key: the order is stable.
  Json all_nodes = Json::object();
  for (const auto& [name, facts] : nodes) {
    Json node = Json::object();
    if (facts.public_key) node["public_key"] = facts.public_key->to_string();
    if (facts.frr) node["frr"] = fmt::format("{}.{}", facts.frr->major, facts.frr->minor);
    if (!facts.wireguard.empty()) node["wireguard"] = facts.wireguard;
    if (facts.next_key) node["next_key"] = facts.next_key->to_string();
    all_nodes[name] = std::move(node);
  }
  Json book = Json::object();
  for (const auto& [wire, address] : addresses) book[wire.first][wire.second] = address.to_string();
  const Json json{{"nodes", std::move(all_nodes)}, {"addresses", std::move(book)}};
  // Names come from a checked fabric; were one not UTF-8, it must not throw here.
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace radial
