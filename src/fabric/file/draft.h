// The fabric as written, each value with its place: what the reader makes, the
// rules examine, and Fabric is built from once no mistake is left. A value that
// could not be read is absent (or has its default); its mistake is already told.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "fabric/fabric.h"
#include "fabric/file/section.h"

namespace radial::file {

template <class T>
struct Written {
  T value{};
  Spot spot;  // of a default: where the value would stand
};

enum class GrantForm : std::uint8_t {
  lans,    // absent, or "lans"
  listed,  // "any" or a list: besides the LANs
  only,    // {only: [...]}: the LANs must lie inside
};

struct DraftGrant {
  GrantForm form = GrantForm::lans;
  bool any = false;
  std::vector<Written<Prefix>> prefixes;  // as listed
  bool sound = true;                      // false: part of it could not be read
  Spot spot;
};

struct DraftNode {
  std::string name;
  Spot spot;
  std::vector<Written<Lan>> lans;
  DraftGrant grant;
  std::optional<Written<IpAddress>> address;

  // What the operator listed, the LANs and default routes aside: a deliberate
  // claim, which may be shared with another node.
  [[nodiscard]] Grant claimed() const;
};

struct DraftHub : DraftNode {
  std::vector<Written<Endpoint>> endpoints;
  std::uint16_t listen_port = 51820;
  std::optional<Written<Prefix>> tunnel_v4;  // its own, or its share of the fabric's
  std::optional<Written<Prefix>> tunnel_v6;
  bool own_v4 = false;  // the file says something about it, readable or not
  bool own_v6 = false;
  bool no_v6 = false;   // tunnel6: none
  std::uint32_t cost = 10;
  Written<SiteWires> wire;
};

struct DraftSite : DraftNode {
  std::optional<std::vector<Written<std::string>>> hubs;  // absent: all
  std::optional<Written<int>> mtu;
  std::uint16_t keepalive = 25;
  Written<Trust> trust;
};

struct Draft {
  std::string name;
  Written<std::string> interface{"wg0", {}};
  Written<int> mtu{1420, {}};
  RoutingEngine routing = RoutingEngine::ospf;
  OspfSettings ospf;
  BgpSettings bgp;
  std::uint16_t rotate_days = 90;
  std::vector<DraftHub> hubs;
  std::vector<DraftSite> sites;

  // All nodes, hubs first; borrows.
  [[nodiscard]] std::vector<const DraftNode*> nodes() const;
};

}  // namespace radial::file
