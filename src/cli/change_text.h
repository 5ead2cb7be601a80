// How a change of the fabric, and a plan, are printed. Pure: the API's answer
// (/v1/change) in, text out.
#pragma once

#include <string>

#include <nlohmann/json.hpp>

namespace radial::cli {

// Whether a node of the answer takes no part in the change and is only named, with what is to be done there.
[[nodiscard]] bool is_bystander(const nlohmann::ordered_json& node);
// One line: where it stands.
[[nodiscard]] std::string change_progress(const nlohmann::ordered_json& status);
// Each node, and why the change was taken back.
[[nodiscard]] std::string change_text(const nlohmann::ordered_json& status);
// Node by node in the terms of wg(8), ip(8), sysctl, nft(8) and FRR.
[[nodiscard]] std::string plan_text(const nlohmann::ordered_json& status);

struct PlanSum {
  std::size_t nodes = 0;     // that change
  std::size_t changes = 0;
  std::size_t away = 0;
  std::size_t problems = 0;
};
[[nodiscard]] PlanSum plan_sum(const nlohmann::ordered_json& status);

}  // namespace radial::cli
