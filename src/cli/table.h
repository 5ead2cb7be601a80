// Aligned columns for a terminal, each as wide as its widest cell; where a row
// would be wider than 80 columns, the widest columns are cut until it is not.
#pragma once

#include <string>
#include <vector>

namespace radial::cli {

inline constexpr std::size_t terminal_columns = 80;

class Table {
 public:
  explicit Table(std::vector<std::string> headings) : rows_{std::move(headings)} {}
  void add(std::vector<std::string> cells) { rows_.push_back(std::move(cells)); }  // as many as headings
  [[nodiscard]] bool empty() const { return rows_.size() < 2; }
  [[nodiscard]] std::string to_string() const;

 private:
  std::vector<std::vector<std::string>> rows_;  // the headings first
};

// "12 s", "3 min 20 s", "2 h 5 min", "4 d 3 h".
[[nodiscard]] std::string duration_text(long long seconds);
// "0 B", "1.5 KiB", "12 MiB".
[[nodiscard]] std::string bytes_text(unsigned long long bytes);
// `text` on lines of at most `width`, each after the first indented.
[[nodiscard]] std::string wrapped(const std::string& text, std::size_t indent, std::size_t width = terminal_columns);

}  // namespace radial::cli
