#include <nlohmann/json.hpp>

#include "observe/snapshot.h"

namespace radial::observe {
namespace {

using Json = nlohmann::ordered_json;

template <class T>
Json texts(const std::vector<T>& values) {
  auto array = Json::array();
  for (const auto& value : values) array.push_back(value.to_string());
  return array;
}

template <class T>
Json optional_text(const std::optional<T>& value) {
  return value ? Json(value->to_string()) : Json(nullptr);
}

template <class T>
Json optional_number(const std::optional<T>& value) {
  return value ? Json(*value) : Json(nullptr);
}

Json json_of(const PeerHealth& peer) {
  return {{"node", peer.node},
          {"public_key", peer.public_key.to_string()},
          {"present", peer.present},
          {"endpoint", optional_text(peer.endpoint)},
          {"handshake_age_s", optional_number(peer.handshake_age)},
          {"rx_bytes", peer.rx_bytes},
          {"tx_bytes", peer.tx_bytes},
          {"foreign_packets", peer.foreign_packets},
          {"foreign_age_s", optional_number(peer.foreign_age)},
          {"allowed_ips", texts(peer.allowed_ips)}};
}

Json json_of(const WireHealth& wire) {
  auto peers = Json::array();
  for (const auto& peer : wire.peers) peers.push_back(json_of(peer));
  return {{"interface", wire.interface}, {"present", wire.present},         {"up", wire.up},
          {"mtu", wire.mtu},             {"listen_port", wire.listen_port}, {"peers", std::move(peers)}};
}

Json json_of(const AdjacencyHealth& adjacency) {
  return {{"node", adjacency.node},
          {"interface", adjacency.interface},
          {"address", adjacency.address.to_string()},
          {"router_id", optional_text(adjacency.router_id)},
          {"state", adjacency.state},
          {"up_ms", adjacency.up_ms},
          {"our_mtu", adjacency.our_mtu},
          {"their_mtu", optional_number(adjacency.their_mtu)},
          {"protocol", adjacency.protocol},
          {"prefixes", adjacency.prefixes}};
}

Json json_of(const LearnedPrefix& prefix) {
  return {{"prefix", prefix.prefix.to_string()}, {"protocol", prefix.protocol}, {"next_hops", texts(prefix.next_hops)},
          {"interface", prefix.interface},       {"node", prefix.node},         {"installed", prefix.installed},
          {"age_s", prefix.age}};
}

Json json_of(const Finding& finding) {
  return {{"severity", finding.severity == Severity::broken ? "broken" : "warning"},
          {"subject", finding.subject},
          {"what", finding.what},
          {"cause", finding.cause},
          {"fix", finding.fix}};
}

template <class T>
Json array_of(const std::vector<T>& values) {
  auto array = Json::array();
  for (const auto& value : values) array.push_back(json_of(value));
  return array;
}

// Reading: it comes from our own daemon, yet from another process; a wrong
// type throws inside and becomes one protocol error outside.
template <class T>
T parsed(const Json& json) {
  auto value = T::parse(json.get_ref<const std::string&>());
  if (!value) throw std::invalid_argument(value.error().message);
  return std::move(*value);
}

template <class T>
std::vector<T> parsed_all(const Json& array) {
  std::vector<T> values;
  for (const auto& item : array) values.push_back(parsed<T>(item));
  return values;
}

PeerHealth peer_from(const Json& json) {
  PeerHealth peer;
  peer.node = json.at("node");
  peer.public_key = parsed<PublicKey>(json.at("public_key"));
  peer.present = json.at("present");
  if (!json.at("endpoint").is_null()) peer.endpoint = parsed<Endpoint>(json.at("endpoint"));
  if (!json.at("handshake_age_s").is_null()) peer.handshake_age = json.at("handshake_age_s").get<std::int64_t>();
  peer.rx_bytes = json.at("rx_bytes");
  peer.tx_bytes = json.at("tx_bytes");
  peer.foreign_packets = json.at("foreign_packets");
  if (!json.at("foreign_age_s").is_null()) peer.foreign_age = json.at("foreign_age_s").get<std::int64_t>();
  peer.allowed_ips = parsed_all<Prefix>(json.at("allowed_ips"));
  return peer;
}

WireHealth wire_from(const Json& json) {
  WireHealth wire;
  wire.interface = json.at("interface");
  wire.present = json.at("present");
  wire.up = json.at("up");
  wire.mtu = json.at("mtu");
  wire.listen_port = json.at("listen_port");
  for (const auto& peer : json.at("peers")) wire.peers.push_back(peer_from(peer));
  return wire;
}

AdjacencyHealth adjacency_from(const Json& json) {
  AdjacencyHealth adjacency;
  adjacency.node = json.at("node");
  adjacency.interface = json.at("interface");
  adjacency.address = parsed<IpAddress>(json.at("address"));
  if (!json.at("router_id").is_null()) adjacency.router_id = parsed<IpAddress>(json.at("router_id"));
  adjacency.state = json.at("state");
  adjacency.up_ms = json.at("up_ms");
  adjacency.our_mtu = json.at("our_mtu");
  if (!json.at("their_mtu").is_null()) adjacency.their_mtu = json.at("their_mtu").get<int>();
  adjacency.protocol = json.at("protocol");
  adjacency.prefixes = json.at("prefixes");
  return adjacency;
}

LearnedPrefix prefix_from(const Json& json) {
  LearnedPrefix prefix;
  prefix.prefix = parsed<Prefix>(json.at("prefix"));
  prefix.protocol = json.at("protocol");
  prefix.next_hops = parsed_all<IpAddress>(json.at("next_hops"));
  prefix.interface = json.at("interface");
  prefix.node = json.at("node");
  prefix.installed = json.at("installed");
  prefix.age = json.at("age_s");
  return prefix;
}

Finding finding_from(const Json& json) {
  return {json.at("severity") == "broken" ? Severity::broken : Severity::warning, json.at("subject"), json.at("what"),
          json.at("cause"), json.at("fix")};
}

}  // namespace

std::string to_json(const Snapshot& snapshot) {
  const Json json{{"fabric", snapshot.fabric},
                  {"node", snapshot.node},
                  {"role", snapshot.role},
                  {"state", snapshot.state},
                  {"healthy", snapshot.healthy()},
                  {"verdict", snapshot.verdict},
                  {"wireguard", snapshot.wireguard},
                  {"frr_version", snapshot.frr_version},
                  {"wires", array_of(snapshot.wires)},
                  {"adjacencies", array_of(snapshot.adjacencies)},
                  {"prefixes", array_of(snapshot.prefixes)},
                  {"missing_daemons", snapshot.missing_daemons},
                  {"unbound_lans", texts(snapshot.unbound_lans)},
                  {"problems", snapshot.problems},
                  {"findings", array_of(snapshot.findings)}};
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

Result<Snapshot> snapshot_from_json(std::string_view text) {
  try {
    const auto json = Json::parse(text);
    Snapshot snapshot;
    snapshot.fabric = json.at("fabric");
    snapshot.node = json.at("node");
    snapshot.role = json.at("role");
    snapshot.state = json.at("state");
    snapshot.verdict = json.at("verdict");
    snapshot.wireguard = json.at("wireguard");
    snapshot.frr_version = json.at("frr_version");
    for (const auto& wire : json.at("wires")) snapshot.wires.push_back(wire_from(wire));
    for (const auto& adjacency : json.at("adjacencies")) snapshot.adjacencies.push_back(adjacency_from(adjacency));
    for (const auto& prefix : json.at("prefixes")) snapshot.prefixes.push_back(prefix_from(prefix));
    snapshot.missing_daemons = json.at("missing_daemons").get<std::vector<std::string>>();
    snapshot.unbound_lans = parsed_all<Prefix>(json.at("unbound_lans"));
    snapshot.problems = json.at("problems").get<std::vector<std::string>>();
    for (const auto& finding : json.at("findings")) snapshot.findings.push_back(finding_from(finding));
    return snapshot;
  } catch (const std::exception& error) {
    return fail(Errc::protocol, "radiald's answer is not a status: {}", error.what());
  }
}

}  // namespace radial::observe
