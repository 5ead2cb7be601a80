#include "cli/print_routes.h"

#include <algorithm>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "cli/table.h"

namespace radial::cli {
namespace {

// Some names, and how many more there are.
std::string names(const std::vector<std::string>& all) {
  constexpr std::size_t shown = 3;
  if (all.empty()) return "-";
  if (all.size() <= shown) return fmt::format("{}", fmt::join(all, " "));
  return fmt::format("{} {} +{}", all[0], all[1], all.size() - 2);
}

}  // namespace

std::string routes_text(const observe::RouteTable& table) {
  if (table.rows.empty()) return "no prefix is announced, served or declared here\n";
  const bool grants = std::any_of(table.rows.begin(), table.rows.end(), [](const auto& row) { return !row.granted_to.empty(); });
  std::vector<std::string> headings{"PREFIX", "ANNOUNCED BY"};
  if (grants || table.steers) headings.emplace_back("GRANTED TO");
  headings.emplace_back("SERVING");
  if (table.steers) headings.emplace_back("STEERED TO");
  Table rows(std::move(headings));
  std::string notes;
  for (const auto& row : table.rows) {
    std::vector<std::string> cells{row.prefix.to_string(), names(row.announced_by)};
    if (grants || table.steers) cells.push_back(names(row.granted_to));
    cells.push_back(names(row.serving));
    if (table.steers) cells.push_back(row.steered_to.value_or("-"));
    rows.add(std::move(cells));
    for (const auto& node : row.refused)
      notes += wrapped(fmt::format("refused: {} announces {}, which its grant does not cover; withdraw it there, or widen the grant",
                                   node, row.prefix), 9) + "\n";
    if (table.steers && row.serving.size() == 1 && row.steered_to && row.serving.front() != *row.steered_to &&
        row.serving.front() != "here")
      notes += wrapped(fmt::format("differs: the FIB sends {} to {}, the wire to {}", row.prefix, row.serving.front(), *row.steered_to), 9) +
               "\n";
  }
  return rows.to_string() + (notes.empty() ? "" : "\n" + notes);
}

}  // namespace radial::cli
