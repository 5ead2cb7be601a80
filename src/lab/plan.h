// Who is where in a lab: names, links and addresses of its internet and its
// LAN hosts, derived from the fabric alone. Pure and deterministic.
//
// Link k (nodes in the file's order, hubs first, from 0) is the k-th /30 of
// 198.18.0.0/15 (RFC 2544, for tests of networks) and 2001:db8:0:k::/64 (RFC 3849);
// the internet has the first address and the node the second. An endpoint that
// the fabric gives as a name is put in every node's /etc/hosts; one that it gives
// as an address is added to the hub's uplink: the fabric file is used as it is.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/ip.h"
#include "base/result.h"
#include "fabric/fabric.h"

namespace radial::lab {

struct LanHost {
  std::string name;        // "berlin.lan0"
  std::string netns;       // "radial-LAB-berlin-lan0"
  std::string interface;   // of the node: "lan0"; the host's own is eth0
  Prefix prefix;
  IpAddress node_address;              // first of the prefix
  std::optional<IpAddress> address;    // the host's; nothing when the prefix has no room for one
  bool operator==(const LanHost&) const = default;
};

struct LabNode {
  std::string name;
  std::string netns;         // "radial-LAB-berlin"
  bool hub = false;
  std::uint32_t index = 0;
  std::string link;          // its interface in the internet; the node's own is "uplink"
  std::vector<IpAddress> extra_addresses;  // endpoints that the fabric gives as addresses
  std::vector<LanHost> lans;
  // UDP ports of endpoints that the node listens to elsewhere, as behind a
  // port forwarding: outer port -> listen port.
  std::map<std::uint16_t, std::uint16_t> forwarded_ports;
  // FRR, as up() resolved it: its version, and its root folder when it is not
  // the machine's own.
  std::string frr;
  std::string frr_root;
  // Its init, once it runs: two numbers that name a process for good.
  std::int64_t pid = 0;
  std::uint64_t start_time = 0;  // clock ticks since boot, as proc(5) has it

  [[nodiscard]] IpAddress internet_v4() const;
  [[nodiscard]] IpAddress internet_v6() const;
  [[nodiscard]] IpAddress uplink_v4() const;
  [[nodiscard]] IpAddress uplink_v6() const;
  bool operator==(const LabNode&) const = default;
};

inline constexpr std::string_view uplink = "uplink";
inline constexpr std::string_view internet = "internet";

struct LabPlan {
  std::string lab;
  LabNode internet;               // no links of its own
  std::vector<LabNode> nodes;     // hubs first
  std::map<std::string, std::vector<IpAddress>> endpoint_names;  // host name -> addresses of its hubs

  [[nodiscard]] const LabNode* find(std::string_view node) const;     // nodes and "internet"; borrows
  [[nodiscard]] const LanHost* find_lan_host(std::string_view name) const;
  [[nodiscard]] std::vector<const LabNode*> everybody() const;        // the internet first
  [[nodiscard]] std::vector<const LanHost*> lan_hosts() const;
  bool operator==(const LabPlan&) const = default;
};

// Letters, digits, '-' and '_', at most 32: it becomes part of paths.
[[nodiscard]] Status check_lab_name(std::string_view name);

// Fails when the fabric's own prefixes or endpoints collide with the lab's
// internet.
[[nodiscard]] Result<LabPlan> plan_lab(const Fabric& fabric, const std::string& lab);

// /etc/hosts of every node: localhost, endpoint names, LAN hosts.
[[nodiscard]] std::string hosts_file(const LabPlan& plan);

}  // namespace radial::lab
