// Any two texts, parted by a NUL or a line "router ospf", are taken as a hub's
// files: the answer is a fabric file that parses, or notes fit to print of
// which one is an error. No private or preshared key is in either.
#include <cstdint>
#include <cstdlib>
#include <variant>

#include "exchange/import.h"
#include "fabric/parse.h"

namespace {

void require(bool holds) {
  if (!holds) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto parted = text.find('\0');
  radial::exchange::ImportOptions options;
  options.endpoint = radial::Endpoint{"vpn.example.com", 51820};
  const auto imported = parted == std::string_view::npos
                            ? radial::exchange::import_hub(text, text, options)
                            : radial::exchange::import_hub(text.substr(0, parted), text.substr(parted + 1), options);
  std::string told = imported.yaml;
  for (const auto& note : imported.notes) {
    const auto line = to_string(note);
    for (const char c : line) require(static_cast<unsigned char>(c) >= 0x20 && c != 0x7f);
    told += line;
  }
  if (imported.usable()) require(std::holds_alternative<radial::Fabric>(radial::parse_fabric(imported.yaml)));
  if (!imported.private_key.is_zero()) require(told.find(imported.private_key.reveal_base64()) == std::string::npos);
  return 0;
}
