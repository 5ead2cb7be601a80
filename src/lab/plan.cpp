#include "lab/plan.h"

#include <algorithm>
#include <array>

namespace radial::lab {
namespace {

constexpr std::uint32_t internet_base = 0xC6120000;  // 198.18.0.0
constexpr std::size_t most_links = 32768;            // /30s in a /15
constexpr std::size_t longest_interface_name = 15;   // IFNAMSIZ, less the final zero

Prefix internet_range(Family family) {
  if (family == Family::v4) return Prefix::of(IpAddress::from_v4(internet_base), 15);
  return Prefix::of(*IpAddress::parse("2001:db8::"), 48);
}

IpAddress link_address(Family family, std::uint32_t index, std::uint32_t host) {
  if (family == Family::v4) return IpAddress::from_v4(internet_base + 4 * index + host);
  // 2001:db8:0:INDEX::HOST
  std::array<std::uint8_t, 16> bytes{0x20, 0x01, 0x0d, 0xb8};
  bytes[6] = static_cast<std::uint8_t>(index >> 8);
  bytes[7] = static_cast<std::uint8_t>(index & 0xff);
  bytes[15] = static_cast<std::uint8_t>(host);
  return IpAddress::from_bytes(bytes);
}

LanHost plan_lan(const LabNode& node, std::size_t number, const Prefix& prefix) {
  LanHost host;
  host.interface = fmt::format("lan{}", number);
  host.name = fmt::format("{}.{}", node.name, host.interface);
  host.netns = fmt::format("{}-{}", node.netns, host.interface);
  host.prefix = prefix;
  const int spare_bits = bits_of(prefix.family()) - prefix.length();
  // A /31 or /127 is a link of two addresses and nothing else (RFC 3021, RFC 6164).
  const std::uint64_t first = spare_bits >= 2 ? 1 : 0;
  host.node_address = *prefix.address().plus(first);
  if (spare_bits >= 1) host.address = prefix.address().plus(first + 1);
  return host;
}

Status refuse_overlap(std::string_view what, const Prefix& prefix) {
  const auto range = internet_range(prefix.family());
  if (prefix.is_default() || !prefix.overlaps(range)) return {};
  return fail(Errc::invalid_argument, "{} {} overlaps {}, which the lab's internet uses; choose another prefix for a lab",
              what, prefix, range);
}

Status add_node(LabPlan& plan, const std::string& name, const std::vector<Lan>& lans) {
  if (name == internet)
    return fail(Errc::invalid_argument, "a node is named '{}', which is the name of the lab's internet; rename it", name);
  LabNode node;
  node.name = name;
  node.netns = fmt::format("radial-{}-{}", plan.lab, name);
  node.index = static_cast<std::uint32_t>(plan.nodes.size());
  node.link = name.size() <= longest_interface_name && name != "lo" ? name : fmt::format("link{}", node.index);
  for (std::size_t i = 0; i < lans.size(); ++i) {
    RADIAL_TRY(refuse_overlap(fmt::format("LAN of {}:", name), lans[i].prefix));
    node.lans.push_back(plan_lan(node, i, lans[i].prefix));
  }
  plan.nodes.push_back(std::move(node));
  return {};
}

// An endpoint as the fabric has it must lead to the hub.
Status place_endpoint(LabPlan& plan, LabNode& node, const Hub& hub, const Endpoint& endpoint) {
  if (endpoint.port != hub.listen_port && hub.site_wires == SiteWires::dedicated)
    return fail(Errc::unsupported, "hub {} has `wire: dedicated` behind another port ({}) than it listens at ({}); a lab's "
                                   "internet forwards one port only: give both the same one", hub.name, endpoint.port, hub.listen_port);
  if (endpoint.port != hub.listen_port) node.forwarded_ports[endpoint.port] = hub.listen_port;
  const auto literal = endpoint.address();
  if (!literal) {
    auto& addresses = plan.endpoint_names[endpoint.host];
    if (std::ranges::find(addresses, node.uplink_v4()) == addresses.end()) addresses.push_back(node.uplink_v4());
    return {};
  }
  if (*literal == node.uplink_v4() || *literal == node.uplink_v6()) return {};
  RADIAL_TRY(refuse_overlap(fmt::format("endpoint of {}:", hub.name), Prefix::host(*literal)));
  for (const auto& other : plan.nodes) {
    if (other.name != node.name && std::ranges::find(other.extra_addresses, *literal) != other.extra_addresses.end())
      return fail(Errc::invalid_argument, "hubs {} and {} have the same endpoint address {}; a lab needs one each",
                  other.name, hub.name, *literal);
    for (const auto& lan : other.lans)
      if (lan.prefix.contains(*literal))
        return fail(Errc::invalid_argument, "endpoint {} of {} lies in LAN {} of {}; a lab cannot route it over its internet",
                    *literal, hub.name, lan.prefix, other.name);
  }
  if (std::ranges::find(node.extra_addresses, *literal) == node.extra_addresses.end())
    node.extra_addresses.push_back(*literal);
  return {};
}

}  // namespace

IpAddress LabNode::internet_v4() const { return link_address(Family::v4, index, 1); }
IpAddress LabNode::internet_v6() const { return link_address(Family::v6, index, 1); }
IpAddress LabNode::uplink_v4() const { return link_address(Family::v4, index, 2); }
IpAddress LabNode::uplink_v6() const { return link_address(Family::v6, index, 2); }

const LabNode* LabPlan::find(std::string_view node) const {
  if (node == radial::lab::internet) return &internet;
  const auto found = std::ranges::find(nodes, node, &LabNode::name);
  return found == nodes.end() ? nullptr : &*found;
}

const LanHost* LabPlan::find_lan_host(std::string_view name) const {
  for (const auto& node : nodes)
    for (const auto& host : node.lans)
      if (host.name == name) return &host;
  return nullptr;
}

std::vector<const LabNode*> LabPlan::everybody() const {
  std::vector<const LabNode*> all{&internet};
  for (const auto& node : nodes) all.push_back(&node);
  return all;
}

std::vector<const LanHost*> LabPlan::lan_hosts() const {
  std::vector<const LanHost*> hosts;
  for (const auto& node : nodes)
    for (const auto& host : node.lans) hosts.push_back(&host);
  return hosts;
}

Status check_lab_name(std::string_view name) {
  const auto allowed = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
  };
  if (!name.empty() && name.size() <= 32 && name.front() != '-' && std::ranges::all_of(name, allowed)) return {};
  return fail(Errc::invalid_argument, "'{}' cannot name a lab; use letters, digits, '-' and '_', at most 32", name);
}

Result<LabPlan> plan_lab(const Fabric& fabric, const std::string& lab) {
  RADIAL_TRY(check_lab_name(lab));
  LabPlan plan;
  plan.lab = lab;
  plan.internet.name = std::string(internet);
  plan.internet.netns = fmt::format("radial-{}-{}", lab, internet);
  if (fabric.hubs.size() + fabric.sites.size() > most_links)
    return fail(Errc::invalid_argument, "a lab has at most {} nodes", most_links);
  for (const auto& hub : fabric.hubs) {
    RADIAL_TRY(refuse_overlap(fmt::format("tunnel prefix of {}:", hub.name), hub.tunnel_v4));
    if (hub.tunnel_v6) RADIAL_TRY(refuse_overlap(fmt::format("tunnel prefix of {}:", hub.name), *hub.tunnel_v6));
    RADIAL_TRY(add_node(plan, hub.name, hub.lans));
    plan.nodes.back().hub = true;
  }
  for (const auto& site : fabric.sites) RADIAL_TRY(add_node(plan, site.name, site.lans));
  for (std::size_t i = 0; i < fabric.hubs.size(); ++i)
    for (const auto& endpoint : fabric.hubs[i].endpoints)
      RADIAL_TRY(place_endpoint(plan, plan.nodes[i], fabric.hubs[i], endpoint));
  return plan;
}

std::string hosts_file(const LabPlan& plan) {
  std::string text = "127.0.0.1 localhost\n::1 localhost ip6-localhost ip6-loopback\n";
  for (const auto& [name, addresses] : plan.endpoint_names)
    for (const auto& address : addresses) text += fmt::format("{} {}\n", address, name);
  for (const auto* host : plan.lan_hosts())
    if (host->address) text += fmt::format("{} {}\n", *host->address, host->name);
  return text;
}

}  // namespace radial::lab
