// status, routes, api, up, down: this node, through its radiald.
#include <algorithm>
#include <cstdio>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "agent/daemon.h"
#include "cli/api_client.h"
#include "cli/commands.h"
#include "cli/print_routes.h"
#include "cli/print_status.h"

namespace radial::cli {

using Json = nlohmann::ordered_json;

// Prints what changed; the exit status says whether all of it could be done.
int report(const std::string& body, const char* nothing) {
  const auto json = Json::parse(body, nullptr, false);
  if (!json.is_object() || !json.contains("changes") || !json.contains("problems")) {
    print_error("radiald's answer is not understood");
    return 1;
  }
  const bool dry_run = json.value("dry_run", false);
  for (const auto& change : json["changes"]) fmt::print("{} {}\n", dry_run ? "would" : " ", change.get<std::string>());
  for (const auto& problem : json["problems"]) fmt::print(stderr, "problem: {}\n", problem.get<std::string>());
  if (json["changes"].empty() && json["problems"].empty()) fmt::print("{}\n", nothing);
  else if (!json["changes"].empty())
    fmt::print("{} change{}{}\n", json["changes"].size(), json["changes"].size() == 1 ? "" : "s", dry_run ? ", none made" : "");
  return json["problems"].empty() ? 0 : 1;
}

namespace {

int status(const std::string& socket, bool json) {
  auto body = api_body(socket, "GET", "/v1/status");
  if (!body) {
    print_error(body.error().message);
    return 1;
  }
  auto snapshot = observe::snapshot_from_json(*body);
  if (!snapshot) {
    print_error(snapshot.error().message);
    return 1;
  }
  fmt::print("{}", json ? *body : status_text(*snapshot));
  return snapshot->healthy() ? 0 : 1;
}

// Exit status 1 when somebody announces what it is not granted.
int routes(const std::string& socket, bool json) {
  auto body = api_body(socket, "GET", "/v1/routes");
  auto table = body ? observe::route_table_from_json(*body) : Result<observe::RouteTable>(tl::unexpected(body.error()));
  if (!table) {
    print_error(table.error().message);
    return 1;
  }
  fmt::print("{}", json ? *body : routes_text(*table));
  return std::all_of(table->rows.begin(), table->rows.end(), [](const auto& row) { return row.refused.empty(); }) ? 0 : 1;
}

int post(const std::string& socket, const std::string& path, const std::string& body, const char* nothing) {
  auto answer = api_body(socket, "POST", path, body);
  if (!answer) {
    print_error(answer.error().message);
    return 1;
  }
  return report(*answer, nothing);
}

int down(const std::string& socket) {
  auto answer = api_body(socket, "POST", "/v1/down");
  if (answer) return report(*answer, "nothing to remove");
  if (answer.error().code != Errc::unavailable) {
    print_error(answer.error().message);
    return 1;
  }
  // No radiald: what it made is on record, and can go without it.
  std::vector<std::string> changes;
  const auto status = agent::tear_down_offline({}, changes);
  for (const auto& change : changes) fmt::print("  {}\n", change);
  if (!status) {
    print_error(status.error().message);
    return 1;
  }
  fmt::print("{} change{} (radiald is not running)\n", changes.size(), changes.size() == 1 ? "" : "s");
  return 0;
}

int readmit(const std::string& socket, const std::string& site) {
  return post(socket, "/v1/readmit", Json{{"site", site}}.dump(-1, ' ', false, Json::error_handler_t::replace),
              "it is let back");
}

// What the API says, as it says it.
struct ApiRequest {
  std::string method;
  std::string path;
  std::string data;
};

int api(const std::string& socket, const ApiRequest& request) {
  auto answer = api_body(socket, request.method, request.path, request.data);
  if (!answer) {
    print_error(answer.error().message);
    return 1;
  }
  fmt::print("{}", *answer);
  wipe(*answer);
  return 0;
}

}  // namespace

void add_node_commands(CLI::App& app, int& exit_code) {
  auto socket = std::make_shared<std::string>(agent::Paths{}.socket().string());
  const auto with_socket = [socket](CLI::App* command) {
    command->add_option("--socket", *socket, "radiald's socket")->capture_default_str();
    return command;
  };

  auto* status_command = with_socket(app.add_subcommand(
      "status", "This node's wires, adjacencies, learned prefixes, and what is wrong; exit status 1 when something is"));
  auto json = std::make_shared<bool>(false);
  status_command->add_flag("--json", *json, "for programs");
  status_command->callback([&exit_code, socket, json] { exit_code = status(*socket, *json); });

  auto* routes_command = with_socket(app.add_subcommand(
      "routes", "Each prefix: who announces it, who is granted it, who serves it, and whom the wire sends it to; exit status 1 "
                "when somebody announces what it is not granted"));
  auto routes_json = std::make_shared<bool>(false);
  routes_command->add_flag("--json", *routes_json, "for programs");
  routes_command->callback([&exit_code, socket, routes_json] { exit_code = routes(*socket, *routes_json); });

  auto* readmit_command = with_socket(app.add_subcommand(
      "readmit", "Let a site back that this hub cut off from routing; look at the site first"));
  auto site = std::make_shared<std::string>();
  readmit_command->add_option("SITE", *site, "its name in the fabric")->required();
  readmit_command->callback([&exit_code, socket, site] { exit_code = readmit(*socket, *site); });

  auto* down_command = with_socket(app.add_subcommand(
      "down", "Remove everything that Radial made on this node, and nothing else; stays so until 'radial up'"));
  down_command->callback([&exit_code, socket] { exit_code = down(*socket); });

  auto* api_command = with_socket(app.add_subcommand(
      "api", "Ask radiald's HTTP API and print its JSON; 'radial api /v1/openapi.json' describes it"));
  auto request = std::make_shared<ApiRequest>();
  api_command->add_option("PATH", request->path, "'/v1/status'")->required();
  auto* data = api_command->add_option("--data", request->data, "JSON to send; the method is then POST")->type_name("JSON");
  api_command->add_option("--method", request->method, "GET or POST")->check(CLI::IsMember({"GET", "POST"}));
  api_command->callback([&exit_code, socket, request, data] {
    if (request->method.empty()) request->method = data->count() > 0 ? "POST" : "GET";
    exit_code = api(*socket, *request);
  });

  auto* up_command = with_socket(app.add_subcommand("up", "Bring this node up again after 'radial down'"));
  up_command->callback([&exit_code, socket] { exit_code = post(*socket, "/v1/up", "", "the node is up already"); });
}

}  // namespace radial::cli
