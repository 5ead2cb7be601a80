// VyOS 1.4: the commands under `interfaces wireguard` and `protocols ospf` that
// concern an export, their values, and what VyOS refuses to commit without.
//
// Documented in repository vyos/vyos-1x, branch sagitta (1.4), folder
// interface-definitions: interfaces_wireguard.xml.in, protocols_ospf.xml.in,
// include/ospf/{protocol-common-config,interface-common,intervals,
// authentication}.xml.i, include/interface/{address-ipv4-ipv6,mtu-68-16000,
// adjust-mss,source-validation}.xml.i, include/constraint/interface-name.xml.i;
// and src/conf_mode/interfaces_wireguard.py, verify(). `host-name` of a peer is
// of branch current (1.5) alone: pull request 4200, T4930.
#pragma once

#include <map>
#include <set>

#include "exchange/grammar.h"

namespace radial::exchange::grammar {

struct VyosCommand {
  std::string_view words;   // <type> stands for a value
  bool many = false;        // <multi/>: may be set several times
  bool since_1_5 = false;
};

inline constexpr VyosCommand vyos_commands[] = {
    {"interfaces wireguard <wgN> address <address/length>", true},
    {"interfaces wireguard <wgN> description <string>"},
    {"interfaces wireguard <wgN> disable"},
    {"interfaces wireguard <wgN> fwmark <0-4294967295>"},
    {"interfaces wireguard <wgN> ip adjust-mss <clamp-mss-to-pmtu|536-65535>"},
    {"interfaces wireguard <wgN> ip source-validation <strict|loose|disable>"},
    {"interfaces wireguard <wgN> ipv6 adjust-mss <clamp-mss-to-pmtu|536-65535>"},
    {"interfaces wireguard <wgN> mtu <68-16000>"},
    {"interfaces wireguard <wgN> port <1-65535>"},
    {"interfaces wireguard <wgN> private-key <private-key>"},
    {"interfaces wireguard <wgN> peer <alias> address <ip>"},
    {"interfaces wireguard <wgN> peer <alias> allowed-ips <prefix>", true},
    {"interfaces wireguard <wgN> peer <alias> host-name <fqdn>", false, true},
    {"interfaces wireguard <wgN> peer <alias> persistent-keepalive <1-65535>"},
    {"interfaces wireguard <wgN> peer <alias> port <1-65535>"},
    {"interfaces wireguard <wgN> peer <alias> preshared-key <preshared-key>"},
    {"interfaces wireguard <wgN> peer <alias> public-key <key>"},
    {"protocols ospf interface <interface> area <ip4|0-4294967295>"},
    {"protocols ospf interface <interface> authentication md5 key-id <1-255> md5-key <string>"},
    {"protocols ospf interface <interface> cost <1-65535>"},
    {"protocols ospf interface <interface> dead-interval <1-65535>"},
    {"protocols ospf interface <interface> hello-interval <1-65535>"},
    {"protocols ospf interface <interface> mtu-ignore"},
    {"protocols ospf interface <interface> network <broadcast|non-broadcast|point-to-multipoint|point-to-point>"},
    {"protocols ospf interface <interface> passive"},
    {"protocols ospf interface <interface> priority <0-255>"},
    {"protocols ospf interface <interface> retransmit-interval <1-65535>"},
    {"protocols ospf interface <interface> transmit-delay <1-65535>"},
    {"protocols ospf neighbor <ip4> poll-interval <1-65535>"},
    {"protocols ospf neighbor <ip4> priority <0-255>"},
    {"protocols ospf parameters router-id <ip4>"},
    {"protocols ospf timers throttle spf delay <0-600000>"},
    {"protocols ospf timers throttle spf initial-holdtime <0-600000>"},
    {"protocols ospf timers throttle spf max-holdtime <0-600000>"},
};

// Where the object has `given`, or always if that is empty, it has one of `wanted`.
struct VyosNeed {
  std::string_view object;
  std::string_view given;
  std::string_view wanted;
};

inline constexpr VyosNeed vyos_needs[] = {
    {"interfaces wireguard <wgN>", "", "private-key"},
    {"interfaces wireguard <wgN>", "", "peer"},
    {"interfaces wireguard <wgN>", "", "address"},  // for OSPF's sake
    {"interfaces wireguard <wgN> peer <alias>", "", "public-key"},
    {"interfaces wireguard <wgN> peer <alias>", "", "allowed-ips"},
    {"interfaces wireguard <wgN> peer <alias>", "port", "address|host-name"},
    {"interfaces wireguard <wgN> peer <alias>", "address", "port"},
    {"interfaces wireguard <wgN> peer <alias>", "host-name", "port"},
    {"protocols ospf interface <interface>", "", "area"},  // no `area … network` stands in an export
    {"protocols ospf", "", "parameters"},
    {"protocols ospf", "", "interface"},
};

inline bool is_vyos_interface(std::string_view name) {
  constexpr std::string_view stems[] = {"bond", "br", "dum", "eth", "lan", "macsec", "peth", "pppoe", "tun", "veth", "vti", "vtun", "vxlan",
                                        "wg", "wlan", "wwan"};
  const auto parent = name.substr(0, name.find('.'));
  if (parent.size() != name.size() && !number(name.substr(parent.size() + 1))) return false;
  return name == "lo" || std::ranges::any_of(stems, [&](auto stem) { return stem_and_number(parent, stem); });
}

inline bool vyos_word_fits(std::string_view pattern, std::string_view word) {
  if (!pattern.starts_with('<')) return pattern == word;
  const auto type = pattern.substr(1, pattern.size() - 2);
  if (type == "wgN") return stem_and_number(word, "wg");
  if (type == "alias") return !word.empty() && word.size() <= 100;
  if (type == "interface") return is_vyos_interface(word);
  return fits(type, word);
}

inline bool vyos_words_fit(const std::vector<std::string>& pattern, const std::vector<std::string>& words) {
  return pattern.size() <= words.size() && std::equal(pattern.begin(), pattern.end(), words.begin(), vyos_word_fits);
}

// A value may stand in single quotes; nothing: the quotes are not sound.
inline std::optional<std::vector<std::string>> vyos_words(std::string_view line) {
  auto words = split(line, " ");
  for (auto& word : words) {
    if (word.size() >= 2 && word.front() == '\'' && word.back() == '\'') word = word.substr(1, word.size() - 2);
    if (word.empty() || word.find('\'') != std::string::npos) return std::nullopt;
  }
  return words;
}

inline Complaints check_vyos(std::string_view text) {
  Complaints complaints;
  std::map<std::pair<const VyosNeed*, std::string>, std::set<std::string>> had;  // the children of each object
  std::set<std::string> once;
  bool nbma = false;
  bool neighbor = false;
  for (const auto& [count, line] : lines_of(text)) {
    auto words = vyos_words(line);
    if (!words || words->front() != "set") {
      complaints.push_back(fmt::format("{}: no set command: {}", count, line));
      continue;
    }
    words->erase(words->begin());
    const VyosCommand* found = nullptr;
    int entries = 0;
    for (const auto& command : vyos_commands)
      if (const auto pattern = split(command.words, " "); pattern.size() == words->size() && vyos_words_fit(pattern, *words))
        ++entries, found = &command;
    if (entries != 1) {
      complaints.push_back(fmt::format("{}: {} entries allow: {}", count, entries, line));
      continue;
    }
    if (found->since_1_5 && text.find("'host-name' of a peer needs 1.5") == std::string_view::npos)
      complaints.push_back(fmt::format("{}: of 1.5, and the text does not say so: {}", count, line));
    // What is set twice counts once: of a command of one value by its words up to the value.
    const bool valued = found->words.ends_with('>');
    std::string key;
    for (std::size_t i = 0; i + (valued && !found->many ? 1 : 0) < words->size(); ++i) key += (*words)[i] + " ";
    if (!once.insert(key).second) complaints.push_back(fmt::format("{}: set before: {}", count, line));
    nbma |= found->words.find("<broadcast|") != std::string_view::npos && words->back() == "non-broadcast";
    neighbor |= found->words.starts_with("protocols ospf neighbor");
    for (const auto& need : vyos_needs) {
      const auto object = split(need.object, " ");
      if (object.size() >= words->size() || !vyos_words_fit(object, *words)) continue;
      std::string name;
      for (std::size_t i = 0; i < object.size(); ++i) name += (*words)[i] + " ";
      had[{&need, name}].insert((*words)[object.size()]);
    }
  }
  for (const auto& need : vyos_needs)
    if (need.object.find('<') == std::string_view::npos) had[{&need, std::string(need.object) + " "}];
  for (const auto& [object, children] : had) {
    const auto& [need, name] = object;
    if (!need->given.empty() && !children.contains(std::string(need->given))) continue;
    const auto wanted = split(need->wanted, "|");
    if (std::ranges::none_of(wanted, [&](const auto& one) { return children.contains(one); }))
      complaints.push_back(fmt::format("{}has no {}", name, need->wanted));
  }
  if (nbma && !neighbor) complaints.emplace_back("non-broadcast without a neighbor");
  return complaints;
}

}  // namespace radial::exchange::grammar
