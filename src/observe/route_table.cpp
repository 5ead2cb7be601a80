#include "observe/route_table.h"

#include <algorithm>
#include <map>

#include <nlohmann/json.hpp>

namespace radial::observe {
namespace {

using Json = nlohmann::ordered_json;

void add_once(std::vector<std::string>& names, const std::string& name) {
  if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
}

// The sites on a hub's wires.
std::vector<const WirePeer*> own_sites(const NodeConfig& config) {
  std::vector<const WirePeer*> sites;
  for (const auto& wire : config.wires)
    if (serves_sites(wire, config.node))
      for (const auto& peer : wire.peers) sites.push_back(&peer);
  return sites;
}

bool steers(const NodeConfig& config) {
  return std::any_of(config.wires.begin(), config.wires.end(),
                     [](const Wire& wire) { return wire.shape == WireShape::multipoint; });
}

// Whether an announcement by `node` is one that it was granted; what we do not
// know of a node in transit is its own hub's business.
bool refuses(const NodeConfig& config, const std::vector<const WirePeer*>& sites, const std::string& node,
             const Prefix& prefix) {
  if (node == config.node) return false;
  for (const auto* site : sites)
    if (site->node == node) return !site->grant.covers(prefix);
  return !config.elsewhere.covers(prefix);
}

}  // namespace

RouteTable route_table(const NodeConfig& config, const std::vector<Announcement>& announced,
                       const std::vector<ServedRoute>& served,
                       const std::function<std::optional<std::string>(const Prefix&)>& steered) {
  const auto sites = own_sites(config);
  std::map<Prefix, RouteRow> rows;
  const auto row = [&](const Prefix& prefix) -> RouteRow* {
    if (in_tunnel(config, prefix)) return nullptr;
    auto& found = rows[prefix];
    found.prefix = prefix;
    return &found;
  };
  for (const auto& lan : config.lans) row(lan.prefix);
  for (const auto* site : sites)
    for (const auto& lan : site->lans) row(lan);
  for (const auto& one : announced)
    if (auto* of = row(one.prefix)) {
      add_once(of->announced_by, one.by);
      if (refuses(config, sites, one.by, one.prefix)) add_once(of->refused, one.by);
    }
  for (const auto& one : served) {
    // Of what is connected here only our LANs are the fabric's.
    if (one.here && !rows.contains(one.prefix)) continue;
    if (auto* of = row(one.prefix)) {
      if (one.here) add_once(of->serving, "here");
      for (const auto& node : one.nodes) add_once(of->serving, node);
    }
  }
  RouteTable table{config.node, steers(config), {}};
  for (auto& [prefix, of] : rows) {
    for (const auto* site : sites)
      if (site->grant.covers(prefix)) of.granted_to.push_back(site->node);
    if (table.steers) of.steered_to = steered(prefix);
    table.rows.push_back(std::move(of));
  }
  return table;
}

std::string to_json(const RouteTable& table) {
  auto rows = Json::array();
  for (const auto& row : table.rows) {
    Json object{{"prefix", row.prefix.to_string()}, {"announced_by", row.announced_by}, {"granted_to", row.granted_to},
                {"refused", row.refused},           {"serving", row.serving},           {"steered_to", nullptr}};
    if (row.steered_to) object["steered_to"] = *row.steered_to;
    rows.push_back(std::move(object));
  }
  return Json{{"node", table.node}, {"steers", table.steers}, {"routes", std::move(rows)}}.dump(
             2, ' ', false, Json::error_handler_t::replace) + "\n";
}

Result<RouteTable> route_table_from_json(std::string_view text) {
  try {
    const auto json = Json::parse(text);
    RouteTable table{json.at("node").get<std::string>(), json.at("steers").get<bool>(), {}};
    for (const auto& object : json.at("routes")) {
      RouteRow row;
      RADIAL_ASSIGN(row.prefix, Prefix::parse(object.at("prefix").get<std::string>()));
      row.announced_by = object.at("announced_by").get<std::vector<std::string>>();
      row.granted_to = object.at("granted_to").get<std::vector<std::string>>();
      row.refused = object.at("refused").get<std::vector<std::string>>();
      row.serving = object.at("serving").get<std::vector<std::string>>();
      if (!object.at("steered_to").is_null()) row.steered_to = object.at("steered_to").get<std::string>();
      table.rows.push_back(std::move(row));
    }
    return table;
  } catch (const std::exception& error) {
    return fail(Errc::protocol, "a table of routes that is not understood: {}", error.what());
  }
}

}  // namespace radial::observe
