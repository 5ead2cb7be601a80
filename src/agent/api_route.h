// The routes of radiald's API as data: one row each, with who may call it and
// what answers. docs/openapi.json describes the same, and tests hold the two
// together.
#pragma once

#include <array>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include "agent/http_server.h"
#include "base/result.h"

namespace radial::agent {

enum class Where {
  node,        // every node's UNIX socket
  controller,  // the UNIX socket where the controller is
  tunnel,      // the controller's tunnel address
};

enum class Caller {
  reader,  // who may open the socket: root, and the group radial
  root,
  guest,   // invited, in quarantine; proves that it has the token
  node,    // of the fabric; proves its key by its address and root on it by an HMAC
};

struct Route {
  std::string_view method;
  std::string_view path;
  Where where = Where::node;
  Caller caller = Caller::reader;
};

// On the UNIX socket `body` is what the route's schema wants (openapi.h).
template <class Host>
struct ServedRoute {
  Route route;
  Response (Host::*answer)(const Request& request, const nlohmann::json& body);
};

// JSON as every answer has it; bytes that are no UTF-8 are replaced.
[[nodiscard]] std::string written(const nlohmann::ordered_json& json);
[[nodiscard]] Response refusal(int status, const std::string& why);
// 400, 403, 404, 409, or 500 for what is not the caller's fault.
[[nodiscard]] Response refusal(const Error& error);

// The body of a request for this route, or why it is refused: 403, 400.
[[nodiscard]] tl::expected<nlohmann::json, Response> admit(const Route& route, const Request& request);

template <class Table>
[[nodiscard]] bool has_path(const Table& table, std::string_view path) {
  for (const auto& row : table)
    if (row.route.path == path) return true;
  return false;
}

template <class Table>
[[nodiscard]] auto find_row(const Table& table, const Request& request) -> decltype(&*table.begin()) {
  for (const auto& row : table)
    if (row.route.path == request.path && row.route.method == request.method) return &row;
  return nullptr;
}

// Answers a request whose path is in the table.
template <class Table, class Host>
[[nodiscard]] Response answer_by(const Table& table, Host& host, const Request& request) {
  const auto* row = find_row(table, request);
  if (row == nullptr) return refusal(405, fmt::format("{} does not take {}", request.path, request.method.substr(0, 16)));
  const auto body = admit(row->route, request);
  return body ? (host.*row->answer)(request, *body) : body.error();
}

template <class Table>
void list_routes(const Table& table, std::vector<Route>& all) {
  for (const auto& row : table) all.push_back(row.route);
}

// Every route that radiald has.
[[nodiscard]] std::vector<Route> api_routes();

}  // namespace radial::agent
