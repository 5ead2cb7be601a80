// FRR configuration text as contexts and lines: what `show running-config`
// prints, or a file such as frr.conf. Pure. Private to the room.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "host/frr.h"

namespace radial::host::frr {

// One line of the text, where it stands.
struct ConfigLine {
  enum class Kind {
    plain,   // a line of `context`
    opens,   // opens a context: `context` is the one that it stands in, `key` the one that it opens
    closes,  // "exit", "exit-address-family", "exit-vrf" of `context`
    other,   // blank, comment, "end"
  };
  Kind kind = Kind::other;
  std::string context;  // key, as in FrrRunning; "" is the top level
  std::string key;      // kind opens: the key of the opened context
  std::string text;     // without indentation and trailing blanks
};

// The key of a context within another: "router bgp 65000 / address-family ipv6 unicast".
[[nodiscard]] std::string context_key(std::string_view parent, std::string_view line);
// The commands that lead into a context, outermost first.
[[nodiscard]] std::vector<std::string> context_path(std::string_view key);
[[nodiscard]] std::string parent_of(std::string_view key);
// Whether `key` is `ancestor` or lies in it.
[[nodiscard]] bool is_within(std::string_view key, std::string_view ancestor);

// As many entries as `text` has lines. Contexts follow from indentation, as
// FRR prints it, and from "exit"; in a file that a person wrote without
// indentation, from the words that open a context.
[[nodiscard]] std::vector<ConfigLine> parse_config(std::string_view text);

// Entries of our prefix-lists ("radial-...") at the top level of one of the two and not of
// the other: zebra's own lines, and mgmtd's. None where zebra prints no prefix-lists.
[[nodiscard]] std::vector<std::string> torn_entries(const std::vector<std::string>& own, const std::vector<std::string>& held);

// The contexts of `text` with their lines, each once, in order.
[[nodiscard]] std::map<std::string, std::vector<std::string>> contexts_of(std::string_view text);

}  // namespace radial::host::frr
