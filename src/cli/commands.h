// The verbs of `radial`, one function a family: each adds its subcommands to
// the application and leaves the exit status in `exit_code` when one runs.
// Exit status: 0 good, 1 something is wrong, 2 wrong usage.
#pragma once

#include <string>

namespace CLI {
class App;
}

namespace radial::cli {

void add_fabric_commands(CLI::App& app, int& exit_code);  // check, render
void add_import_command(CLI::App& app, int& exit_code);   // import
void add_export_command(CLI::App& app, int& exit_code);   // export
void add_node_commands(CLI::App& app, int& exit_code);    // status, routes, api, up, down, readmit
void add_change_commands(CLI::App& app, int& exit_code);  // plan, apply, edit, confirm, change
void add_enrol_commands(CLI::App& app, int& exit_code);   // init, join, invite, revoke, log, rollback ...
void add_lab_commands(CLI::App& app, int& exit_code);     // lab ...

// Blanks a token among the arguments.
void hide_token(int argc, char** argv);

// What a node's answer says it changed; the exit status tells whether all of it could be done.
[[nodiscard]] int report(const std::string& body, const char* nothing);

// Everything that main() needs.
[[nodiscard]] int run(int argc, char** argv);

// "error: ..." on stderr; each further line of the message as it is.
void print_error(const std::string& message);

}  // namespace radial::cli
