// RouterOS 7: the menus that an export adds to, their properties and which of
// them must be there.
//
// Documented in MikroTik's manual (manual.mikrotik.com, CLI reference; before
// that help.mikrotik.com, pages WireGuard, OSPF, IP Addressing, Mangle):
// /interface/wireguard, /interface/wireguard/peers, /ip/address, /ipv6/address,
// /ip/firewall/mangle, /routing/ospf/{instance,area,interface-template,
// static-neighbor}; that nbma and ptmp need static neighbours: user guide OSPF,
// "Neighbor Relationship", discovery on NBMA and on PTMP subnets.
#pragma once

#include <map>
#include <set>

#include "exchange/grammar.h"

namespace radial::exchange::grammar {

struct RouterOsProperty {
  std::string_view name;
  std::string_view type;   // "of:MENU": the name of an item added there before; "flag": no value
  bool mandatory = false;  // by the manual, or no tunnel or adjacency comes up without
};

struct RouterOsMenu {
  std::string_view path;
  std::vector<RouterOsProperty> properties;
};

inline const std::vector<RouterOsMenu>& routeros_menus() {
  static const std::vector<RouterOsMenu> menus{
      {"/interface wireguard",
       {{"name", "name", true}, {"mtu", "0-65536"}, {"listen-port", "0-65535"}, {"private-key", "private-key", true},
        {"vrf", "name"}, {"comment", "string"}, {"disabled", "yes|no"}}},
      {"/interface wireguard peers",
       {{"interface", "of:/interface wireguard", true}, {"public-key", "key", true}, {"allowed-address", "list:prefix", true},
        {"endpoint-address", "ip|fqdn"}, {"endpoint-port", "0-65535"}, {"persistent-keepalive", "time"}, {"preshared-key", "preshared-key"},
        {"name", "string"}, {"responder", "yes|no"}, {"comment", "string"}, {"disabled", "yes|no"}}},
      {"/ip address",
       {{"address", "address4/length", true}, {"interface", "name", true}, {"network", "ip4"}, {"comment", "string"},
        {"disabled", "yes|no"}}},
      {"/ipv6 address",
       {{"address", "address6/length", true}, {"interface", "name", true}, {"advertise", "yes|no"}, {"eui-64", "yes|no"},
        {"no-dad", "yes|no"}, {"comment", "string"}, {"disabled", "yes|no"}}},
      {"/ip firewall mangle",
       {{"chain", "prerouting|input|forward|output|postrouting", true}, {"action", "change-mss|accept|mark-packet|mark-routing|passthrough"},
        {"protocol", "tcp|udp|ospf"}, {"tcp-flags", "list:fin|syn|rst|psh|ack|urg|ece|cwr"}, {"in-interface", "name"},
        {"out-interface", "name"}, {"new-mss", "clamp-to-pmtu|40-65534"}, {"tcp-mss", "mss-range"}, {"passthrough", "yes|no"},
        {"comment", "string"}, {"disabled", "yes|no"}}},
      {"/routing ospf instance",
       {{"name", "name", true}, {"version", "2|3"}, {"router-id", "ip4|name", true}, {"vrf", "name"}, {"comment", "string"},
        {"disabled", "yes|no"}}},
      {"/routing ospf area",
       {{"name", "name", true}, {"instance", "of:/routing ospf instance", true}, {"area-id", "ip4", true}, {"type", "default|nssa|stub"},
        {"comment", "string"}, {"disabled", "yes|no"}}},
      {"/routing ospf interface-template",
       {{"area", "of:/routing ospf area", true}, {"interfaces", "list:name", true}, {"networks", "list:prefix"},
        {"type", "broadcast|nbma|ptp|ptp-unnumbered|ptmp|ptmp-broadcast"}, {"cost", "0-65535"}, {"priority", "0-255"},
        {"hello-interval", "time"}, {"dead-interval", "time"}, {"retransmit-interval", "time"}, {"transmit-delay", "time"},
        {"passive", "flag"}, {"auth", "simple|md5|sha1|sha256|sha384|sha512"}, {"auth-id", "0-255"}, {"auth-key", "string"},
        {"use-bfd", "yes|no"}, {"comment", "string"}, {"disabled", "yes|no"}}},
      {"/routing ospf static-neighbor",
       {{"area", "of:/routing ospf area", true}, {"address", "address%interface", true}, {"instance-id", "0-255"},
        {"poll-interval", "time"}, {"comment", "string"}, {"disabled", "yes|no"}}},
  };
  return menus;
}

// Words parted by blanks; quotes hold a value together and are taken off. Nothing: a quote is not closed.
inline std::optional<std::vector<std::string>> routeros_words(std::string_view line) {
  std::vector<std::string> words{""};
  bool quoted = false;
  for (const char c : line) {
    if (c == '"') quoted = !quoted;
    else if (c == ' ' && !quoted) words.emplace_back();
    else words.back() += c;
  }
  if (quoted || std::ranges::find(words, "") != words.end()) return std::nullopt;
  return words;
}

inline Complaints check_routeros(std::string_view text) {
  Complaints complaints;
  std::map<std::string, std::set<std::string>, std::less<>> names;  // of the items of each menu
  std::set<std::string> unicast;   // interfaces that need a static neighbour
  std::set<std::string> greeted;   // and those that have one
  const auto fits_here = [&](std::string_view type, std::string_view value) {
    if (type.starts_with("of:")) {
      const auto menu = names.find(type.substr(3));
      return menu != names.end() && menu->second.contains(std::string(value));
    }
    if (type == "mss-range") {
      const auto ends = split(value, "-");
      return ends.size() == 2 && fits("0-65535", ends[0]) && fits("0-65535", ends[1]) && *number(ends[0]) <= *number(ends[1]);
    }
    if (type == "address%interface") {
      const auto parts = split(value, "%");
      return parts.size() == 2 && fits("ip4", parts[0]) && fits("name", parts[1]);
    }
    return fits(type, value);
  };
  for (const auto& [count, line] : lines_of(text)) {
    const auto add = line.find(" add ");
    const auto path = std::string_view(line).substr(0, add);
    const auto menu = std::ranges::find_if(routeros_menus(), [&](const auto& one) { return one.path == path; });
    const auto words = add == std::string::npos ? std::nullopt : routeros_words(line.substr(add + 5));
    if (menu == routeros_menus().end() || !words) {
      complaints.push_back(fmt::format("{}: no add in a menu of the manual: {}", count, line));
      continue;
    }
    std::map<std::string, std::string, std::less<>> values;
    for (const auto& word : *words) {
      const auto name = word.substr(0, word.find('='));
      const auto property = std::ranges::find_if(menu->properties, [&](const auto& one) { return one.name == name; });
      const bool flag = name.size() == word.size();
      const auto value = flag ? "" : word.substr(name.size() + 1);
      if (property == menu->properties.end() || (property->type == "flag") != flag || (!flag && !fits_here(property->type, value)))
        complaints.push_back(fmt::format("{}: {} has no such property or value: {}", count, menu->path, word));
      else if (!values.emplace(name, value).second)
        complaints.push_back(fmt::format("{}: twice: {}", count, name));
    }
    for (const auto& property : menu->properties)
      if (property.mandatory && !values.contains(property.name))
        complaints.push_back(fmt::format("{}: {} needs {}", count, menu->path, property.name));
    if (values.contains("endpoint-address") != values.contains("endpoint-port"))
      complaints.push_back(fmt::format("{}: half an endpoint", count));
    if (values.contains("name")) names[std::string(menu->path)].insert(values["name"]);
    if (menu->path == "/routing ospf interface-template" && (values["type"] == "nbma" || values["type"] == "ptmp"))
      unicast.insert(values["interfaces"]);
    if (menu->path == "/routing ospf static-neighbor" && values["address"].find('%') != std::string::npos)
      greeted.insert(split(values["address"], "%").back());
  }
  for (const auto& interface : unicast)
    if (!greeted.contains(interface)) complaints.push_back(fmt::format("{} has no static neighbor", interface));
  for (const auto& interface : greeted)
    if (!unicast.contains(interface)) complaints.push_back(fmt::format("a static neighbor on {}, which has none", interface));
  for (const auto* path : {"/interface wireguard", "/routing ospf instance", "/routing ospf area"})
    if (names[path].empty()) complaints.push_back(fmt::format("no {}", path));
  return complaints;
}

}  // namespace radial::exchange::grammar
