#include "compile/golden_cases.h"

#include <algorithm>
#include <sstream>
#include <stdexcept>

#include "base/file.h"
#include "compile/compile.h"
#include "fabric/address_plan.h"
#include "fabric/parse.h"
#include "fabric/stable_hash.h"
#include "support/paths.h"

namespace radial::test {
namespace {

// The words after "# KEY:" lines of a file.
std::map<std::string, std::vector<std::string>> directives(const std::string& text) {
  std::map<std::string, std::vector<std::string>> result;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    const auto colon = line.find(": ");
    if (!line.starts_with("# ") || colon == line.npos) continue;
    std::istringstream words(line.substr(colon + 2));
    auto& list = result[line.substr(2, colon - 2)];
    for (std::string word; words >> word;) list.push_back(word);
  }
  return result;
}

std::pair<std::string, std::string> split_at_equals(const std::string& word) {
  const auto equals = word.find('=');
  if (equals == word.npos) throw std::runtime_error("'" + word + "' is not NAME=VALUE");
  return {word.substr(0, equals), word.substr(equals + 1)};
}

Fabric parsed(const std::string& name, const std::string& text) {
  auto result = parse_fabric(text);
  if (auto* fabric = std::get_if<Fabric>(&result)) return std::move(*fabric);
  std::string message;
  for (const auto& mistake : std::get<std::vector<Mistake>>(result)) message += to_string(mistake, name) + "\n";
  throw std::runtime_error(message);
}

}  // namespace

std::filesystem::path golden_folder() { return std::filesystem::path(source_dir()) / "tests/compile/golden"; }

std::vector<std::string> golden_names() {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(golden_folder()))
    if (entry.path().extension() == ".yaml") names.push_back(entry.path().stem());
  std::sort(names.begin(), names.end());
  return names;
}

PublicKey key_for(std::string_view node) {
  std::array<std::uint8_t, key_size> bytes{};
  const auto hash = stable_hash(node);
  for (std::size_t i = 0; i < bytes.size(); ++i)
    bytes[i] = static_cast<std::uint8_t>(hash >> (8 * (i % 8)) ^ i);
  return PublicKey(bytes);
}

GoldenCase load_golden(const std::string& name) {
  const auto text = read_file(golden_folder() / (name + ".yaml")).value();
  auto told = directives(text);
  GoldenCase result;
  result.name = name;
  result.fabric = parsed(name, text);
  result.show = told["show"];
  for (const auto& hub : result.fabric.hubs) result.facts.nodes[hub.name].public_key = key_for(hub.name);
  for (const auto& site : result.fabric.sites) result.facts.nodes[site.name].public_key = key_for(site.name);
  for (const auto& node : told["without key"]) result.facts.nodes.at(node).public_key.reset();
  for (const auto& word : told["frr"]) {
    const auto [node, version] = split_at_equals(word);
    result.facts.nodes.at(node).frr = FrrVersion::parse(version).value();
  }
  for (const auto& word : told["wireguard"]) {
    const auto [node, program] = split_at_equals(word);
    result.facts.nodes.at(node).wireguard = program;
  }
  if (const auto& words = told["held"]; !words.empty()) {
    auto& held = result.held[words.front()];
    for (auto word = words.begin() + 1; word != words.end(); ++word) {
      const auto [interface, address] = split_at_equals(*word);
      held.push_back({interface, InterfaceAddress::parse(address).value()});
    }
  }
  result.facts.addresses = plan_addresses(result.fabric, {}).value();
  return result;
}

FrrVersion GoldenCase::frr(const std::string& node) const {
  return facts.nodes.at(node).frr.value_or(FrrVersion{});
}

NodeConfig GoldenCase::compile(const std::string& node) const {
  auto config = compile_node(fabric, facts, node);
  if (!config) throw std::runtime_error(config.error().message);
  return std::move(*config);
}

std::vector<LocalAddress> GoldenCase::local(const NodeConfig& config) const {
  if (const auto found = held.find(config.node); found != held.end()) return found->second;
  std::vector<LocalAddress> result;
  for (const auto& lan : config.lans)
    result.push_back({fmt::format("eth{}", result.size() + 1), {*lan.prefix.address().plus(1), lan.prefix.length()}});
  return result;
}

}  // namespace radial::test
