#include "cli/change_text.h"

#include <array>
#include <map>
#include <vector>

#include <fmt/format.h>

#include "cli/table.h"

namespace radial::cli {
namespace {

using Json = nlohmann::ordered_json;

std::vector<std::string> lines_of(const Json& node, const char* key) {
  std::vector<std::string> lines;
  if (node.contains(key) && node[key].is_array())
    for (const auto& line : node[key])
      if (line.is_string()) lines.push_back(line.get<std::string>());
  return lines;
}

// What a line of a reconciliation is about, and how it reads in a plan.
struct Part {
  std::string heading;
  std::string line;
};

bool takes(std::string& text, std::string_view prefix) {
  if (!text.starts_with(prefix)) return false;
  text.erase(0, prefix.size());
  return true;
}

bool removes(const std::string& text) {
  return text.starts_with("no ") || text.find(" remove") != std::string::npos || text.find(" allowed-ips -") != std::string::npos ||
         text.starts_with("ip address del") || text.starts_with("remove ");
}

bool adds(const std::string& text) {
  return text.find(" add") != std::string::npos || text.find(" allowed-ips +") != std::string::npos || text.starts_with("create ");
}

Part part_of(std::string text) {
  if (takes(text, "nft: ")) {
    const bool signed_line = text.starts_with("+ ") || text.starts_with("- ");
    return {"nft", signed_line ? text : "~ " + text};
  }
  for (const std::string_view daemon : {"zebra", "ospfd", "ospf6d", "bgpd", "bfdd", "staticd", "mgmtd"}) {
    if (!text.starts_with(fmt::format("{}:", daemon)) && text != daemon) continue;
    text.erase(0, std::min(text.size(), daemon.size() + 2));
    // "CONTEXT: line", or a line at the top level.
    const auto colon = text.find(": ");
    const auto line = colon == std::string::npos ? text : text.substr(colon + 2);
    return {fmt::format("frr {}", daemon), fmt::format("{} {}", line.starts_with("no ") ? "-" : "+", text)};
  }
  const char* sign = removes(text) ? "-" : adds(text) ? "+" : "~";
  if (text.starts_with("sysctl ")) return {"sysctl", fmt::format("~ {}", text.substr(7))};
  if (text.starts_with("ip ")) return {"ip", fmt::format("{} {}", sign, text)};
  return {"wg", fmt::format("{} {}", sign, text)};
}

std::string plural(std::size_t count, std::string_view noun) { return fmt::format("{} {}{}", count, noun, count == 1 ? "" : "s"); }

}  // namespace

bool is_bystander(const Json& node) {
  const auto state = node.value("state", "");
  return state == "by hand" || state == "leaves";
}

PlanSum plan_sum(const Json& status) {
  PlanSum sum;
  if (!status.contains("nodes")) return sum;
  for (const auto& node : status["nodes"]) {
    if (node.value("state", "") == "away") {
      ++sum.away;
      continue;
    }
    const auto changes = lines_of(node, "changes").size();
    sum.changes += changes;
    if (changes > 0) ++sum.nodes;
    sum.problems += lines_of(node, "problems").size() + (node.value("state", "") == "failed" ? 1 : 0);
  }
  return sum;
}

std::string plan_text(const Json& status) {
  std::string text;
  if (status.contains("nodes")) {
    for (const auto& node : status["nodes"]) {
      const auto name = node.value("node", "?");
      if (is_bystander(node)) {
        text += fmt::format("{}: {}\n\n", name, node.value("why", ""));
        continue;
      }
      if (node.value("state", "") == "away") {
        text += fmt::format("{}: not in contact, not compared\n\n", name);
        continue;
      }
      const auto changes = lines_of(node, "changes");
      const auto problems = lines_of(node, "problems");
      if (node.value("state", "") == "failed") text += fmt::format("{}: {}\n\n", name, node.value("why", ""));
      if (changes.empty() && problems.empty()) continue;
      text += fmt::format("{}\n", name);
      std::string heading;
      for (const auto& change : changes) {
        const auto part = part_of(change);
        if (part.heading != heading) text += fmt::format("  {}\n", part.heading);
        heading = part.heading;
        text += fmt::format("    {}\n", part.line);
      }
      for (const auto& problem : problems) text += fmt::format("  problem: {}\n", problem);
      text += "\n";
    }
  }
  const auto sum = plan_sum(status);
  if (sum.changes == 0) text += "No changes: the network is as the fabric says.";
  else text += fmt::format("Plan: {} at {}.", plural(sum.changes, "change"), plural(sum.nodes, "node"));
  if (sum.away > 0) text += fmt::format(" {} not in contact.", plural(sum.away, "node"));
  if (sum.problems > 0) text += fmt::format(" {}.", plural(sum.problems, "problem"));
  return text + "\n";
}

std::string change_progress(const Json& status) {
  const auto phase = status.value("phase", "");
  std::map<std::string, std::size_t> states;
  std::size_t taking_part = 0;
  if (status.contains("nodes"))
    for (const auto& node : status["nodes"]) {
      const auto state = node.value("state", "");
      ++states[state];
      if (state != "away" && !is_bystander(node)) ++taking_part;
    }
  const auto away = states["away"] > 0 ? fmt::format(", {} not in contact", states["away"]) : std::string();
  if (phase == "staging") return fmt::format("  staged at {} of {}{}", states["staged"], plural(taking_part, "node"), away);
  if (phase == "counting down") return fmt::format("  staged at {}; activating{}", plural(taking_part, "node"), away);
  if (phase == "trial") return fmt::format("  on trial, all well at {} of {}{}", states["healthy"], plural(taking_part, "node"), away);
  if (phase == "waiting") return fmt::format("  all well at {}{}", plural(taking_part, "node"), away);
  if (phase == "confirmed") return fmt::format("  kept{}", away);
  return "  " + phase;
}

std::string change_text(const Json& status) {
  const auto phase = status.value("phase", "none");
  if (phase == "none") return fmt::format("no change since radiald was started; the fabric is revision {}\n", status.value("revision", std::int64_t{0}));
  std::string text = fmt::format("{}: {}{}\n", phase == "planned" ? std::string("plan") : fmt::format("revision {}", status.value("revision", std::int64_t{0})),
                                 phase, status.value("reason", "").empty() ? "" : ": " + status.value("reason", ""));
  Table table({"NODE", "STATE", "WHY"});
  for (const auto& node : status["nodes"]) table.add({node.value("node", ""), node.value("state", ""), node.value("why", "")});
  return text + table.to_string();
}

}  // namespace radial::cli
