#include "cli/read_fabric.h"

#include <cstdio>

#include "base/file.h"
#include "cli/commands.h"
#include "fabric/parse.h"

namespace radial::cli {
namespace {

constexpr std::size_t most_fabric_bytes = 4U << 20U;

}  // namespace

std::optional<Fabric> read_fabric(const std::string& file) {
  auto text = read_file(file, most_fabric_bytes);
  if (!text) {
    print_error(text.error().message);
    return std::nullopt;
  }
  auto parsed = parse_fabric(*text);
  if (const auto* mistakes = std::get_if<std::vector<Mistake>>(&parsed)) {
    for (const auto& mistake : *mistakes) fmt::print(stderr, "{}\n", to_string(mistake, file));
    print_error(fmt::format("{} has {} mistake{}; nothing was changed", file, mistakes->size(), mistakes->size() == 1 ? "" : "s"));
    return std::nullopt;
  }
  return std::move(std::get<Fabric>(parsed));
}

}  // namespace radial::cli
