#include "fabric/file/section.h"

#include <algorithm>
#include <unordered_map>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "fabric/nearest.h"

namespace radial::file {
namespace {

using Kind = YamlNode::Kind;

std::string join(std::string_view field, std::string_view key) {
  const auto shown = printable(key, 64);
  return field.empty() ? shown : fmt::format("{}.{}", field, shown);
}

std::string_view describe(const YamlNode& node) {
  switch (node.kind) {
    case Kind::null: return "has no value";
    case Kind::scalar: return "is a single value";
    case Kind::sequence: return "is a list";
    case Kind::map: return "is a map";
    case Kind::refused: break;
  }
  return "is something else";
}

}  // namespace

void complain(MistakeList& mistakes, const Spot& spot, std::string_view value, std::string problem, std::string fix) {
  mistakes.add({spot.line, spot.field, std::string(value.substr(0, 200)), std::move(problem), std::move(fix)});
}

void complain_kind(MistakeList& mistakes, const Place& place, std::string_view wanted, std::string fix) {
  if (place.is_refused()) return;
  complain(mistakes, place.spot, place.is_scalar() ? std::string_view(place.node->text) : std::string_view(),
           fmt::format("{}, not {}", describe(*place.node), wanted), std::move(fix));
}

std::vector<Entry> entries_of(const Place& place, std::string_view example, MistakeList& mistakes) {
  if (place.is_null()) return {};
  if (!place.is_map()) {
    complain_kind(mistakes, place, "a map", fmt::format("write {}", example));
    return {};
  }
  std::vector<Entry> entries;
  std::unordered_map<std::string_view, int> first_lines;
  for (std::size_t i = 0; i + 1 < place.node->items.size(); i += 2) {
    const YamlNode& key = place.node->items[i];
    const YamlNode& value = place.node->items[i + 1];
    if (key.kind == Kind::refused) continue;
    if (key.kind != Kind::scalar) {
      complain(mistakes, {key.line, place.spot.field}, "", "has a key that is not a word",
               "write every key as one word");
      continue;
    }
    // yaml-cpp marks an absent value wherever it stopped looking for one.
    const int line = value.kind == Kind::null ? key.line : value.line;
    const auto [first, is_new] = first_lines.emplace(key.text, key.line);
    if (!is_new) {
      complain(mistakes, {key.line, join(place.spot.field, key.text)}, key.text,
               fmt::format("is written twice, first on line {}", first->second), "keep one of them");
      continue;
    }
    entries.push_back({key.text, key.line, {&value, {line, join(place.spot.field, key.text)}}});
  }
  return entries;
}

std::vector<Place> items_of(const Place& place, std::string_view example, MistakeList& mistakes) {
  if (place.is_null()) return {};
  if (!place.is_sequence()) {
    std::string fix = fmt::format("write {}", example);
    if (place.is_scalar()) fix = fmt::format("write [{}]", place.node->text.substr(0, 100));
    complain_kind(mistakes, place, "a list", std::move(fix));
    return {};
  }
  std::vector<Place> items;
  int line = place.spot.line;
  for (std::size_t i = 0; i < place.node->items.size(); ++i) {
    const YamlNode& item = place.node->items[i];
    if (item.kind != Kind::null) line = item.line;  // of an absent item: the one before
    items.push_back({&item, {line, fmt::format("{}[{}]", place.spot.field, i)}});
  }
  return items;
}

Section::Section(const Place& place, std::span<const std::string_view> known, std::string_view example,
                 MistakeList& mistakes)
    : spot_(place.spot), entries_(entries_of(place, example, mistakes)) {
  for (const auto& entry : entries_) {
    if (std::find(known.begin(), known.end(), entry.key) != known.end()) continue;
    const auto nearest = mistakes.full() ? std::nullopt : nearest_name(entry.key, known);
    complain(mistakes, {entry.key_line, entry.value.spot.field}, entry.key, "is not a known key",
             nearest ? fmt::format("did you mean '{}'?", *nearest)
                     : fmt::format("known here: {}", fmt::join(known, ", ")));
    if (nearest) meant_.push_back(*nearest);
  }
}

bool Section::misspelt(std::string_view key) const {
  return std::find(meant_.begin(), meant_.end(), key) != meant_.end();
}

const Place* Section::find(std::string_view key) const {
  const auto found = std::find_if(entries_.begin(), entries_.end(), [&](const Entry& e) { return e.key == key; });
  return found == entries_.end() ? nullptr : &found->value;
}

}  // namespace radial::file
