#include <algorithm>

#include "control/rollout.h"
#include "fabric/strict_json.h"

namespace radial::control {
namespace {

using Json = nlohmann::json;

constexpr std::size_t most_report_bytes = 64U << 10U;
constexpr std::size_t most_instruction_bytes = 16U << 20U;
constexpr std::size_t most_lines = 400;
constexpr std::size_t most_line_bytes = 200;
constexpr std::size_t most_text_bytes = 40U << 10U;
constexpr std::size_t most_why_bytes = 1000;

// In a trial both fill whole packets, so that a wire that carries small packets
// only is noticed: nothing else shows it (hellos and handshakes are small).
constexpr std::size_t padding_bytes = 4096;

constexpr std::array steps = {std::pair{Step::none, "none"},         std::pair{Step::stage, "stage"},
                              std::pair{Step::activate, "activate"}, std::pair{Step::trial, "trial"},
                              std::pair{Step::keep, "keep"},         std::pair{Step::go_back, "go back"}};

// As many lines as a report may hold; the last one counts the rest.
Json shortened(const std::vector<std::string>& lines) {
  Json list = Json::array();
  std::size_t bytes = 0;
  for (const auto& line : lines) {
    const auto text = line.size() > most_line_bytes ? line.substr(0, most_line_bytes) + " ..." : line;
    bytes += text.size() + 8;
    if (list.size() == most_lines || bytes > most_text_bytes) {
      list.push_back(fmt::format("... and {} more", lines.size() - list.size()));
      break;
    }
    list.push_back(text);
  }
  return list;
}

Result<std::vector<std::string>> lines_of(const Json& json, const char* key) {
  std::vector<std::string> lines;
  if (!json.contains(key)) return lines;
  if (!json[key].is_array()) return fail(Errc::invalid_argument, "'{}' is no list", key);
  for (const auto& line : json[key]) {
    if (!line.is_string()) return fail(Errc::invalid_argument, "'{}' holds something that is no text", key);
    lines.push_back(line.get<std::string>());
  }
  return lines;
}

std::string written(const Json& json) { return json.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n"; }

Result<std::string> text_of(const Json& json, const char* key) {
  if (!json.contains(key)) return std::string();
  if (!json[key].is_string()) return fail(Errc::invalid_argument, "'{}' is no text", key);
  return json[key].get<std::string>();
}

}  // namespace

std::string_view to_string(Step step) {
  for (const auto& [value, name] : steps)
    if (value == step) return name;
  return "?";
}

std::string to_json(const NodeReport& report) {
  Json json({{"version", 1},
                  {"staged", report.staged},
                  {"trial", report.trial},
                  {"failed", report.failed},
                  {"healthy", report.healthy},
                  {"why", report.why.substr(0, most_why_bytes)},
                  {"changes", shortened(report.changes)},
                  {"problems", shortened(report.problems)}});
  if (report.trial != 0) json["padding"] = std::string(padding_bytes, '.');
  return written(json);
}

Result<NodeReport> node_report_from_json(std::string_view text) {
  RADIAL_ASSIGN(const auto json, parse_strict_json(text, {most_report_bytes, 4}));
  if (!json.is_object() || json.value("version", Json()) != 1)
    return fail(Errc::unsupported, "the controller knows version 1 of this report");
  NodeReport report;
  RADIAL_ASSIGN(report.staged, json_integer<std::int64_t>(json.value("staged", Json(0)), "staged"));
  RADIAL_ASSIGN(report.trial, json_integer<std::int64_t>(json.value("trial", Json(0)), "trial"));
  RADIAL_ASSIGN(report.failed, json_integer<std::int64_t>(json.value("failed", Json(0)), "failed"));
  if (json.contains("healthy")) {
    if (!json["healthy"].is_boolean()) return fail(Errc::invalid_argument, "'healthy' is neither true nor false");
    report.healthy = json["healthy"].get<bool>();
  }
  RADIAL_ASSIGN(report.why, text_of(json, "why"));
  RADIAL_ASSIGN(report.changes, lines_of(json, "changes"));
  RADIAL_ASSIGN(report.problems, lines_of(json, "problems"));
  if (auto padding = text_of(json, "padding"); !padding) return Unexpected(std::move(padding.error()));
  return report;
}

std::string to_json(const Instruction& instruction) {
  Json json{{"version", 1},
            {"step", std::string(to_string(instruction.step))},
            {"change", instruction.change},
            {"in_ms", instruction.in_ms},
            {"seconds", instruction.seconds}};
  if (instruction.send_config) json["config"] = instruction.config;
  if (instruction.step == Step::trial) json["padding"] = std::string(padding_bytes, '.');
  return written(json);
}

Result<Instruction> instruction_from_json(std::string_view text) {
  RADIAL_ASSIGN(const auto json, parse_strict_json(text, {most_instruction_bytes, 4}));
  if (!json.is_object() || json.value("version", Json()) != 1)
    return fail(Errc::protocol, "the controller's answer is of another version of Radial");
  Instruction instruction;
  RADIAL_ASSIGN(const auto name, text_of(json, "step"));
  const auto* const found = std::find_if(steps.begin(), steps.end(), [&](const auto& one) { return name == one.second; });
  if (found == steps.end()) return fail(Errc::protocol, "the controller asks for '{}', which this Radial does not know", name);
  instruction.step = found->first;
  RADIAL_ASSIGN(instruction.change, json_integer<std::int64_t>(json.value("change", Json(0)), "change"));
  RADIAL_ASSIGN(instruction.in_ms, json_integer<std::int64_t>(json.value("in_ms", Json(0)), "in_ms", 0, 60'000));
  RADIAL_ASSIGN(instruction.seconds, json_integer<int>(json.value("seconds", Json(0)), "seconds", 0, 7 * 86400));
  RADIAL_ASSIGN(instruction.config, text_of(json, "config"));
  instruction.send_config = json.contains("config");
  return instruction;
}

}  // namespace radial::control
