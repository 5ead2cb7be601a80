#include "host/frr_running.h"

#include <algorithm>
#include <array>
#include <iterator>
#include <set>
#include <unordered_set>

namespace radial::host::frr {
namespace {

constexpr std::string_view separator = " / ";

// Words that open a context at the top level, for text without indentation.
constexpr std::array<std::string_view, 14> openers = {
    "interface ",     "router ",         "route-map ", "vrf ", "key chain ", "line vty", "bfd",
    "nexthop-group ", "segment-routing", "pbr-map ",   "rpki", "mpls ldp",   "l2vpn ",   "pseudowire "};

bool opens_by_word(std::string_view line) {
  return std::any_of(openers.begin(), openers.end(), [&](std::string_view opener) {
    return opener.ends_with(' ') ? line.starts_with(opener) : line == opener;
  });
}

bool is_exit(std::string_view line) { return line == "exit" || line.starts_with("exit-"); }

struct RawLine {
  std::size_t indent = 0;
  std::string_view text;
  [[nodiscard]] bool silent() const { return text.empty() || text.front() == '!' || text.front() == '#'; }
};

RawLine raw_line(std::string_view line) {
  const auto first = line.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  const auto last = line.find_last_not_of(" \t\r");
  return {first, line.substr(first, last - first + 1)};
}

std::vector<RawLine> raw_lines(std::string_view text) {
  std::vector<RawLine> lines;
  while (!text.empty()) {
    const auto end = text.find('\n');
    lines.push_back(raw_line(text.substr(0, end)));
    if (end == std::string_view::npos) break;
    text.remove_prefix(end + 1);
  }
  return lines;
}

// The next line that says something, or nothing at the end.
const RawLine* following(const std::vector<RawLine>& lines, std::size_t at) {
  for (++at; at < lines.size(); ++at)
    if (!lines[at].silent()) return &lines[at];
  return nullptr;
}

struct OpenContext {
  std::size_t indent;  // of the line that opened it
  std::string key;
  bool by_word;  // opened by its word alone: its lines are not indented
};

}  // namespace

std::string context_key(std::string_view parent, std::string_view line) {
  if (parent.empty()) return std::string(line);
  return fmt::format("{}{}{}", parent, separator, line);
}

std::vector<std::string> context_path(std::string_view key) {
  std::vector<std::string> path;
  while (!key.empty()) {
    const auto at = key.find(separator);
    path.emplace_back(key.substr(0, at));
    if (at == std::string_view::npos) break;
    key.remove_prefix(at + separator.size());
  }
  return path;
}

std::string parent_of(std::string_view key) {
  const auto at = key.rfind(separator);
  return at == std::string_view::npos ? std::string() : std::string(key.substr(0, at));
}

bool is_within(std::string_view key, std::string_view ancestor) {
  return key == ancestor || (key.starts_with(ancestor) && key.substr(ancestor.size()).starts_with(separator));
}

std::vector<ConfigLine> parse_config(std::string_view text) {
  const auto lines = raw_lines(text);
  std::vector<ConfigLine> result;
  result.reserve(lines.size());
  std::vector<OpenContext> open;
  const auto current = [&] { return open.empty() ? std::string() : open.back().key; };

  for (std::size_t i = 0; i < lines.size(); ++i) {
    const auto& line = lines[i];
    ConfigLine entry;
    entry.text = std::string(line.text);
    if (line.silent() || (line.text == "end" && line.indent == 0)) {
      // "!" at the margin ends what was opened without indentation.
      if (line.text == "!" && line.indent == 0 && !open.empty() && open.back().by_word) open.pop_back();
      entry.context = current();
      result.push_back(std::move(entry));
      continue;
    }
    if (is_exit(line.text)) {
      // Closes the innermost context opened at this depth, and what is inside it.
      while (!open.empty() && open.back().indent > line.indent) open.pop_back();
      entry.kind = ConfigLine::Kind::closes;
      entry.context = current();
      if (!open.empty()) open.pop_back();
      result.push_back(std::move(entry));
      continue;
    }
    const bool opener_word = line.indent == 0 && opens_by_word(line.text);
    while (!open.empty() && line.indent <= open.back().indent && (!open.back().by_word || opener_word)) open.pop_back();

    const auto* next = following(lines, i);
    const bool indented_below = next != nullptr && next->indent > line.indent;
    const bool closed_below =
        next != nullptr && is_exit(next->text) && next->indent == line.indent && (open.empty() || !open.back().by_word);
    entry.context = current();
    if (indented_below || closed_below || opener_word) {
      entry.kind = ConfigLine::Kind::opens;
      entry.key = context_key(entry.context, line.text);
      open.push_back({line.indent, entry.key, opener_word && !indented_below});
    } else {
      entry.kind = ConfigLine::Kind::plain;
    }
    result.push_back(std::move(entry));
  }
  return result;
}

std::map<std::string, std::vector<std::string>> contexts_of(std::string_view text) {
  std::map<std::string, std::vector<std::string>> contexts;
  std::map<std::string, std::unordered_set<std::string>> present;
  contexts[""];
  for (const auto& line : parse_config(text)) {
    if (line.kind == ConfigLine::Kind::opens) contexts[line.key];
    if (line.kind != ConfigLine::Kind::plain) continue;
    auto& lines = contexts[line.context];
    // mgmtd of FRR 10.3 prints route-maps twice.
    if (present[line.context].insert(line.text).second) lines.push_back(line.text);
  }
  return contexts;
}

std::vector<std::string> torn_entries(const std::vector<std::string>& own, const std::vector<std::string>& held) {
  const auto entries = [](const std::vector<std::string>& lines) {
    std::set<std::string> found;
    for (const auto& line : lines)
      if (line.starts_with("ip prefix-list radial-") || line.starts_with("ipv6 prefix-list radial-")) found.insert(line);
    return found;
  };
  const auto at_zebra = entries(own);
  if (at_zebra.empty()) return {};
  const auto at_manager = entries(held);
  std::vector<std::string> torn;
  std::set_symmetric_difference(at_zebra.begin(), at_zebra.end(), at_manager.begin(), at_manager.end(), std::back_inserter(torn));
  return torn;
}

}  // namespace radial::host::frr
