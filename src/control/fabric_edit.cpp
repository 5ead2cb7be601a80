#include "control/fabric_edit.h"

#include <algorithm>

#include <fmt/ranges.h>

#include "fabric/parse.h"

namespace radial::control {
namespace {

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::size_t at = 0;
  while (at < text.size()) {
    const auto end = std::min(text.find('\n', at), text.size());
    lines.push_back(text.substr(at, end - at));
    at = end + 1;
  }
  return lines;
}

bool blank(const std::string& line) {
  const auto first = line.find_first_not_of(" \t\r");
  return first == std::string::npos || line[first] == '#';
}

// Words that an operator gave go into the file quoted, whatever they hold.
std::string quoted(const std::string& word) {
  const bool plain = !word.empty() && word.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789./-_") ==
                                          std::string::npos && word.front() != '-';
  if (plain) return word;
  std::string text = "\"";
  for (const char c : word) {
    if (c == '"' || c == '\\') text += '\\';
    if (static_cast<unsigned char>(c) >= 0x20) text += c;
  }
  return text + "\"";
}

std::string list(const std::vector<std::string>& words) {
  std::vector<std::string> all;
  for (const auto& word : words) all.push_back(quoted(word));
  return fmt::format("[{}]", fmt::join(all, ", "));
}

std::string site_line(const NewSite& site) {
  auto text = fmt::format("{}: {{ lans: {}", quoted(site.name), list(site.lans));
  if (site.grants == std::vector<std::string>{"any"}) text += ", grant: any";
  else if (!site.grants.empty()) text += fmt::format(", grant: {}", list(site.grants));
  return text + " }";
}

std::string hub_line(const NewHub& hub) {
  std::vector<std::string> dialled;
  for (const auto& endpoint : hub.endpoints) dialled.push_back("\"" + endpoint + "\"");
  return fmt::format("{}: {{ {}: {}, lans: {} }}", quoted(hub.name), dialled.size() == 1 ? "endpoint" : "endpoints",
                     dialled.size() == 1 ? dialled.front() : fmt::format("[{}]", fmt::join(dialled, ", ")), list(hub.lans));
}

// `entry` as the last one below `section`, which is "sites:" or "hubs:".
Result<std::string> insert_entry(const std::string& yaml, const std::string& section, const std::string& entry) {
  auto lines = lines_of(yaml);
  auto key = lines.end();
  for (auto line = lines.begin(); line != lines.end(); ++line)
    if (line->starts_with(section)) key = line;
  if (key == lines.end()) {
    lines.push_back(section);
    lines.push_back("  " + entry);
    return fmt::format("{}\n", fmt::join(lines, "\n"));
  }
  const auto value = key->substr(section.size());
  const auto without_comment = value.substr(0, value.find(" #"));
  const auto first = without_comment.find_first_not_of(" \t\r");
  if (first != std::string::npos) {
    if (without_comment.find_first_not_of(" \t\r{}") != std::string::npos || without_comment.find('}') == std::string::npos)
      return fail(Errc::unsupported, "the fabric file has its '{0}' in one line, '{{...}}': write each on a line of its own under it", section);
    *key = section;
  }
  // Its children: the lines below that are indented.
  auto last = key;
  std::size_t indent = 2;
  bool seen = false;
  for (auto line = key + 1; line != lines.end(); ++line) {
    if (blank(*line)) continue;
    const auto depth = line->find_first_not_of(' ');
    if (depth == 0) break;
    if (!seen) indent = depth;
    seen = true;
    last = line;
  }
  lines.insert(last + 1, std::string(indent, ' ') + entry);
  return fmt::format("{}\n", fmt::join(lines, "\n"));
}

// Writes `line` under the key of its kind ("site", "hub"). `expect` makes of the
// fabric before what it should be now, and says whether the node is there.
template <class Expect>
Result<std::string> add_node(const std::string& yaml, const std::string& name, const std::string& kind,
                             const std::string& line, const Expect& expect) {
  RADIAL_ASSIGN(auto expected, parse_or_fail(yaml, "fabric.yaml"));
  if (expected.find_site(name) != nullptr || expected.find_hub(name) != nullptr)
    return fail(Errc::already_exists, "the fabric has a node {} already", name);
  RADIAL_ASSIGN(auto text, insert_entry(yaml, kind + "s:", line));
  RADIAL_ASSIGN(const auto after, parse_or_fail(text, "fabric.yaml"));
  if (!expect(expected, after) || after != expected)
    return fail(Errc::unsupported, "cannot add a {0} to this fabric file without changing more of it: write it under '{0}s:' by hand", kind);
  return text;
}

}  // namespace

Result<Fabric> parse_or_fail(const std::string& yaml, std::string_view file_name) {
  auto parsed = parse_fabric(yaml);
  if (const auto* mistakes = std::get_if<std::vector<Mistake>>(&parsed)) {
    std::string message;
    for (const auto& mistake : *mistakes) message += (message.empty() ? "" : "\n") + to_string(mistake, file_name);
    return Unexpected(Error{Errc::invalid_argument, std::move(message), 0});
  }
  return std::get<Fabric>(std::move(parsed));
}

Result<std::string> add_site(const std::string& yaml, const NewSite& site) {
  return add_node(yaml, site.name, "site", site_line(site), [&](Fabric& expected, const Fabric& after) {
    const auto* added = after.find_site(site.name);
    if (added != nullptr) expected.sites.push_back(*added);
    return added != nullptr;
  });
}

Result<std::string> add_hub(const std::string& yaml, const NewHub& hub) {
  return add_node(yaml, hub.name, "hub", hub_line(hub), [&](Fabric& expected, const Fabric& after) {
    const auto* added = after.find_hub(hub.name);
    if (added != nullptr) expected.hubs.push_back(*added);
    for (std::size_t i = 0; i < expected.sites.size() && i < after.sites.size(); ++i) {
      auto with_it = expected.sites[i].hubs;
      with_it.push_back(hub.name);
      if (after.sites[i].hubs == with_it) expected.sites[i].hubs = std::move(with_it);
    }
    return added != nullptr;
  });
}

std::string first_fabric(const std::string& fabric, const std::string& hub, const std::vector<std::string>& endpoints,
                         const std::vector<std::string>& lans) {
  std::vector<std::string> dialled;
  for (const auto& endpoint : endpoints) dialled.push_back("\"" + endpoint + "\"");
  return fmt::format(
      "# The whole network in one file: 'radial apply' after a change.\n"
      "# Every key: fabric-file.md of Radial's documentation.\n"
      "fabric: {}\nhubs:\n  {}: {{ {}: {}, lans: {} }}\nsites:\n",
      quoted(fabric), quoted(hub), dialled.size() == 1 ? "endpoint" : "endpoints",
      dialled.size() == 1 ? dialled.front() : fmt::format("[{}]", fmt::join(dialled, ", ")), list(lans));
}

std::string line_diff(const std::string& before, const std::string& after) {
  auto a = lines_of(before);
  auto b = lines_of(after);
  while (!a.empty() && !b.empty() && a.back() == b.back()) {
    a.pop_back();
    b.pop_back();
  }
  std::size_t same = 0;
  while (same < a.size() && same < b.size() && a[same] == b[same]) ++same;
  a.erase(a.begin(), a.begin() + static_cast<std::ptrdiff_t>(same));
  b.erase(b.begin(), b.begin() + static_cast<std::ptrdiff_t>(same));
  std::string text;
  const auto all_of = [&](const std::vector<std::string>& lines, char sign) {
    for (const auto& line : lines) text += fmt::format("{}{}\n", sign, line);
  };
  constexpr std::size_t most_cells = 4U << 20U;
  if (a.size() * b.size() > most_cells) {  // a new file rather than an edit
    all_of(a, '-');
    all_of(b, '+');
    return text;
  }
  // The longest common subsequence, from the back.
  std::vector<std::vector<std::uint32_t>> length(a.size() + 1, std::vector<std::uint32_t>(b.size() + 1));
  for (std::size_t i = a.size(); i-- > 0;)
    for (std::size_t j = b.size(); j-- > 0;)
      length[i][j] = a[i] == b[j] ? length[i + 1][j + 1] + 1 : std::max(length[i + 1][j], length[i][j + 1]);
  std::size_t i = 0;
  std::size_t j = 0;
  while (i < a.size() || j < b.size()) {
    if (i < a.size() && j < b.size() && a[i] == b[j]) {
      ++i;
      ++j;
    } else if (j == b.size() || (i < a.size() && length[i + 1][j] >= length[i][j + 1])) {
      text += fmt::format("-{}\n", a[i++]);
    } else {
      text += fmt::format("+{}\n", b[j++]);
    }
  }
  return text;
}

}  // namespace radial::control
