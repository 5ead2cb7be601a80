#include "compile/json.h"

#include <array>

#include "compile/json_fields.h"
#include "fabric/strict_json.h"

namespace radial {
namespace {

using nlohmann::json;
using nlohmann::ordered_json;

constexpr JsonLimits limits{.max_bytes = 64U << 20U, .max_depth = 8};

// A node reads what an older or a newer Radial wrote in the same format: fields that are
// new may be missing, those it does not know are passed over. What a node must not pass over needs
// another number here: nodes that do not know it stay with what they have.
constexpr int format_version = 1;

template <class Enum, std::size_t N>
using Words = std::array<std::pair<Enum, std::string_view>, N>;

constexpr Words<NodeRole, 2> role_words{{{NodeRole::hub, "hub"}, {NodeRole::site, "site"}}};
constexpr Words<WireShape, 2> shape_words{
    {{WireShape::multipoint, "multipoint"}, {WireShape::point_to_point, "point_to_point"}}};
constexpr Words<OspfMode, 8> mode_words{{{OspfMode::none, "none"},
                                         {OspfMode::p2mp_non_broadcast, "p2mp_non_broadcast"},
                                         {OspfMode::p2mp_multicast, "p2mp_multicast"},
                                         {OspfMode::p2mp_multicast_site, "p2mp_multicast_site"},
                                         {OspfMode::p2mp, "p2mp"},
                                         {OspfMode::nbma_hub, "nbma_hub"},
                                         {OspfMode::nbma_site, "nbma_site"},
                                         {OspfMode::point_to_point, "point_to_point"}}};

constexpr Words<Trust, 2> trust_words{{{Trust::routed, "routed"}, {Trust::fixed, "static"}}};
constexpr Words<RoutingEngine, 2> engine_words{{{RoutingEngine::ospf, "ospf"}, {RoutingEngine::bgp, "bgp"}}};

template <class Enum, std::size_t N>
std::string_view word_of(Enum wanted, const Words<Enum, N>& words) {
  for (const auto& [value, word] : words)
    if (value == wanted) return word;
  return words.front().second;
}

template <class Value>
ordered_json texts(const std::vector<Value>& values) {
  auto array = ordered_json::array();
  for (const auto& value : values) array.push_back(value.to_string());
  return array;
}

template <class Value, class Write>
ordered_json list(const std::vector<Value>& values, Write write) {
  auto array = ordered_json::array();
  for (const auto& value : values) array.push_back(write(value));
  return array;
}

// --- writing ---

ordered_json write_peer(const WirePeer& peer) {
  ordered_json object;
  object["node"] = peer.node;
  if (peer.public_key) object["public_key"] = peer.public_key->to_string();
  if (peer.next_key) object["next_key"] = peer.next_key->to_string();
  object["endpoints"] = texts(peer.endpoints);
  object["allowed_ips"] = texts(peer.allowed_ips);
  object["keepalive"] = peer.keepalive;
  object["addresses"] = texts(peer.addresses);
  object["grant"]["any"] = peer.grant.any;
  object["grant"]["prefixes"] = texts(peer.grant.prefixes);
  object["lans"] = texts(peer.lans);
  object["trust"] = word_of(peer.trust, trust_words);
  return object;
}

ordered_json write_wire(const Wire& wire) {
  ordered_json object;
  object["interface"] = wire.interface;
  object["shape"] = word_of(wire.shape, shape_words);
  object["hub"] = wire.hub;
  object["listen_port"] = wire.listen_port;
  object["fwmark"] = wire.fwmark;
  object["mtu"] = wire.mtu;
  object["addresses"] = texts(wire.addresses);
  object["ospf"] = word_of(wire.ospf, mode_words);
  object["cost"] = wire.cost;
  object["mtu_ignore"] = wire.mtu_ignore;
  object["peers"] = list(wire.peers, write_peer);
  return object;
}

// --- reading ---

// A string that is read as it is, but must pass a rule.
template <class Rule>
auto ruled(std::string_view what, Rule rule) {
  return [what, rule](std::string_view text) -> Result<std::string> {
    if (rule(text)) return std::string(text);
    return fail(Errc::invalid_argument, "'{}' is not {}", text.substr(0, 64), what);
  };
}

bool is_interface_name(std::string_view text) {  // dev_valid_name() of the kernel
  return !text.empty() && text.size() <= 15 && text != "." && text != ".." && text.find_first_of("/: \"") == text.npos;
}

bool is_daemon_name(std::string_view text) {  // becomes a socket's path
  return !text.empty() && text.size() <= 16 &&
         text.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789") == text.npos;
}

bool is_sysctl_key(std::string_view text) {  // becomes a path below /proc/sys
  return text.starts_with("net.") && text.find_first_of("/ ") == text.npos && text.find("..") == text.npos;
}

bool is_dotted_quad(std::string_view text) {
  const auto address = IpAddress::parse(text);
  return address && address->is_v4();
}

template <class Read>
auto with_problem(Read read, std::optional<Error>& problem) {
  return [read, &problem](const json& value, const std::string& path) { return read(value, path, problem); };
}

Lan read_lan(const json& value, const std::string& path, std::optional<Error>& problem) {
  Fields fields(value, path, problem);
  return {fields.parsed("prefix", Prefix::parse), fields.flag("active")};
}

Grant read_grant(const json& value, const std::string& path, std::optional<Error>& problem) {
  Fields fields(value, path, problem);
  return {fields.flag("any"), fields.parsed_list("prefixes", Prefix::parse)};
}

WirePeer read_peer(const json& value, const std::string& path, std::optional<Error>& problem) {
  Fields fields(value, path, problem);
  WirePeer peer;
  peer.node = fields.text("node");
  if (fields.has("public_key")) peer.public_key = fields.parsed("public_key", PublicKey::parse);
  if (fields.has("next_key")) peer.next_key = fields.parsed("next_key", PublicKey::parse);
  peer.endpoints = fields.parsed_list("endpoints", Endpoint::parse);
  peer.allowed_ips = fields.parsed_list("allowed_ips", Prefix::parse);
  peer.keepalive = fields.integer<std::uint16_t>("keepalive");
  peer.addresses = fields.parsed_list("addresses", IpAddress::parse);
  peer.grant = read_grant(fields.object("grant"), fields.at("grant"), problem);
  peer.lans = fields.parsed_list("lans", Prefix::parse);
  peer.trust = fields.word("trust", trust_words);
  return peer;
}

Wire read_wire(const json& value, const std::string& path, std::optional<Error>& problem) {
  Fields fields(value, path, problem);
  Wire wire;
  wire.interface = fields.parsed("interface", ruled("an interface name", is_interface_name));
  wire.shape = fields.word("shape", shape_words);
  wire.hub = fields.text("hub");
  wire.listen_port = fields.integer<std::uint16_t>("listen_port");
  wire.fwmark = fields.integer<std::uint32_t>("fwmark");
  wire.mtu = fields.integer<int>("mtu", 68, 65535);  // RFC 791's least; virtio and loopback go up to 65535
  wire.addresses = fields.parsed_list("addresses", InterfaceAddress::parse);
  wire.ospf = fields.word("ospf", mode_words);
  wire.cost = fields.integer<std::uint32_t>("cost", 1, 65535);  // 16 bits in a router-LSA
  wire.mtu_ignore = fields.flag("mtu_ignore");
  wire.peers = fields.list("peers", with_problem(read_peer, problem));
  return wire;
}

Sysctl read_sysctl(const json& value, const std::string& path, std::optional<Error>& problem) {
  Fields fields(value, path, problem);
  return {fields.parsed("key", ruled("a sysctl key below net", is_sysctl_key)), fields.text("value")};
}

FrrStanza read_stanza(const json& value, const std::string& path, std::optional<Error>& problem) {
  Fields fields(value, path, problem);
  return {fields.parsed("daemon", ruled("the name of an FRR daemon", is_daemon_name)), fields.text("context"),
          fields.text_list("lines")};
}

Router read_router(const json& value, const std::string& path, std::optional<Error>& problem) {
  Fields fields(value, path, problem);
  return {fields.text("node"), fields.parsed("id", IpAddress::parse), fields.flag("hub"),
          fields.flag("others_behind"), fields.has("several_hubs") && fields.flag("several_hubs")};
}

BgpPart read_bgp(const json& value, const std::string& path, std::optional<Error>& problem) {
  Fields fields(value, path, problem);
  BgpPart bgp;
  bgp.settings.asn = fields.integer<std::uint32_t>("asn", 1);
  bgp.settings.keepalive = fields.integer<std::uint16_t>("keepalive", 1);
  bgp.settings.hold = fields.integer<std::uint16_t>("hold", 3);
  bgp.settings.bfd = fields.flag("bfd");
  bgp.ipv4 = fields.flag("ipv4");
  bgp.ipv6 = fields.flag("ipv6");
  return bgp;
}

NodeConfig read_config(const json& value, std::optional<Error>& problem) {
  Fields fields(value, "", problem);
  NodeConfig config;
  if (fields.integer<int>("format") != format_version)
    fields.fail_at("format", fmt::format("this version of Radial knows format {} only", format_version));
  config.fabric = fields.text("fabric");
  config.node = fields.text("node");
  config.role = fields.word("role", role_words);
  config.router_id = fields.parsed("router_id", IpAddress::parse);
  config.wires = fields.list("wires", with_problem(read_wire, problem));
  config.lans = fields.list("lans", with_problem(read_lan, problem));
  config.elsewhere = read_grant(fields.object("elsewhere"), fields.at("elsewhere"), problem);
  config.tunnels = fields.parsed_list("tunnels", Prefix::parse);
  config.routers = fields.list("routers", with_problem(read_router, problem));
  config.routing = fields.word("routing", engine_words);
  config.bgp = read_bgp(fields.object("bgp"), fields.at("bgp"), problem);
  config.lan_cost = fields.integer<std::uint32_t>("lan_cost", 1, 65535);
  config.area = fields.parsed("area", ruled("an OSPF area as a dotted quad", is_dotted_quad));
  config.hello = fields.integer<std::uint16_t>("hello", 1);
  config.dead = fields.integer<std::uint16_t>("dead", 1);
  config.sysctls = fields.list("sysctls", with_problem(read_sysctl, problem));
  config.frr = fields.list("frr", with_problem(read_stanza, problem));
  config.nft = fields.text("nft", /*multi_line=*/true);
  return config;
}

}  // namespace

std::string to_json(const NodeConfig& config) {
  ordered_json object;
  object["format"] = format_version;
  object["fabric"] = config.fabric;
  object["node"] = config.node;
  object["role"] = word_of(config.role, role_words);
  object["router_id"] = config.router_id.to_string();
  object["wires"] = list(config.wires, write_wire);
  object["lans"] = list(config.lans, [](const Lan& lan) {
    return ordered_json{{"prefix", lan.prefix.to_string()}, {"active", lan.active}};
  });
  object["elsewhere"]["any"] = config.elsewhere.any;
  object["elsewhere"]["prefixes"] = texts(config.elsewhere.prefixes);
  object["tunnels"] = texts(config.tunnels);
  object["routers"] = list(config.routers, [](const Router& router) {
    return ordered_json{{"node", router.node},
                        {"id", router.id.to_string()},
                        {"hub", router.hub},
                        {"others_behind", router.others_behind},
                        {"several_hubs", router.several_hubs}};
  });
  object["routing"] = word_of(config.routing, engine_words);
  object["bgp"] = {{"asn", config.bgp.settings.asn}, {"keepalive", config.bgp.settings.keepalive},
                   {"hold", config.bgp.settings.hold}, {"bfd", config.bgp.settings.bfd},
                   {"ipv4", config.bgp.ipv4}, {"ipv6", config.bgp.ipv6}};
  object["lan_cost"] = config.lan_cost;
  object["area"] = config.area;
  object["hello"] = config.hello;
  object["dead"] = config.dead;
  object["sysctls"] = list(config.sysctls, [](const Sysctl& sysctl) {
    return ordered_json{{"key", sysctl.key}, {"value", sysctl.value}};
  });
  object["frr"] = list(config.frr, [](const FrrStanza& stanza) {
    return ordered_json{{"daemon", stanza.daemon}, {"context", stanza.context}, {"lines", stanza.lines}};
  });
  object["nft"] = config.nft;
  return object.dump(2, ' ', false, ordered_json::error_handler_t::replace) + "\n";
}

Result<NodeConfig> node_config_from_json(std::string_view text) {
  RADIAL_ASSIGN(const auto value, parse_strict_json(text, limits));
  std::optional<Error> problem;
  auto config = read_config(value, problem);
  if (problem) return Unexpected(std::move(*problem).within("node configuration"));
  return config;
}

}  // namespace radial
