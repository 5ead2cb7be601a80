// Collects the mistakes of one file: makes them safe to print, bounds their
// number, and hands them out in the file's order.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "fabric/parse.h"

namespace radial::file {

class MistakeList {
 public:
  static constexpr std::size_t limit = 1000;  // a last one counts those beyond

  // Escapes control characters in all texts and shortens what the file wrote.
  void add(Mistake mistake);

  [[nodiscard]] bool empty() const { return mistakes_.empty(); }
  // Beyond the limit nothing is kept: costly explanations can be spared.
  [[nodiscard]] bool full() const { return mistakes_.size() >= limit; }

  // By line; of one line, as they were found. Leaves the list empty.
  [[nodiscard]] std::vector<Mistake> take();

 private:
  std::vector<Mistake> mistakes_;
  std::size_t beyond_ = 0;
};

// Text from the file as it may be shown: cut to `longest` bytes (never inside a
// character), control and direction-changing characters escaped.
[[nodiscard]] std::string printable(std::string_view text, std::size_t longest = 80);

}  // namespace radial::file
