#include "fabric/file/text_check.h"

#include <fmt/format.h>

#include "fabric/file/utf8.h"

namespace radial::file {
namespace {

// Tab and line ends are text. A carriage return alone would be a line end to
// YAML and to no editor: line numbers would be wrong from there on.
bool is_control(std::uint32_t code, std::string_view rest) {
  if (code == '\t' || code == '\n') return false;
  if (code == '\r') return rest.size() < 2 || rest[1] != '\n';
  return code < 0x20 || (code >= 0x7f && code < 0xa0 && code != 0x85);
}

}  // namespace

bool check_text(std::string_view text, MistakeList& mistakes) {
  if (text.size() > largest_file) {
    mistakes.add({0, "", "",
                  fmt::format("the file has {} bytes; a fabric file has at most {}", text.size(), largest_file),
                  "split the network into several fabrics"});
    return false;
  }
  int line = 1;
  for (std::size_t at = 0; at < text.size();) {
    const auto character = decode_utf8(text.substr(at));
    if (character.length == 0) {
      mistakes.add({line, "", "", fmt::format("the byte 0x{:02x} is not UTF-8", static_cast<unsigned char>(text[at])),
                    "save the file as UTF-8"});
      return false;
    }
    if (is_control(character.code, text.substr(at))) {
      mistakes.add({line, "", "", fmt::format("there is a control character (U+{:04X})", character.code),
                    character.code == '\r' ? "end lines with a line feed" : "remove it"});
      return false;
    }
    if (character.code == '\n') ++line;
    at += character.length;
  }
  return true;
}

}  // namespace radial::file
