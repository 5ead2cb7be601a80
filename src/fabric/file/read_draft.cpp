#include "fabric/file/read_draft.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "fabric/file/read_node.h"
#include "fabric/file/scalars.h"
#include "fabric/file/tunnels.h"
#include "fabric/nearest.h"

namespace radial::file {
namespace {

constexpr std::array<std::string_view, 11> root_keys{"fabric", "hubs",    "sites",       "routing",   "interface",  "mtu",
                                                     "tunnel", "tunnel6", "listen_port", "keepalive", "rotate_days"};
constexpr std::array<std::string_view, 9> routing_keys{"engine", "area", "hello",     "dead", "lan_cost",
                                                       "asn",    "keepalive", "hold", "bfd"};
constexpr std::array<std::string_view, 4> ospf_keys{"area", "hello", "dead", "lan_cost"};
constexpr std::array<std::string_view, 4> bgp_keys{"asn", "keepalive", "hold", "bfd"};
constexpr std::array<std::string_view, 2> engines{"ospf", "bgp"};

constexpr std::size_t longest_interface = 15;  // IFNAMSIZ without its NUL
constexpr std::size_t most_hubs = 256;

// Stricter than the kernel (dev_valid_name): a dot would split sysctl keys, and
// quotes, blanks or wildcards would need care in nftables and FRR.
void read_interface(const Place& place, Draft& draft, MistakeList& mistakes) {
  const auto name = read_word(place, "an interface name", "write a name like wg0", mistakes);
  if (!name) return;
  const auto plain = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
  };
  if (name->empty() || name->size() > longest_interface)
    complain(mistakes, place.spot, *name, fmt::format("has {} characters", name->size()),
             fmt::format("write a name of 1 to {} characters, like wg0", longest_interface));
  else if (!std::all_of(name->begin(), name->end(), plain) || name->front() == '-' ||
           (name->front() >= '0' && name->front() <= '9'))
    complain(mistakes, place.spot, *name, "is not a name for an interface",
             "begin with a letter; then letters, digits, - and _, like wg0");
  else if (*name == "lo" || *name == "all" || *name == "default")
    complain(mistakes, place.spot, *name, "has a meaning of its own to Linux", "write another name, like wg0");
  else
    draft.interface = {std::string(*name), place.spot};
}

// A number (0) or a dotted quad (0.0.0.0), as in OSPF's packets; kept as a quad.
std::optional<std::string> read_area(const Place& place, MistakeList& mistakes) {
  const auto text = read_word(place, "an area", "write an area like 0 or 0.0.0.0", mistakes);
  if (!text) return std::nullopt;
  if (const auto quad = IpAddress::parse(*text); quad && quad->is_v4()) return quad->to_string();
  if (!text->empty() && text->find_first_not_of("0123456789") == std::string_view::npos) {
    const auto number = read_number(place, 0, UINT32_MAX, " or a dotted quad", mistakes);
    return number ? std::optional(IpAddress::from_v4(*number).to_string()) : std::nullopt;
  }
  complain(mistakes, place.spot, *text, "is not an OSPF area", "write an area like 0 or 0.0.0.0");
  return std::nullopt;
}

void read_engine(const Place& place, Draft& draft, MistakeList& mistakes) {
  const auto word = read_word(place, "a routing engine", "write ospf or bgp", mistakes);
  if (!word) return;
  if (*word == "bgp") {
    draft.routing = RoutingEngine::bgp;
  } else if (*word != "ospf") {
    const auto nearest = nearest_name(*word, engines);
    complain(mistakes, place.spot, *word, "is not a routing engine",
             nearest ? fmt::format("did you mean '{}'?", *nearest) : std::string("write ospf or bgp"));
  }
}

void read_timers(const Section& section, Draft& draft, MistakeList& mistakes) {
  const auto* hello = section.find("hello");
  const auto* dead = section.find("dead");
  bool sound = true;
  const auto read = [&](const Place* place, std::uint16_t& into) {
    if (!place) return;
    const auto seconds = read_number(*place, 1, 65535, " (seconds)", mistakes);
    sound = sound && seconds.has_value();
    into = static_cast<std::uint16_t>(seconds.value_or(into));
  };
  read(hello, draft.ospf.hello);
  // Four hellos may be lost, as in RFC 2328's own example, unless said otherwise.
  draft.ospf.dead = static_cast<std::uint16_t>(std::min(draft.ospf.hello * 4, 65535));
  read(dead, draft.ospf.dead);
  if (!sound || draft.ospf.dead > draft.ospf.hello) return;
  const Place& place = dead ? *dead : *hello;
  complain(mistakes, place.spot, place.node->text,
           fmt::format("leaves a dead interval of {} s, not longer than the hello interval of {} s", draft.ospf.dead,
                       draft.ospf.hello),
           draft.ospf.hello <= 16383 ? fmt::format("write dead: {}, four hellos", draft.ospf.hello * 4)
                                     : std::string("write a shorter hello"));
}

void refuse_keys_of(std::string_view other, std::span<const std::string_view> keys, std::string_view engine,
                    const Section& section, MistakeList& mistakes) {
  for (const auto key : keys)
    if (const auto* given = section.find(key))
      complain(mistakes, given->spot, "", fmt::format("belongs to {}, and the engine is {}", other, engine),
               "remove it");
}

// RFC 4271, 4.2: a hold time of 1 or 2 seconds is refused; 0 would never notice a dead neighbour.
void read_bgp(const Section& section, Draft& draft, MistakeList& mistakes) {
  auto& bgp = draft.bgp;
  if (const auto* asn = section.find("asn")) bgp.asn = read_number(*asn, 1, UINT32_MAX - 1, "", mistakes).value_or(bgp.asn);
  if (const auto* bfd = section.find("bfd")) bgp.bfd = read_bool(*bfd, mistakes).value_or(false);
  const auto* keepalive = section.find("keepalive");
  const auto* hold = section.find("hold");
  bool sound = true;
  const auto read = [&](const Place* place, std::uint32_t least, std::uint16_t& into) {
    if (!place) return;
    const auto seconds = read_number(*place, least, 65535, " (seconds)", mistakes);
    sound = sound && seconds.has_value();
    into = static_cast<std::uint16_t>(seconds.value_or(into));
  };
  read(keepalive, 1, bgp.keepalive);
  bgp.hold = static_cast<std::uint16_t>(std::min(bgp.keepalive * 4, 65535));
  read(hold, 3, bgp.hold);
  if (!sound || bgp.hold > bgp.keepalive) return;
  const Place& place = hold ? *hold : *keepalive;
  complain(mistakes, place.spot, place.node->text,
           fmt::format("leaves a hold time of {} s, not longer than the keepalive of {} s", bgp.hold, bgp.keepalive),
           bgp.keepalive <= 16383 ? fmt::format("write hold: {}, four keepalives", bgp.keepalive * 4)
                                  : std::string("write a shorter keepalive"));
}

void read_routing(const Place& place, Draft& draft, MistakeList& mistakes) {
  if (place.is_scalar()) {
    read_engine(place, draft, mistakes);
    return;
  }
  const Section section(place, routing_keys, "ospf, bgp, or a map like {engine: ospf, area: 0}", mistakes);
  if (const auto* engine = section.find("engine")) read_engine(*engine, draft, mistakes);
  if (draft.routing == RoutingEngine::bgp) {
    refuse_keys_of("OSPF", ospf_keys, "bgp", section, mistakes);
    read_bgp(section, draft, mistakes);
    return;
  }
  refuse_keys_of("BGP", bgp_keys, "ospf", section, mistakes);
  if (const auto* area = section.find("area")) draft.ospf.area = read_area(*area, mistakes).value_or("0.0.0.0");
  if (const auto* cost = section.find("lan_cost"))
    draft.ospf.lan_cost = read_number(*cost, 1, 65535, "", mistakes).value_or(10);
  read_timers(section, draft, mistakes);
}

void read_name(const Section& section, Draft& draft, MistakeList& mistakes) {
  const auto* place = section.find("fabric");
  if (!place) {
    if (!section.misspelt("fabric"))
      complain(mistakes, {section.spot().line, "fabric"}, "", "is missing",
               "name the fabric, for example fabric: acme");
    return;
  }
  const auto name = read_word(*place, "a name", "write a name like acme", mistakes);
  if (name && check_name(place->spot, *name, mistakes)) draft.name = *name;
}

void complain_no_hub(const Spot& spot, MistakeList& mistakes) {
  complain(mistakes, spot, "", "names no hub",
           "write at least one, for example hubs: {fra1: {endpoint: vpn.example.com:51820}}");
}

void read_hubs(const Place& place, Draft& draft, const NodeDefaults& defaults, MistakeList& mistakes) {
  auto entries = entries_of(place, "hubs: {fra1: {endpoint: vpn.example.com:51820}}", mistakes);
  if (place.is_null() || (place.is_map() && place.node->items.empty())) complain_no_hub(place.spot, mistakes);
  if (entries.size() > most_hubs) {
    complain(mistakes, place.spot, "", fmt::format("names {} hubs; a fabric has at most {}", entries.size(), most_hubs),
             "make the others sites, or split the network into several fabrics");
    entries.resize(most_hubs);
  }
  for (const auto& entry : entries) draft.hubs.push_back(read_hub(entry, defaults, mistakes));
}

}  // namespace

Draft read_draft(const YamlNode& root, MistakeList& mistakes) {
  Draft draft;
  const Place whole{&root, {root.line, ""}};
  if (!whole.is_map()) {
    complain_kind(mistakes, whole, "a map", "begin with fabric: NAME, then hubs: and sites:");
    return draft;
  }
  const Section section(whole, root_keys, "fabric: acme", mistakes);
  read_name(section, draft, mistakes);
  if (const auto* interface = section.find("interface")) read_interface(*interface, draft, mistakes);
  if (const auto* mtu = section.find("mtu"))
    if (const auto bytes = read_mtu(*mtu, mistakes)) draft.mtu = {*bytes, mtu->spot};
  if (const auto* routing = section.find("routing")) read_routing(*routing, draft, mistakes);

  if (const auto* days = section.find("rotate_days"))
    draft.rotate_days =
        static_cast<std::uint16_t>(read_number(*days, 0, 3650, " (days; 0: never)", mistakes).value_or(draft.rotate_days));

  NodeDefaults defaults;
  if (const auto* port = section.find("listen_port"))
    defaults.listen_port = read_listen_port(*port, mistakes).value_or(defaults.listen_port);
  if (const auto* keepalive = section.find("keepalive"))
    defaults.keepalive = read_keepalive(*keepalive, mistakes).value_or(defaults.keepalive);

  if (const auto* hubs = section.find("hubs"))
    read_hubs(*hubs, draft, defaults, mistakes);
  else if (!section.misspelt("hubs"))
    complain_no_hub({root.line, "hubs"}, mistakes);
  if (const auto* sites = section.find("sites"))
    for (const auto& entry : entries_of(*sites, "sites: {berlin: {lans: [192.168.20.0/24]}}", mistakes))
      draft.sites.push_back(read_site(entry, defaults, mistakes));
  share_tunnels(section, draft, mistakes);
  return draft;
}

}  // namespace radial::file
