// What Radial knows about FRR's configuration lines: which carry one value a
// context, how two spellings of one line compare, which defaults FRR does not
// print, and how a line is taken away. One table, measured on FRR 8.4 and 10.3.
// A line outside the table stands for itself, and "no LINE" takes it away.
// Pure. Private to the room.
#pragma once

#include <string>
#include <string_view>

namespace radial::host::frr {

struct LineFacts {
  std::string key;          // lines of one context with one key exclude each other; empty: the line stands for itself
  std::string canonical;    // equal for two spellings of one line
  bool is_default = false;  // FRR prints nothing for this line
  bool replaced_by_removal = false;  // a second value is refused while the first stands
};

[[nodiscard]] LineFacts facts_of(std::string_view context, std::string_view line);

// The command that takes `line` away.
[[nodiscard]] std::string removal_of(std::string_view context, std::string_view line);

// The command that turns `running` into `desired`, two lines of one key:
// mostly `desired` itself.
[[nodiscard]] std::string replacement_of(std::string_view context, std::string_view running, std::string_view desired);

// Lines and contexts that vtysh gives to every daemon (route-maps and filters):
// a line of ours turns up in daemons that we never gave it to.
[[nodiscard]] bool is_shared(std::string_view context, std::string_view line);

// A context that "no CONTEXT" takes away, once it is empty.
[[nodiscard]] bool is_removable(std::string_view context);

// `line` fit for a log: keys and passwords are left out.
[[nodiscard]] std::string without_secrets(std::string_view line);

}  // namespace radial::host::frr
