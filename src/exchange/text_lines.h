// Lines and words of a configuration file, borrowed from its text. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace radial::exchange {

[[nodiscard]] inline std::string_view trimmed(std::string_view text) {
  constexpr std::string_view blank = " \t\r\v\f";
  const auto first = text.find_first_not_of(blank);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(blank) - first + 1);
}

// Calls `line(number, text)` for each line, numbered from 1.
template <class Function>
void each_line(std::string_view text, Function line) {
  for (int number = 1; !text.empty(); ++number) {
    const auto end = text.find('\n');
    line(number, text.substr(0, end));
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  }
}

[[nodiscard]] inline std::vector<std::string_view> split(std::string_view text, std::string_view separators) {
  std::vector<std::string_view> words;
  for (;;) {
    const auto first = text.find_first_not_of(separators);
    if (first == std::string_view::npos) return words;
    text.remove_prefix(first);
    const auto end = text.find_first_of(separators);
    words.push_back(text.substr(0, end));
    text.remove_prefix(end == std::string_view::npos ? text.size() : end);
  }
}

[[nodiscard]] inline std::string lower(std::string_view text) {
  std::string result(text);
  for (auto& c : result)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return result;
}

}  // namespace radial::exchange
