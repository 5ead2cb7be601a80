// Each prefix of the fabric as one node sees it, in the columns of a
// route-approval table: who announces it, who is granted it, who serves it (the
// FIB), and whom cryptokey routing would send it to. Pure.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "compile/node_config.h"

namespace radial::observe {

// What a routing protocol says: `by` is a node's name, or a router-id that is nobody's.
struct Announcement {
  Prefix prefix;
  std::string by;
  auto operator<=>(const Announcement&) const = default;
};

// A route of the FIB. Over wires: the nodes at its next hops.
struct ServedRoute {
  Prefix prefix;
  std::vector<std::string> nodes;
  bool here = false;  // connected at this node
};

struct RouteRow {
  Prefix prefix;
  std::vector<std::string> announced_by;
  std::vector<std::string> granted_to;   // at a site: not known by name, empty
  std::vector<std::string> refused;      // of those that announce it, who is not granted it
  std::vector<std::string> serving;      // nodes; "here"; empty: no route
  std::optional<std::string> steered_to; // on a multipoint wire; nothing: nobody, or there is no such wire
  bool operator==(const RouteRow&) const = default;
};

struct RouteTable {
  std::string node;
  bool steers = false;                   // it has a multipoint wire
  std::vector<RouteRow> rows;            // by prefix
  bool operator==(const RouteTable&) const = default;
};

// `steered`: the node that a destination goes to on a multipoint wire. Rows are
// what is announced, served over wires, or declared; tunnel addresses are left out.
[[nodiscard]] RouteTable route_table(const NodeConfig& config, const std::vector<Announcement>& announced,
                                     const std::vector<ServedRoute>& served,
                                     const std::function<std::optional<std::string>(const Prefix&)>& steered);

[[nodiscard]] std::string to_json(const RouteTable& table);
[[nodiscard]] Result<RouteTable> route_table_from_json(std::string_view text);

}  // namespace radial::observe
