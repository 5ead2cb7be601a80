#include "host/frr_file.h"

#include <algorithm>
#include <optional>

#include "host/frr_running.h"

namespace radial::host::frr {
namespace {

using Kind = FrrChange::Kind;

std::vector<std::string> split_lines(std::string_view text) {
  std::vector<std::string> lines;
  while (!text.empty()) {
    const auto end = text.find('\n');
    lines.emplace_back(text.substr(0, end));
    if (end == std::string_view::npos) break;
    text.remove_prefix(end + 1);
  }
  return lines;
}

class Editor {
 public:
  explicit Editor(std::string_view text) : lines_(split_lines(text)) {}

  void apply(const FrrChange::Step& step) {
    parsed_ = parse_config(text());
    switch (step.kind) {
      case Kind::add: return add(step.context, step.line);
      case Kind::replace: return replace(step);
      case Kind::remove: return remove(step);
    }
  }

  [[nodiscard]] std::string text() const {
    std::string all;
    for (const auto& line : lines_) all += line + "\n";
    return all;
  }

 private:
  using Iterator = std::vector<std::string>::iterator;
  Iterator at(std::size_t index) { return lines_.begin() + static_cast<std::ptrdiff_t>(index); }

  // Behind the last line of the context: where one more belongs.
  std::optional<std::size_t> end_of(std::string_view context) const {
    std::optional<std::size_t> end;
    for (std::size_t i = 0; i < parsed_.size(); ++i) {
      const auto& line = parsed_[i];
      const bool inside =
          (line.kind == ConfigLine::Kind::opens && is_within(line.key, context)) ||
          (line.kind == ConfigLine::Kind::plain && is_within(line.context, context)) ||
          (line.kind == ConfigLine::Kind::closes && line.context != context && is_within(line.context, context));
      if (inside) end = i + 1;
    }
    return end;
  }

  // Before a final "end"; vtysh reads nothing behind it.
  std::size_t end_of_file() const {
    for (std::size_t i = parsed_.size(); i > 0; --i)
      if (parsed_[i - 1].text == "end") return i - 1;
    return lines_.size();
  }

  void add(const std::string& context, const std::string& line) {
    const auto path = context_path(context);
    if (context.empty()) return add_at_top_level({line});
    // As deep as the context exists already, then its missing part as a block.
    std::size_t existing = path.size();
    std::string ancestor = context;
    while (existing > 0 && !end_of(ancestor)) {
      ancestor = parent_of(ancestor);
      --existing;
    }
    std::vector<std::string> block;
    for (std::size_t i = existing; i < path.size(); ++i) block.push_back(std::string(i, ' ') + path[i]);
    if (!line.empty()) block.push_back(std::string(path.size(), ' ') + line);
    for (std::size_t i = path.size(); i > existing; --i) {
      const std::string indent(i - 1, ' ');
      block.push_back(indent + (path[i - 1].starts_with("address-family ") ? "exit-address-family" : "exit"));
      block.push_back(indent + "!");
    }
    if (existing == 0) return add_at_top_level(std::move(block));
    lines_.insert(at(*end_of(ancestor)), block.begin(), block.end());
  }

  // Behind a "!", as FRR writes it, unless it is one more single line: the "!"
  // also ends what a person opened and did not close.
  void add_at_top_level(std::vector<std::string> block) {
    const auto where = end_of_file();
    const bool another_line = block.size() == 1 && where > 0 && is_top_level(where - 1);
    if (where > 0 && lines_[where - 1] != "!" && !another_line) block.insert(block.begin(), "!");
    lines_.insert(at(where), block.begin(), block.end());
  }

  bool is_top_level(std::size_t index) const {
    return parsed_[index].kind == ConfigLine::Kind::plain && parsed_[index].context.empty();
  }

  void replace(const FrrChange::Step& step) {
    for (std::size_t i = 0; i < parsed_.size(); ++i) {
      const auto& line = parsed_[i];
      if (line.kind != ConfigLine::Kind::plain || line.context != step.context) continue;
      if (line.text != step.old) continue;
      lines_[i] = lines_[i].substr(0, lines_[i].find_first_not_of(" \t")) + step.line;
      return;
    }
    add(step.context, step.line);
  }

  void remove(const FrrChange::Step& step) {
    const auto block = context_key(step.context, step.old);
    std::vector<std::string> kept;
    bool closed = false;
    bool gap = false;  // something went right before
    for (std::size_t i = 0; i < lines_.size(); ++i) {
      const auto& line = parsed_[i];
      const bool opens = line.kind == ConfigLine::Kind::opens;
      const bool of_block = is_within(opens ? line.key : line.context, block) && line.kind != ConfigLine::Kind::other;
      const bool is_line =
          line.kind == ConfigLine::Kind::plain && line.context == step.context && line.text == step.old;
      // The separator that follows a block goes with it, and one of the two
      // that a line stood between.
      const bool doubled = gap && !kept.empty() && kept.back() == lines_[i];
      const bool separator = line.text == "!" && (closed || doubled);
      closed = of_block;
      gap = of_block || is_line;
      if (!gap && !separator) kept.push_back(lines_[i]);
    }
    lines_ = std::move(kept);
    drop_if_empty(step.context);
  }

  // An interface without lines says nothing; FRR would not print it either.
  void drop_if_empty(const std::string& context) {
    if (!context.starts_with("interface ")) return;
    parsed_ = parse_config(text());
    const auto speaks = [&](const ConfigLine& line) {
      return line.kind == ConfigLine::Kind::plain && line.context == context;
    };
    const auto opens = [&](const ConfigLine& line) {
      return line.kind == ConfigLine::Kind::opens && line.key == context;
    };
    if (std::any_of(parsed_.begin(), parsed_.end(), speaks) || std::none_of(parsed_.begin(), parsed_.end(), opens))
      return;
    remove({"", "", "", Kind::remove, context});
  }

  std::vector<std::string> lines_;
  std::vector<ConfigLine> parsed_;
};

// One file holds the lines of all daemons: one stanza a context.
void gather(std::vector<FrrLines>& stanzas) {
  for (auto& stanza : stanzas) stanza.daemon.clear();
}

}  // namespace

std::string merge_config(std::string_view text, std::vector<FrrLines> desired, std::vector<FrrLines> owned) {
  gather(desired);
  gather(owned);
  FrrRunning file;
  file.daemons[""] = contexts_of(text);
  const auto change = diff_frr(desired, owned, file);
  if (change.empty()) return std::string(text);
  Editor editor(text);
  for (const auto& step : change.steps) editor.apply(step);
  return editor.text();
}

}  // namespace radial::host::frr
