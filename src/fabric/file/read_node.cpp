#include "fabric/file/read_node.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "fabric/file/scalars.h"
#include "fabric/nearest.h"

namespace radial::file {
namespace {

constexpr std::array<std::string_view, 10> hub_keys{"endpoint", "endpoints", "lans",    "grant", "listen_port",
                                                    "tunnel",   "tunnel6",   "address", "cost",  "wire"};
constexpr std::array<std::string_view, 7> site_keys{"lans", "grant", "hubs", "address", "mtu", "keepalive", "trust"};
constexpr std::array<std::string_view, 2> lan_keys{"prefix", "active"};
constexpr std::array<std::string_view, 1> grant_keys{"only"};

// A prefix that hosts may live in.
bool check_ordinary(const Place& place, const Prefix& prefix, MistakeList& mistakes) {
  const auto special = special_range(prefix);
  if (!special) return true;
  complain(mistakes, place.spot, place.node->text, fmt::format("overlaps {}", *special),
           "write the prefix of an ordinary network");
  return false;
}

std::optional<Prefix> read_lan_prefix(const Place& place, MistakeList& mistakes) {
  const auto prefix = read_prefix(place, mistakes);
  if (!prefix) return std::nullopt;
  if (prefix->is_default()) {
    complain(mistakes, place.spot, place.node->text, "is the default route, not a LAN",
             "name the networks behind the node; to let it announce a default route, list it in its grant");
    return std::nullopt;
  }
  if (!check_ordinary(place, *prefix, mistakes)) return std::nullopt;
  return prefix;
}

std::optional<Lan> read_lan(const Place& item, MistakeList& mistakes) {
  if (!item.is_map()) {
    const auto prefix = read_lan_prefix(item, mistakes);
    return prefix ? std::optional(Lan{*prefix, false}) : std::nullopt;
  }
  const Section section(item, lan_keys, "{prefix: 192.168.20.0/24, active: true}", mistakes);
  Lan lan;
  if (const auto* active = section.find("active")) lan.active = read_bool(*active, mistakes).value_or(false);
  const auto* place = section.find("prefix");
  if (!place) {
    if (!section.misspelt("prefix"))
      complain(mistakes, {item.spot.line, item.spot.field + ".prefix"}, "", "is missing",
               "write {prefix: 192.168.20.0/24, active: true}");
    return std::nullopt;
  }
  const auto prefix = read_lan_prefix(*place, mistakes);
  if (!prefix) return std::nullopt;
  lan.prefix = *prefix;
  return lan;
}

std::vector<Written<Lan>> read_lans(const Place& place, MistakeList& mistakes) {
  std::vector<Written<Lan>> lans;
  for (const auto& item : items_of(place, "a list of prefixes like [192.168.20.0/24]", mistakes))
    if (const auto lan = read_lan(item, mistakes)) lans.push_back({*lan, item.spot});
  return lans;
}

constexpr std::string_view grant_form = "write lans, any, a list of prefixes, or {only: [...]}";

void read_grant_items(const Place& place, DraftGrant& grant, MistakeList& mistakes) {
  if (!place.is_sequence()) grant.sound = false;
  if (place.is_null() || (place.is_scalar() && !Prefix::parse(place.node->text))) {
    complain_kind(mistakes, place, "a list", "write a list of prefixes like [10.20.0.0/16]");
    return;
  }
  for (const auto& item : items_of(place, "a list of prefixes like [10.20.0.0/16]", mistakes)) {
    if (item.is_scalar() && item.node->text == "lans" && grant.form == GrantForm::listed) continue;
    if (item.is_scalar() && item.node->text == "any" && grant.form == GrantForm::listed) {
      grant.any = true;
      continue;
    }
    const auto prefix = read_prefix(item, mistakes);
    if (prefix && (prefix->is_default() || check_ordinary(item, *prefix, mistakes)))
      grant.prefixes.push_back({*prefix, item.spot});
    else
      grant.sound = false;
  }
}

DraftGrant read_grant(const Place& place, MistakeList& mistakes) {
  DraftGrant grant;
  grant.spot = place.spot;
  if (place.is_sequence()) {
    grant.form = GrantForm::listed;
    read_grant_items(place, grant, mistakes);
  } else if (place.is_map()) {
    grant.form = GrantForm::only;
    const Section section(place, grant_keys, grant_form, mistakes);
    if (const auto* only = section.find("only"))
      read_grant_items(*only, grant, mistakes);
    else
      grant.sound = false;
    if (!section.find("only") && place.node->items.empty())
      complain(mistakes, place.spot, "", "is an empty map", std::string(grant_form));
  } else if (const auto word = read_word(place, "a grant", std::string(grant_form), mistakes)) {
    if (*word == "any") {
      grant.form = GrantForm::listed;
      grant.any = true;
    } else if (*word != "lans") {
      grant.sound = false;
      complain(mistakes, place.spot, *word, "is not a grant",
               Prefix::parse(*word) ? fmt::format("write [{}]", *word) : std::string(grant_form));
    }
  } else {
    grant.sound = false;
  }
  return grant;
}

// What hubs and sites have in common.
void read_common(const Entry& entry, const Section& section, DraftNode& node, MistakeList& mistakes) {
  node.name = entry.key;
  node.spot = {entry.key_line, entry.value.spot.field};
  if (!check_name(node.spot, entry.key, mistakes)) node.name = printable(entry.key, 64);
  if (const auto* lans = section.find("lans")) node.lans = read_lans(*lans, mistakes);
  if (const auto* grant = section.find("grant")) node.grant = read_grant(*grant, mistakes);
  if (const auto* place = section.find("address"))
    if (const auto address = read_v4_address(*place, mistakes)) node.address = {*address, place->spot};
}

// An address that cannot be dialled from elsewhere.
bool check_dialable(const Place& place, const Endpoint& endpoint, MistakeList& mistakes) {
  const auto address = endpoint.address();
  const auto special = address ? special_range(Prefix::host(*address)) : std::nullopt;
  if (!special) return true;
  complain(mistakes, place.spot, place.node->text, fmt::format("is in {}, which sites cannot dial", *special),
           "write the name or address that sites reach the hub by");
  return false;
}

void read_endpoints(const Section& section, DraftHub& hub, MistakeList& mistakes) {
  const auto* one = section.find("endpoint");
  const auto* many = section.find("endpoints");
  std::vector<Place> places;
  if (one && many) {
    complain(mistakes, many->spot, "", "stands beside endpoint", "keep one of the two: endpoints takes a list");
  } else if (one) {
    places.push_back(*one);
  } else if (many) {
    places = items_of(*many, "a list like [vpn.example.com:51820]", mistakes);
    if (many->is_null() || (many->is_sequence() && places.empty()))
      complain(mistakes, many->spot, "", "is empty", "write at least one, for example [vpn.example.com:51820]");
  } else if (!section.misspelt("endpoint") && !section.misspelt("endpoints")) {
    complain(mistakes, {hub.spot.line, hub.spot.field + ".endpoint"}, "", "is missing",
             "write where sites reach this hub, for example endpoint: vpn.example.com:51820");
  }
  for (const auto& place : places) {
    const auto endpoint = read_endpoint(place, hub.listen_port, mistakes);
    if (endpoint && check_dialable(place, *endpoint, mistakes)) hub.endpoints.push_back({*endpoint, place.spot});
  }
}

std::vector<Written<std::string>> read_hub_names(const Place& place, MistakeList& mistakes) {
  std::vector<Written<std::string>> names;
  const auto items = items_of(place, "a list of hub names like [fra1, ams1]", mistakes);
  for (const auto& item : items)
    if (const auto name = read_word(item, "the name of a hub", "write the name of a hub", mistakes))
      names.push_back({std::string(*name), item.spot});
  if (place.is_null() || (place.is_sequence() && items.empty()))
    complain(mistakes, place.spot, "", "names no hub", "name at least one, or leave it out for all hubs");
  return names;
}

}  // namespace

std::optional<std::uint16_t> read_listen_port(const Place& place, MistakeList& mistakes) {
  const auto port = read_number(place, 1, 65535, "", mistakes);
  if (!port) return std::nullopt;
  // FRR's bfdd listens there on every node (RFC 5881, RFC 5883).
  if (*port == 3784 || *port == 3785 || *port == 4784) {
    complain(mistakes, place.spot, place.node->text, "is a port of BFD, which runs beside WireGuard on a node",
             "write another port, for example 51820");
    return std::nullopt;
  }
  return static_cast<std::uint16_t>(*port);
}

std::optional<int> read_mtu(const Place& place, MistakeList& mistakes) {
  const auto bytes = read_digits(place, "write the bytes of a packet inside the tunnel, like 1420", mistakes);
  if (!bytes) return std::nullopt;
  return static_cast<int>(std::min<std::uint32_t>(*bytes, 1'000'000'000));  // the rules refuse far less
}

std::optional<std::uint16_t> read_keepalive(const Place& place, MistakeList& mistakes) {
  const auto seconds = read_number(place, 0, 65535, " (seconds; 0 is off)", mistakes);
  return seconds ? std::optional(static_cast<std::uint16_t>(*seconds)) : std::nullopt;
}

std::optional<Prefix> read_tunnel_v4(const Place& place, MistakeList& mistakes) {
  const auto prefix = read_prefix(place, mistakes);
  if (!prefix) return std::nullopt;
  if (prefix->family() != Family::v4) {
    complain(mistakes, place.spot, place.node->text, "is an IPv6 prefix", "write it as tunnel6");
    return std::nullopt;
  }
  if (prefix->length() < 8 || prefix->length() > 30) {
    complain(mistakes, place.spot, place.node->text, "is too wide or too narrow for a tunnel prefix",
             "write a length from 8 to 30; a /24 holds a hub and 253 sites");
    return std::nullopt;
  }
  if (!check_ordinary(place, *prefix, mistakes)) return std::nullopt;
  return prefix;
}

std::optional<Prefix> read_tunnel_v6(const Place& place, bool& none, MistakeList& mistakes) {
  if (place.is_scalar() && place.node->text == "none") {
    none = true;
    return std::nullopt;
  }
  const auto prefix = read_prefix(place, mistakes);
  if (!prefix) return std::nullopt;
  if (prefix->family() != Family::v6) {
    complain(mistakes, place.spot, place.node->text, "is an IPv4 prefix", "write it as tunnel");
    return std::nullopt;
  }
  if (prefix->length() != 64) {
    complain(mistakes, place.spot, place.node->text, "is not a /64",
             fmt::format("write {}", Prefix::of(prefix->address(), 64).to_string()));
    return std::nullopt;
  }
  if (!check_ordinary(place, *prefix, mistakes)) return std::nullopt;
  return prefix;
}

DraftHub read_hub(const Entry& entry, const NodeDefaults& defaults, MistakeList& mistakes) {
  DraftHub hub;
  const Section section(entry.value, hub_keys, "{endpoint: vpn.example.com:51820}", mistakes);
  read_common(entry, section, hub, mistakes);
  hub.listen_port = defaults.listen_port;
  if (const auto* port = section.find("listen_port"))
    hub.listen_port = read_listen_port(*port, mistakes).value_or(defaults.listen_port);
  if (entry.value.is_map() || entry.value.is_null()) read_endpoints(section, hub, mistakes);
  if (const auto* place = section.find("tunnel")) {
    hub.own_v4 = true;
    if (const auto prefix = read_tunnel_v4(*place, mistakes)) hub.tunnel_v4 = {*prefix, place->spot};
  }
  if (const auto* place = section.find("tunnel6")) {
    hub.own_v6 = true;
    if (const auto prefix = read_tunnel_v6(*place, hub.no_v6, mistakes)) hub.tunnel_v6 = {*prefix, place->spot};
  }
  if (const auto* cost = section.find("cost")) hub.cost = read_number(*cost, 1, 65535, "", mistakes).value_or(10);
  if (const auto* place = section.find("wire")) {
    if (const auto word = read_word(*place, "a word", "write multipoint or dedicated", mistakes)) {
      if (*word == "dedicated")
        hub.wire = {SiteWires::dedicated, place->spot};
      else if (*word != "multipoint")
        complain(mistakes, place->spot, *word, "is not a kind of wire", "write multipoint or dedicated");
    }
  }
  return hub;
}

DraftSite read_site(const Entry& entry, const NodeDefaults& defaults, MistakeList& mistakes) {
  DraftSite site;
  const Section section(entry.value, site_keys, "{lans: [192.168.20.0/24]}", mistakes);
  read_common(entry, section, site, mistakes);
  if (const auto* hubs = section.find("hubs")) site.hubs = read_hub_names(*hubs, mistakes);
  if (const auto* place = section.find("mtu"))
    if (const auto mtu = read_mtu(*place, mistakes)) site.mtu = {*mtu, place->spot};
  site.keepalive = defaults.keepalive;
  if (const auto* keepalive = section.find("keepalive"))
    site.keepalive = read_keepalive(*keepalive, mistakes).value_or(defaults.keepalive);
  if (const auto* place = section.find("trust")) {
    if (const auto word = read_word(*place, "a word", "write routed or static", mistakes)) {
      if (*word == "static")
        site.trust = {Trust::fixed, place->spot};
      else if (*word != "routed")
        complain(mistakes, place->spot, *word, "is not a kind of trust", "write routed or static");
    }
  }
  return site;
}

}  // namespace radial::file
