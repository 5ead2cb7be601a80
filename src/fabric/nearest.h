// "Did you mean": the known name that a misspelt word was probably meant to be.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace radial {

// The nearest of `names` by edits (insert, delete, replace, swap of neighbours,
// letter case free), the first of equals; nothing when none is within a third
// of the word's length, at least one edit. Words longer than 64 have no nearest.
[[nodiscard]] std::optional<std::string> nearest_name(std::string_view word, std::span<const std::string_view> names);
[[nodiscard]] std::optional<std::string> nearest_name(std::string_view word, std::span<const std::string> names);

// Optimal string alignment distance (Damerau-Levenshtein where no part is
// edited twice), case free.
[[nodiscard]] std::size_t edit_distance(std::string_view a, std::string_view b);

}  // namespace radial
