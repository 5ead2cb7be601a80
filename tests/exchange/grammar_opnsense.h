// OPNsense 25.7 and later with os-frr: the forms that an export fills in, the
// labels of their fields, the values that the data models behind them take.
//
// Documented in repository opnsense/core, folder src/opnsense/mvc/app:
// controllers/OPNsense/Wireguard/forms/dialogEditWireguard{Client,Server}.xml
// and general.xml, models/OPNsense/Wireguard/{Client,Server,General}.xml; and in
// opnsense/plugins, folder net/frr: forms general, ospf, dialogEditOSPFInterface,
// dialogEditOSPFNeighbor, model OSPF.xml (neighbours since plugin 1.45, P2MP
// options since 1.46: pkg-descr). Interfaces, rules, normalization: docs.opnsense.org,
// "WireGuard Site-to-Site Setup", "Normalization"; src/www/interfaces.php.
#pragma once

#include <map>
#include <set>

#include "exchange/grammar.h"

namespace radial::exchange::grammar {

struct OpnsenseField {
  std::string_view label;
  std::string_view type;
  bool required = false;
};

struct OpnsenseForm {
  std::string_view path;  // a last "[]" stands for an interface's name in brackets
  std::vector<OpnsenseField> fields;
  bool required = false;  // in every export
};

inline const std::vector<OpnsenseForm>& opnsense_forms() {
  static const std::vector<OpnsenseForm> forms{
      {"VPN > WireGuard > Peers > +",
       {{"Enabled", "yes|no"}, {"Name", "name", true}, {"Public key", "key", true}, {"Pre-shared key", "preshared-key"},
        {"Allowed IPs", "list:prefix", true}, {"Endpoint address", "ip|fqdn"}, {"Endpoint port", "1-65535"},
        {"Keepalive interval", "1-65535"}},
       true},
      {"VPN > WireGuard > Instances > +   (advanced mode)",
       {{"Enabled", "yes|no"}, {"Name", "name", true}, {"Private key", "private-key", true}, {"Public key", "key"},
        {"Listen port", "1-65535"}, {"MTU", "1-9300"}, {"Tunnel address", "list:address/length", true}, {"Peers", "list:name", true},
        {"Disable routes", "yes (they come from OSPF)", true}},
       true},
      {"VPN > WireGuard > Instances", {{"Enable WireGuard", "yes", true}}, true},
      {"Interfaces > Assignments > +", {{"Device", "of the instance", true}, {"Description", "name", true}}, true},
      {"Interfaces > []", {{"Enable Interface", "yes", true}}, true},
      {"Firewall > Settings > Normalization > +", {{"Interface", "name", true}, {"Max mss", "1-65535", true}}, true},
      {"Firewall > Rules > +",
       {{"Action", "Pass|Block|Reject", true}, {"Interface", "name", true}, {"Protocol", "any|TCP|UDP|OSPF", true},
        {"Destination port", "1-65535"}},
       true},
      {"Routing > General", {{"Enable", "yes", true}}, true},
      {"Routing > OSPF > General   (advanced mode)",
       {{"Enable", "yes", true}, {"Router ID", "ip4", true}, {"Reference Cost", "1-4294967"}, {"Passive Interfaces", "list:name"}},
       true},
      {"Routing > OSPF > Neighbors > +",
       {{"Description", "string"}, {"Peer-IP", "ip", true}, {"Poll-Interval", "1-65535"}, {"Priority", "0-255"}}},
      {"Routing > OSPF > Interfaces > +",
       {{"Interface", "interface", true}, {"Area", "ip4", true}, {"Cost", "1-65535"}, {"Hello Interval", "0-4294967295"},
        {"Dead Interval", "0-4294967295"}, {"Retransmission Interval", "0-4294967295"}, {"Priority", "0-4294967295"},
        {"Authentication Type", "MD5|plain"}, {"Authentication Key", "string"}, {"Authentication Key ID", "1-255"},
        {"Network Type", "Broadcast multi-access network|NBMA network|Point-to-multipoint network|Point-to-point network"},
        {"P2MP options", "Delay reflood|Non-broadcast"}},
       true},
  };
  return forms;
}

inline bool opnsense_fits(std::string_view type, std::string_view value) {
  if (type == "of the instance") return value.starts_with("of the instance ") && fits("name", value.substr(16));
  if (type != "interface") return fits(type, value);
  const auto parts = split(value, ", which holds ");
  return fits("name", parts[0]) && (parts.size() == 1 || (parts.size() == 2 && fits("prefix4", parts[1])));
}

inline Complaints check_opnsense(std::string_view text) {
  struct Filled {
    const OpnsenseForm* form;
    int line;
    std::map<std::string, std::string, std::less<>> values;
    [[nodiscard]] std::string at(std::string_view label) const {
      const auto found = values.find(label);
      return found == values.end() ? "" : found->second;
    }
  };
  Complaints complaints;
  std::vector<Filled> filled;
  for (const auto& [count, line] : lines_of(text)) {
    if (line.starts_with("== ")) {
      std::string path = line.substr(3);
      if (const auto bracket = path.find('['); bracket != std::string::npos && path.back() == ']')
        if (fits("name", path.substr(bracket + 1, path.size() - bracket - 2))) path = path.substr(0, bracket) + "[]";
      const auto form = std::ranges::find_if(opnsense_forms(), [&](const auto& one) { return one.path == path; });
      if (form == opnsense_forms().end()) complaints.push_back(fmt::format("{}: no such form: {}", count, line));
      filled.push_back({form == opnsense_forms().end() ? nullptr : &*form, count, {}});
      continue;
    }
    if (filled.empty() || !filled.back().form || !line.starts_with("   ")) {
      complaints.push_back(fmt::format("{}: no field of a form: {}", count, line));
      continue;
    }
    int entries = 0;
    for (const auto& field : filled.back().form->fields) {
      const auto start = fmt::format("   {:<22} ", field.label);
      if (!line.starts_with(start) || !opnsense_fits(field.type, std::string_view(line).substr(start.size()))) continue;
      ++entries;
      if (!filled.back().values.emplace(field.label, line.substr(start.size())).second)
        complaints.push_back(fmt::format("{}: twice: {}", count, field.label));
    }
    if (entries != 1) complaints.push_back(fmt::format("{}: {} entries allow: {}", count, entries, line));
  }
  std::set<std::string> peers;
  std::set<std::string> assigned{"WAN"};
  bool unicast = false;
  bool neighbor = false;
  for (const auto& one : filled) {
    if (!one.form) continue;
    const auto path = one.form->path;
    for (const auto& field : one.form->fields)
      if (field.required && !one.values.contains(field.label))
        complaints.push_back(fmt::format("{}: {} needs {}", one.line, path, field.label));
    if (one.at("Endpoint address").empty() != one.at("Endpoint port").empty())
      complaints.push_back(fmt::format("{}: half an endpoint", one.line));
    if (path.find("Peers") != std::string_view::npos) peers.insert(one.at("Name"));
    if (path.find("Assignments") != std::string_view::npos) assigned.insert(one.at("Description"));
    neighbor |= path.find("Neighbors") != std::string_view::npos;
    unicast |= one.at("Network Type") == "NBMA network" || !one.at("P2MP options").empty();
    if (!one.at("P2MP options").empty() && one.at("Network Type") != "Point-to-multipoint network")
      complaints.push_back(fmt::format("{}: P2MP options of another type", one.line));
  }
  for (const auto& one : filled) {
    if (!one.form) continue;
    if (one.form->path.find("Instances > +") != std::string_view::npos)
      for (const auto& peer : split(one.at("Peers"), ", "))
        if (!peers.contains(peer)) complaints.push_back(fmt::format("{}: no peer {}", one.line, peer));
    // A LAN's interface is there already; the tunnel's is the one assigned.
    const bool tunnel = one.values.contains("Network Type") || (one.form->path.starts_with("Firewall") && one.values.contains("Interface"));
    if (tunnel && !assigned.contains(one.at("Interface")))
      complaints.push_back(fmt::format("{}: {} is not assigned", one.line, one.at("Interface")));
  }
  for (const auto& form : opnsense_forms())
    if (form.required && std::ranges::none_of(filled, [&](const auto& one) { return one.form == &form; }))
      complaints.push_back(fmt::format("no {}", form.path));
  if (unicast != neighbor) complaints.emplace_back(unicast ? "unicast without a neighbor" : "a neighbor that nothing needs");
  return complaints;
}

}  // namespace radial::exchange::grammar
