#include "fabric/file/mistake_list.h"

#include <algorithm>
#include <cstdint>
#include <utility>

#include <fmt/format.h>

#include "fabric/file/utf8.h"

namespace radial::file {
namespace {

constexpr std::size_t longest_sentence = 400;

// Characters that would act on a terminal or reorder what is read.
bool acts(std::uint32_t c) {
  return c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0xfeff || (c >= 0x200b && c <= 0x200f) ||
         (c >= 0x2028 && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069);
}

}  // namespace

std::string printable(std::string_view text, std::size_t longest) {
  std::string shown;
  for (std::size_t at = 0; at < text.size();) {
    if (shown.size() >= longest) return shown + "...";
    const auto character = decode_utf8(text.substr(at));
    if (character.length == 0) {
      shown += fmt::format("\\x{:02x}", static_cast<unsigned char>(text[at]));
      ++at;
      continue;
    }
    if (character.code == '\n')
      shown += "\\n";
    else if (acts(character.code))
      shown += fmt::format("\\u{:04x}", character.code);
    else
      shown += text.substr(at, character.length);
    at += character.length;
  }
  return shown;
}

void MistakeList::add(Mistake mistake) {
  if (full()) {
    ++beyond_;
    return;
  }
  mistake.field = printable(mistake.field, 200);
  mistake.value = printable(mistake.value);
  mistake.problem = printable(mistake.problem, longest_sentence);
  mistake.fix = printable(mistake.fix, longest_sentence);
  mistakes_.push_back(std::move(mistake));
}

std::vector<Mistake> MistakeList::take() {
  std::stable_sort(mistakes_.begin(), mistakes_.end(),
                   [](const Mistake& a, const Mistake& b) { return a.line < b.line; });
  if (beyond_ > 0)
    mistakes_.push_back({0, "", "", fmt::format("{} more mistakes are not shown", beyond_), "mend these first"});
  beyond_ = 0;
  return std::exchange(mistakes_, {});
}

}  // namespace radial::file
