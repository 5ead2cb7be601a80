// Walking the YAML tree with a path: where a value stands, which keys a map
// may have, and what is said when it is not so.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "fabric/file/mistake_list.h"
#include "fabric/file/yaml_tree.h"

namespace radial::file {

// Where a value stands in the file.
struct Spot {
  int line = 0;
  std::string field;  // "sites.berlin.lans[0]"
};

// A value and where it stands. Borrows from the tree.
struct Place {
  const YamlNode* node = nullptr;
  Spot spot;  // the line of the value, or of its key when there is none

  [[nodiscard]] bool is_null() const { return node->kind == YamlNode::Kind::null; }
  [[nodiscard]] bool is_refused() const { return node->kind == YamlNode::Kind::refused; }
  [[nodiscard]] bool is_scalar() const { return node->kind == YamlNode::Kind::scalar; }
  [[nodiscard]] bool is_map() const { return node->kind == YamlNode::Kind::map; }
  [[nodiscard]] bool is_sequence() const { return node->kind == YamlNode::Kind::sequence; }
};

struct Entry {
  std::string_view key;
  int key_line = 0;
  Place value;
};

// Adds a mistake about what stands at `spot`.
void complain(MistakeList& mistakes, const Spot& spot, std::string_view value, std::string problem, std::string fix);

// Says that `place` is of the wrong kind ("is a list, not a number").
void complain_kind(MistakeList& mistakes, const Place& place, std::string_view wanted, std::string fix);

// The entries of a map in the file's order; none for null. Reports a value
// that is no map, keys that are no words, and duplicate keys (the first stays).
[[nodiscard]] std::vector<Entry> entries_of(const Place& place, std::string_view example, MistakeList& mistakes);

// The items of a list; none for null. Reports a value that is no list.
[[nodiscard]] std::vector<Place> items_of(const Place& place, std::string_view example, MistakeList& mistakes);

// A map with known keys: reports the others with the nearest known key.
class Section {
 public:
  Section(const Place& place, std::span<const std::string_view> known, std::string_view example,
          MistakeList& mistakes);

  // The value of a key, or nothing; borrows from this object.
  [[nodiscard]] const Place* find(std::string_view key) const;
  // Whether an unknown key was probably meant to be this one: it is told then,
  // and need not be called missing.
  [[nodiscard]] bool misspelt(std::string_view key) const;
  [[nodiscard]] const Spot& spot() const { return spot_; }

 private:
  Spot spot_;
  std::vector<Entry> entries_;
  std::vector<std::string> meant_;
};

}  // namespace radial::file
