#include "host/firewall_text.h"

#include <algorithm>
#include <vector>

namespace radial::host {
namespace {

constexpr std::string_view header = "table inet radial {";

bool is_space(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

// The text with comments and quoted strings blanked and white space folded:
// what is left of it has braces and words only.
std::string skeleton(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '#') {
      i = text.find('\n', i);
      if (i == std::string_view::npos) break;
    }
    if (text[i] == '"') {
      i = std::min(text.find('"', i + 1), text.size() - 1);
      out += '_';
    } else if (!is_space(text[i])) {
      out += text[i];
    } else if (!out.empty() && out.back() != ' ') {
      out += ' ';
    }
  }
  while (!out.empty() && out.back() == ' ') out.pop_back();
  return out;
}

std::vector<std::string_view> lines_of(std::string_view text) {
  std::vector<std::string_view> lines;
  while (!text.empty()) {
    const auto end = text.find('\n');
    lines.push_back(text.substr(0, end));
    if (end == std::string_view::npos) break;
    text.remove_prefix(end + 1);
  }
  return lines;
}

std::string_view trimmed(std::string_view line) {
  while (!line.empty() && is_space(line.front())) line.remove_prefix(1);
  while (!line.empty() && is_space(line.back())) line.remove_suffix(1);
  return line;
}

bool learns(const std::vector<std::string_view>& block) {
  return std::any_of(block.begin(), block.end(), [](std::string_view line) {
    line = trimmed(line);
    return line.starts_with("flags ") && (line.find("dynamic") != line.npos || line.find("timeout") != line.npos);
  });
}

}  // namespace

Status check_single_table(std::string_view text) {
  const auto bare = skeleton(text);
  if (!bare.starts_with(header))
    return fail(Errc::invalid_argument, "the ruleset must be one '{} ... }}', but begins with '{}'", header,
                bare.substr(0, 40));
  int depth = 0;
  for (std::size_t i = 0; i < bare.size(); ++i) {
    if (bare[i] == '{') ++depth;
    if (bare[i] == '}') --depth;
    if (bare[i] == '}' && depth == 0 && i + 1 != bare.size())
      return fail(Errc::invalid_argument, "the ruleset goes on after the end of our table: '{}'",
                  trimmed(std::string_view(bare).substr(i + 1, 40)));
  }
  if (depth != 0) return fail(Errc::invalid_argument, "the ruleset's braces do not match ({} left open)", depth);
  return {};
}

std::string without_learned_elements(std::string_view listing) {
  std::string out;
  const auto lines = lines_of(listing);
  for (std::size_t i = 0; i < lines.size();) {
    const auto head = trimmed(lines[i]);
    std::size_t end = i + 1;
    bool drop = false;
    if (head.starts_with("set ") || head.starts_with("map ") || head.starts_with("meter ")) {
      while (end < lines.size() && trimmed(lines[end]) != "}") ++end;
      drop = learns({lines.begin() + static_cast<std::ptrdiff_t>(i), lines.begin() + static_cast<std::ptrdiff_t>(end)});
    }
    // Elements come last in a set, over as many lines as they need.
    for (bool elements = false; i < end; ++i) {
      elements = elements || (drop && trimmed(lines[i]).starts_with("elements = {"));
      if (!elements) out.append(lines[i]).push_back('\n');
    }
  }
  return out;
}

}  // namespace radial::host
