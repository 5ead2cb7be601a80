#include <algorithm>
#include <cstdio>
#include <string>
#include <string_view>
#include <vector>

#include <CLI/CLI.hpp>

#include "base/log.h"
#include "base/version.h"
#include "cli/commands.h"

namespace radial::cli {

void print_error(const std::string& message) { fmt::print(stderr, "error: {}\n", message); }

int run(int argc, char** argv) {
  start_log("radial", spdlog::level::warn);
  CLI::App app{"Radial governs hub-and-spoke WireGuard networks that route with FRR.\n"
               "See radial(8); a fabric on this machine to try things on: radial lab up FABRIC.yaml"};
  app.name("radial");
  app.set_version_flag("--version", std::string(version()));
  app.require_subcommand(1);
  app.formatter(std::make_shared<CLI::Formatter>());
  app.get_formatter()->column_width(30);
  int exit_code = 0;
  add_fabric_commands(app, exit_code);
  add_import_command(app, exit_code);
  add_export_command(app, exit_code);
  add_node_commands(app, exit_code);
  add_change_commands(app, exit_code);
  add_enrol_commands(app, exit_code);
  add_lab_commands(app, exit_code);
  // Parsed from a copy, so that a token does not stay in the process list.
  std::vector<std::string> words(argv + 1, argv + argc);
  std::reverse(words.begin(), words.end());  // as CLI11 takes them
  hide_token(argc, argv);
  try {
    app.parse(words);
  } catch (const CLI::ParseError& error) {
    const int code = app.exit(error);
    // 2 is plan's word for changes.
    return code == 0 ? 0 : app.got_subcommand("plan") ? 1 : 2;
  }
  return exit_code;
}

}  // namespace radial::cli
