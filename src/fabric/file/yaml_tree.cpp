#include "fabric/file/yaml_tree.h"

#include <exception>
#include <sstream>

#include <fmt/format.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/mark.h>
#include <yaml-cpp/parser.h>

namespace radial::file {
namespace {

using Kind = YamlNode::Kind;

int line_of(const YAML::Mark& mark) { return mark.line < 0 ? 0 : mark.line + 1; }

// Thrown through yaml-cpp to stop it; never leaves this file.
struct Stop {
  Mistake mistake;
};

bool is_null_word(std::string_view text) {
  return text.empty() || text == "~" || text == "null" || text == "Null" || text == "NULL";
}

class TreeBuilder final : public YAML::EventHandler {
 public:
  explicit TreeBuilder(MistakeList& mistakes) : mistakes_(mistakes) {}

  YamlNode take_root() { return std::move(root_); }

  void OnDocumentStart(const YAML::Mark& mark) override {
    if (++documents_ > 1)
      throw Stop{{line_of(mark), "", "", "a second YAML document begins here",
                  "keep one document in the file: one fabric, one file"}};
  }
  void OnDocumentEnd() override {}

  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    place({refuse_anchor(mark, anchor) ? Kind::refused : Kind::null, line_of(mark), {}, {}});
  }

  void OnAlias(const YAML::Mark& mark, YAML::anchor_t) override {
    mistakes_.add({line_of(mark), "", "", "YAML aliases (*name) are not used in a fabric file", "write the value out"});
    place({Kind::refused, line_of(mark), {}, {}});
  }

  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    if (refuse_anchor(mark, anchor) || refuse_tag(mark, tag))
      place({Kind::refused, line_of(mark), {}, {}});
    else if (tag != "!" && is_null_word(value))  // "!" marks a quoted scalar
      place({Kind::null, line_of(mark), {}, {}});
    else
      place({Kind::scalar, line_of(mark), value, {}});
  }

  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    open(Kind::sequence, mark, tag, anchor);
  }
  void OnSequenceEnd() override { close(); }

  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    open(Kind::map, mark, tag, anchor);
  }
  void OnMapEnd() override { close(); }

 private:
  void open(Kind kind, const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor) {
    if (static_cast<int>(open_.size()) >= deepest_nesting)
      throw Stop{{line_of(mark), "", "", fmt::format("the file nests deeper than {} levels", deepest_nesting),
                  "a fabric file needs no more than six"}};
    count();
    const bool refused_anchor = refuse_anchor(mark, anchor);
    const bool refused_tag = refuse_tag(mark, tag);
    open_.push_back({refused_anchor || refused_tag ? Kind::refused : kind, line_of(mark), {}, {}});
  }

  void close() {
    YamlNode node = std::move(open_.back());
    open_.pop_back();
    put(std::move(node));
  }

  void place(YamlNode node) {
    count();
    put(std::move(node));
  }

  void put(YamlNode node) {
    if (open_.empty())
      root_ = std::move(node);
    else
      open_.back().items.push_back(std::move(node));
  }

  void count() {
    if (++values_ > most_values)
      throw Stop{{0, "", "", fmt::format("the file holds more than {} values", most_values),
                  "split the network into several fabrics"}};
  }

  bool refuse_anchor(const YAML::Mark& mark, YAML::anchor_t anchor) {
    if (anchor == YAML::NullAnchor) return false;
    mistakes_.add({line_of(mark), "", "", "YAML anchors (&name) are not used in a fabric file", "remove the anchor"});
    return true;
  }

  bool refuse_tag(const YAML::Mark& mark, const std::string& tag) {
    if (tag.empty() || tag == "?" || tag == "!") return false;
    mistakes_.add({line_of(mark), "", tag, "is a YAML tag, which a fabric file does not use", "remove the tag"});
    return true;
  }

  MistakeList& mistakes_;
  std::vector<YamlNode> open_;  // sequences and maps not yet closed, outermost first
  YamlNode root_;
  int documents_ = 0;
  std::size_t values_ = 0;
};

// yaml-cpp speaks of a map or a key where a tab stands for indentation.
bool is_indented_by_tab(std::string_view text, int line) {
  for (int before = 1; before < line; ++before) {
    const auto end = text.find('\n');
    if (end == std::string_view::npos) return false;
    text.remove_prefix(end + 1);
  }
  const auto blank = text.substr(0, text.find_first_not_of(" \t"));
  return blank.find('\t') != std::string_view::npos;
}

}  // namespace

std::optional<YamlNode> read_yaml(std::string_view text, MistakeList& mistakes) {
  TreeBuilder builder(mistakes);
  try {
    std::istringstream stream{std::string(text)};
    YAML::Parser parser(stream);
    while (parser.HandleNextDocument(builder)) {}
    return builder.take_root();
  } catch (const Stop& stop) {
    mistakes.add(stop.mistake);
  } catch (const YAML::Exception& error) {
    mistakes.add({line_of(error.mark), "", "", fmt::format("this is not YAML: {}", error.msg),
                  is_indented_by_tab(text, line_of(error.mark)) ? "indent with spaces: YAML takes no tabs"
                                                                : "mend the line, or the one above it"});
  } catch (const std::exception& error) {
    mistakes.add({0, "", "", fmt::format("the file cannot be read: {}", error.what()), "make it smaller or simpler"});
  }
  return std::nullopt;
}

}  // namespace radial::file
