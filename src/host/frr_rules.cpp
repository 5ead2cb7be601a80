#include "host/frr_rules.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <optional>
#include <vector>

#include <fmt/format.h>

#include "base/ip.h"

namespace radial::host::frr {
namespace {

using Words = std::vector<std::string_view>;

Words words_of(std::string_view line) {
  Words words;
  while (true) {
    const auto first = line.find_first_not_of(' ');
    if (first == std::string_view::npos) return words;
    const auto last = line.find(' ', first);
    words.push_back(line.substr(first, last - first));
    if (last == std::string_view::npos) return words;
    line.remove_prefix(last);
  }
}

std::string join(const Words& words) {
  std::string line;
  for (const auto word : words) {
    if (!line.empty()) line += ' ';
    line += word;
  }
  return line;
}

bool is_number(std::string_view word) {
  return !word.empty() && std::all_of(word.begin(), word.end(), [](char c) { return c >= '0' && c <= '9'; });
}

// Patterns of words: a literal, `+` a word that belongs to the key, `*` a
// value, `#` a value that is a number, `...` any rest as value.
struct Rule {
  std::string_view context;  // prefix of the context's key; "" is the top level alone
  std::string_view pattern;
  std::string_view default_line;  // the spelling that FRR does not print; empty: none
  std::string_view removal;       // empty: "no LINE"
  bool replaced_by_removal = false;
};

constexpr std::array rules = {
    // More specific patterns first.
    Rule{"interface ", "ip ospf area *", "", "", true},
    Rule{"interface ", "ip ospf area * +", "", "", true},
    Rule{"interface ", "ip ospf cost *", "", ""},
    Rule{"interface ", "ip ospf cost * +", "", ""},
    Rule{"interface ", "ip ospf network ...", "", "no ip ospf network"},  // 10.3 knows no "no ... non-broadcast"
    Rule{"interface ", "ip ospf hello-interval *", "ip ospf hello-interval 10", ""},
    Rule{"interface ", "ip ospf dead-interval ...", "", ""},
    Rule{"interface ", "ip ospf priority *", "ip ospf priority 1", ""},
    Rule{"interface ", "ip ospf retransmit-interval *", "ip ospf retransmit-interval 5", ""},
    Rule{"interface ", "ip ospf transmit-delay *", "ip ospf transmit-delay 1", ""},
    Rule{"interface ", "ip ospf bfd profile *", "", ""},
    Rule{"interface ", "ip ospf authentication ...", "", ""},
    Rule{"interface ", "ip ospf message-digest-key + md5 *", "", ""},
    Rule{"interface ", "ipv6 ospf6 area *", "", ""},
    Rule{"interface ", "ipv6 ospf6 cost *", "", ""},
    Rule{"interface ", "ipv6 ospf6 network ...", "", ""},
    Rule{"interface ", "ipv6 ospf6 hello-interval *", "ipv6 ospf6 hello-interval 10", ""},
    Rule{"interface ", "ipv6 ospf6 dead-interval *", "ipv6 ospf6 dead-interval 40", ""},
    Rule{"interface ", "ipv6 ospf6 priority *", "ipv6 ospf6 priority 1", ""},
    Rule{"interface ", "ipv6 ospf6 retransmit-interval *", "ipv6 ospf6 retransmit-interval 5", ""},
    Rule{"interface ", "ipv6 ospf6 neighbor + ...", "", ""},
    Rule{"interface ", "ipv6 ospf6 bfd profile *", "", ""},
    Rule{"interface ", "description ...", "", ""},
    Rule{"router ospf6", "ospf6 router-id *", "", ""},
    Rule{"router ospf", "ospf router-id *", "", ""},
    Rule{"router ospf", "timers throttle spf * * *", "timers throttle spf 0 50 5000", ""},
    Rule{"router ospf", "timers throttle lsa all *", "timers throttle lsa all 5000", ""},
    Rule{"router ospf", "timers lsa min-arrival *", "timers lsa min-arrival 1000", ""},
    Rule{"router ospf", "neighbor + ...", "", ""},
    Rule{"router ospf", "maximum-paths *", "", "no maximum-paths"},  // 8.4 knows no "no maximum-paths N"
    Rule{"router ospf", "auto-cost reference-bandwidth *", "auto-cost reference-bandwidth 100000", ""},
    Rule{"router ospf", "redistribute + ...", "", ""},
    Rule{"router ospf", "default-information originate ...", "", ""},
    Rule{"router bgp", "bgp router-id *", "", ""},
    Rule{"router bgp", "bgp graceful-restart restart-time *", "bgp graceful-restart restart-time 120", ""},
    Rule{"router bgp", "coalesce-time *", "coalesce-time 1000", ""},
    Rule{"router bgp", "neighbor + maximum-prefix ...", "", ""},
    Rule{"router bgp", "neighbor + remote-as *", "", ""},
    Rule{"router bgp", "neighbor + timers connect *", "", ""},
    Rule{"router bgp", "neighbor + timers * *", "", ""},
    Rule{"router bgp", "neighbor + advertisement-interval *", "", ""},
    Rule{"router bgp", "neighbor + peer-group *", "", ""},
    Rule{"router bgp", "neighbor + update-source *", "", ""},
    Rule{"router bgp", "neighbor + description ...", "", ""},
    Rule{"router bgp", "neighbor + route-map * in", "", ""},
    Rule{"router bgp", "neighbor + route-map * out", "", ""},
    Rule{"router bgp", "neighbor + prefix-list * in", "", ""},
    Rule{"router bgp", "neighbor + prefix-list * out", "", ""},
    Rule{"router bgp", "neighbor + bfd profile *", "", ""},
    // 8.4 knows no "no transmit-interval": the default takes it away.
    Rule{"bfd / profile ", "transmit-interval *", "transmit-interval 300", "transmit-interval 300"},
    Rule{"bfd / profile ", "receive-interval *", "receive-interval 300", "receive-interval 300"},
    Rule{"bfd / profile ", "detect-multiplier *", "detect-multiplier 3", "detect-multiplier 3"},
    Rule{"route-map ", "match ip address prefix-list *", "", ""},
    Rule{"route-map ", "match ipv6 address prefix-list *", "", ""},
    Rule{"route-map ", "match ip next-hop prefix-list *", "", ""},
    Rule{"route-map ", "match interface *", "", ""},
    Rule{"route-map ", "match source-protocol *", "", ""},
    Rule{"route-map ", "match tag *", "", ""},
    Rule{"route-map ", "set src *", "", ""},
    Rule{"route-map ", "set tag *", "", ""},
    Rule{"route-map ", "set metric *", "", ""},
    Rule{"route-map ", "set local-preference *", "", ""},
    Rule{"route-map ", "set ipv6 next-hop global *", "", ""},
    Rule{"route-map ", "description ...", "", ""},
    Rule{"", "ip route + + #", "", ""},
    Rule{"", "ip route + + + #", "", ""},
    Rule{"", "ip route + +", "", ""},
    Rule{"", "ip route + + +", "", ""},
    Rule{"", "ipv6 route + + #", "", ""},
    Rule{"", "ipv6 route + + + #", "", ""},
    Rule{"", "ipv6 route + +", "", ""},
    Rule{"", "ipv6 route + + +", "", ""},
    Rule{"", "ip protocol + route-map *", "", ""},
    Rule{"", "ipv6 protocol + route-map *", "", ""},
    Rule{"", "zebra route-map delay-timer *", "zebra route-map delay-timer 5", ""},
    Rule{"", "ip router-id *", "", ""},
    Rule{"", "ip prefix-list + description ...", "", ""},
    Rule{"", "ipv6 prefix-list + description ...", "", ""},
    Rule{"", "ip prefix-list + seq + ...", "", ""},
    Rule{"", "ipv6 prefix-list + seq + ...", "", ""},
    Rule{"", "access-list + seq + ...", "", ""},
    Rule{"", "hostname *", "", ""},
};

bool context_matches(const Rule& rule, std::string_view context) {
  return rule.context.empty() ? context.empty() : context.starts_with(rule.context);
}

// The key when `line` has the pattern's shape.
std::optional<std::string> match(const Words& pattern, const Words& line) {
  std::string key;
  const auto add = [&](std::string_view word) { key += (key.empty() ? "" : " ") + std::string(word); };
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    if (pattern[i] == "...") return key;
    if (i >= line.size()) return std::nullopt;
    if (pattern[i] == "+") add(line[i]);
    else if (pattern[i] == "#") {
      if (!is_number(line[i])) return std::nullopt;
    } else if (pattern[i] == "*") continue;
    else if (pattern[i] == line[i]) add(line[i]);
    else return std::nullopt;
  }
  if (line.size() != pattern.size()) return std::nullopt;
  return key;
}

struct Found {
  const Rule* rule;
  std::string key;
};

std::optional<Found> find_rule(std::string_view context, const Words& line) {
  static const auto patterns = [] {
    std::array<Words, rules.size()> split;
    std::transform(rules.begin(), rules.end(), split.begin(), [](const Rule& rule) { return words_of(rule.pattern); });
    return split;
  }();
  for (std::size_t i = 0; i < rules.size(); ++i) {
    if (!context_matches(rules[i], context)) continue;
    if (auto key = match(patterns[i], line)) return Found{&rules[i], std::move(*key)};
  }
  return std::nullopt;
}

// "0" and "0.0.0.0" are one area; FRR prints back what was entered.
std::string dotted_area(std::string_view word) {
  if (!is_number(word)) return std::string(word);
  std::uint32_t number = 0;
  const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), number);
  return error == std::errc{} && end == word.data() + word.size() ? IpAddress::from_v4(number).to_string()
                                                                  : std::string(word);
}

// Options of an OSPF "neighbor": their order does not count, defaults are not printed.
struct NeighborOptions {
  std::string_view priority = "0";
  std::string_view poll = "60";
};

NeighborOptions neighbor_options(const Words& words) {
  NeighborOptions options;
  for (std::size_t i = 2; i + 1 < words.size(); i += 2) {
    if (words[i] == "priority") options.priority = words[i + 1];
    if (words[i] == "poll-interval") options.poll = words[i + 1];
  }
  return options;
}

bool is_ospf_neighbor(std::string_view context, const Words& words) {
  return context.starts_with("router ospf") && !context.starts_with("router ospf6") && words.size() >= 2 &&
         words[0] == "neighbor";
}

std::string canonical_of(std::string_view context, const Words& words) {
  if (is_ospf_neighbor(context, words)) {
    const auto options = neighbor_options(words);
    std::string line = fmt::format("neighbor {}", words[1]);
    if (options.priority != "0") line += fmt::format(" priority {}", options.priority);
    if (options.poll != "60") line += fmt::format(" poll-interval {}", options.poll);
    return line;
  }
  std::string line;
  for (std::size_t i = 0; i < words.size(); ++i) {
    const bool area =
        i > 0 && words[i - 1] == "area" && (context.starts_with("interface ") || context.starts_with("router ospf"));
    if (!line.empty()) line += ' ';
    line += area ? dotted_area(words[i]) : std::string(words[i]);
  }
  return line;
}

constexpr std::array<std::string_view, 6> shared_lines = {
    "ip prefix-list ", "ipv6 prefix-list ", "access-list ", "ipv6 access-list ", "bgp as-path ", "bgp community-list "};

bool is_route_map(std::string_view line) { return line.starts_with("route-map "); }

}  // namespace

LineFacts facts_of(std::string_view context, std::string_view line) {
  const auto words = words_of(line);
  LineFacts facts;
  facts.canonical = canonical_of(context, words);
  if (auto found = find_rule(context, words)) {
    facts.key = std::move(found->key);
    facts.is_default = !found->rule->default_line.empty() && facts.canonical == found->rule->default_line;
    facts.replaced_by_removal = found->rule->replaced_by_removal;
  }
  return facts;
}

std::string removal_of(std::string_view context, std::string_view line) {
  const auto words = words_of(line);
  if (const auto found = find_rule(context, words); found && !found->rule->removal.empty())
    return std::string(found->rule->removal);
  if (words.size() > 1 && words.front() == "no") return join({words.begin() + 1, words.end()});
  if (is_ospf_neighbor(context, words)) return fmt::format("no neighbor {}", words[1]);
  return fmt::format("no {}", join(words));
}

std::string replacement_of(std::string_view context, std::string_view running, std::string_view desired) {
  const auto from = words_of(running);
  const auto to = words_of(desired);
  if (!is_ospf_neighbor(context, to)) return std::string(desired);
  // FRR keeps an option that is not named: name the ones that go back to their defaults.
  const auto had = neighbor_options(from);
  const auto want = neighbor_options(to);
  std::string line = fmt::format("neighbor {}", to[1]);
  if (want.priority != had.priority) line += fmt::format(" priority {}", want.priority);
  if (want.poll != had.poll) line += fmt::format(" poll-interval {}", want.poll);
  return line;
}

bool is_shared(std::string_view context, std::string_view line) {
  if (is_route_map(context)) return true;
  return context.empty() && (is_route_map(line) || std::any_of(shared_lines.begin(), shared_lines.end(),
                                                               [&](auto start) { return line.starts_with(start); }));
}

bool is_removable(std::string_view context) {
  if (context.find(" / ") != std::string_view::npos) return context.starts_with("bfd / profile ");
  return context.starts_with("router ") || is_route_map(context) || context == "bfd";
}

std::string without_secrets(std::string_view line) {
  for (const std::string_view word : {" md5 ", "authentication-key ", "password ", "key-string "}) {
    const auto at = line.find(word);
    if (at != std::string_view::npos) return fmt::format("{}(hidden)", line.substr(0, at + word.size()));
  }
  return std::string(line);
}

}  // namespace radial::host::frr
