#include "lab/faults.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <set>

namespace radial::lab {
namespace {

constexpr std::uint32_t first_table = 10000;  // routing table of link k is this plus k
constexpr int full_mtu = 1500;

const LinkFaults& faults_of(const FaultMap& faults, const LabNode& node) {
  static const LinkFaults none;
  const auto found = faults.find(node.name);
  return found == faults.end() ? none : found->second;
}

int mtu_of(const FaultMap& faults, const LabNode& node) { return faults_of(faults, node).mtu.value_or(full_mtu); }

struct Destination {
  Prefix prefix;
  IpAddress via;
};

// All that is reached over a node's link.
std::vector<Destination> destinations(const LabNode& node) {
  std::vector<Destination> all{{Prefix::of(node.uplink_v4(), 30), node.uplink_v4()},
                               {Prefix::of(node.uplink_v6(), 64), node.uplink_v6()}};
  for (const auto& address : node.extra_addresses)
    all.push_back({Prefix::host(address), address.is_v4() ? node.uplink_v4() : node.uplink_v6()});
  return all;
}

// Routes over the link of `to`, in `table`, with an MTU only where one is set:
// a route's MTU binds forwarded packets, whatever their offload.
void append_routes(std::string& batch, const LabNode& to, Family family, std::string_view table, int mtu) {
  for (const auto& [prefix, via] : destinations(to)) {
    if (prefix.family() != family) continue;
    if (prefix.is_host())
      batch += fmt::format("route replace {} via {} dev {} table {}", prefix, via, to.link, table);
    else  // more specific than the interface's own /30 or /64, which carries no MTU
      batch += fmt::format("route replace {} dev {} table {}", Prefix::host(via), to.link, table);
    if (mtu < full_mtu) batch += fmt::format(" mtu {}", mtu);
    batch += '\n';
  }
}

// A link that was down has lost its IPv6 addresses: they are given again.
void append_link(std::string& batch, const LabNode& node, Family family, bool carrier) {
  batch += fmt::format("link set {} {}\n", node.link, carrier ? "up" : "down");
  if (!carrier) return;
  if (family == Family::v4) batch += fmt::format("address replace {}/30 dev {}\n", node.internet_v4(), node.link);
  else batch += fmt::format("address replace {}/64 dev {} nodad\n", node.internet_v6(), node.link);
}

std::string table_of(const LabNode& node) { return std::to_string(first_table + node.index); }

// numgen's modulus: a hundredth of a per cent.
constexpr int loss_steps = 10000;

std::string rule_of(const LabNode& node, std::string_view key, const LinkFaults& faults) {
  if (faults.cut) return fmt::format("    {} \"{}\" drop\n", key, node.link);
  if (faults.loss <= 0) return {};
  const auto share = std::max(1L, std::lround(faults.loss * loss_steps / 100));
  return fmt::format("    {} \"{}\" numgen random mod {} < {} drop\n", key, node.link, loss_steps, share);
}

// A packet to or from a link with a silent MTU carries this mark; so does, by
// fwmark_reflect, the ICMP error it would be answered with.
constexpr std::string_view silent = "0x51";

std::string mark_of(const LabNode& node, const LinkFaults& faults) {
  if (!faults.mtu || faults.mtu_icmp) return {};
  const auto mark = [&](std::string_view match) { return fmt::format("    {} meta mark set {}\n", match, silent); };
  std::string text = mark(fmt::format("iifname \"{}\"", node.link));
  for (const auto& [prefix, via] : destinations(node))
    text += mark(fmt::format("{} daddr {}", prefix.family() == Family::v4 ? "ip" : "ip6", prefix));
  return text;
}

std::string forward_of(const LabNode& node) {
  std::string text;
  for (const auto& [outer, inner] : node.forwarded_ports) {
    std::vector<IpAddress> targets{node.uplink_v4(), node.uplink_v6()};
    targets.insert(targets.end(), node.extra_addresses.begin(), node.extra_addresses.end());
    for (const auto& target : targets)
      text += fmt::format("    {0} daddr {1} udp dport {2} dnat {0} to {3}\n", target.is_v4() ? "ip" : "ip6", target, outer,
                          Endpoint::of(target, inner));
  }
  return text;
}

}  // namespace

Status check(const LinkFaults& faults) {
  if (!(faults.loss >= 0 && faults.loss <= 100))
    return fail(Errc::invalid_argument, "a loss of {}% cannot be; give 0 to 100", faults.loss);
  if (faults.rate && *faults.rate < 8000)
    return fail(Errc::invalid_argument, "a rate of {} bit/s is too slow for a link; give 8kbit or more", *faults.rate);
  if (faults.mtu && (*faults.mtu < 576 || *faults.mtu > full_mtu))
    return fail(Errc::invalid_argument, "an MTU of {} cannot be set on the lab's internet; give 576 to {}", *faults.mtu,
                full_mtu);
  return {};
}

std::string to_string(const LinkFaults& faults) {
  if (faults.healthy()) return "healthy";
  std::string text;
  const auto add = [&](std::string_view part) {
    if (!text.empty()) text += ", ";
    text += part;
  };
  if (!faults.carrier) add("no carrier");
  if (faults.cut) add("cut");
  if (faults.rate) add(fmt::format("rate {} kbit/s", *faults.rate / 1000));
  if (faults.loss > 0) add(fmt::format("loss {}%", faults.loss));
  if (faults.mtu) add(fmt::format("mtu {} ({})", *faults.mtu, faults.mtu_icmp ? "answered by ICMP" : "silent"));
  return text;
}

Result<std::uint64_t> parse_rate(std::string_view text) {
  const auto bad = [&] {
    return fail(Errc::invalid_argument, "'{}' is not a rate; write it like 10mbit, 512kbit, 1gbit or 64000", text);
  };
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{}) return bad();
  const std::string_view unit(end, static_cast<std::size_t>(text.data() + text.size() - end));
  std::uint64_t factor = 0;
  if (unit.empty() || unit == "bit") factor = 1;
  if (unit == "kbit") factor = 1000;
  if (unit == "mbit") factor = 1'000'000;
  if (unit == "gbit") factor = 1'000'000'000;
  if (factor == 0 || number > 1'000'000'000'000 / factor) return bad();
  return number * factor;
}

std::string fault_rules(const LabPlan& plan, const FaultMap& faults) {
  std::string in;
  std::string out;
  std::string forwards;
  bool any_silent = false;
  for (const auto& node : plan.nodes) {
    const auto& fault = faults_of(faults, node);
    in += rule_of(node, "iifname", fault);
    out += rule_of(node, "oifname", fault);
    const auto marks = mark_of(node, fault);
    any_silent = any_silent || !marks.empty();
    in += marks;
    forwards += forward_of(node);
  }
  if (any_silent) {
    // What may be fragmented would be, at a small MTU; silence means that it is not.
    in += fmt::format("    meta mark {} ip frag-off & 0xbfff == 0 ip frag-off set 0x4000\n", silent);
  }
  std::string text = "table inet radial-lab {}\ndelete table inet radial-lab\n";
  text += "table inet radial-lab {\n";
  text += "  chain arriving {\n    type filter hook prerouting priority raw; policy accept;\n" + in + "  }\n";
  text += "  chain leaving {\n    type filter hook postrouting priority raw; policy accept;\n" + out + "  }\n";
  if (any_silent) {
    text += "  chain errors {\n    type filter hook output priority filter; policy accept;\n";
    text += fmt::format("    meta mark {} icmp type destination-unreachable icmp code frag-needed drop\n", silent);
    text += fmt::format("    meta mark {} icmpv6 type packet-too-big drop\n  }}\n", silent);
  }
  if (!forwards.empty())
    text += "  chain forwarded_ports {\n    type nat hook prerouting priority dstnat; policy accept;\n" + forwards + "  }\n";
  return text + "}\n";
}

std::string fault_reset(const LabPlan& plan) {
  std::string batch;
  for (const auto& node : plan.nodes) batch += fmt::format("rule delete iif {} table {}\n", node.link, table_of(node));
  return batch;
}

std::string fault_routes(const LabPlan& plan, const FaultMap& faults, Family family) {
  std::string batch;
  for (const auto& node : plan.nodes) append_link(batch, node, family, faults_of(faults, node).carrier);
  for (const auto& node : plan.nodes)
    if (faults_of(faults, node).carrier) append_routes(batch, node, family, "main", mtu_of(faults, node));
  // What comes from a narrow link has its own table, in which every way is narrow.
  for (const auto& node : plan.nodes) {
    const int mtu = mtu_of(faults, node);
    if (mtu >= full_mtu) continue;
    batch += fmt::format("rule add iif {} table {}\n", node.link, table_of(node));
    for (const auto& other : plan.nodes)
      if (other.name != node.name && faults_of(faults, other).carrier)
        append_routes(batch, other, family, table_of(node), std::min(mtu, mtu_of(faults, other)));
  }
  return batch;
}

std::string fault_queue(const std::string& interface, const LinkFaults& faults) {
  if (!faults.rate) return fmt::format("qdisc delete dev {} root\n", interface);
  // The bucket holds 10 ms of traffic, and at least a few full packets.
  const auto burst = std::max<std::uint64_t>(*faults.rate / 8 / 100, 16 * 1024);
  return fmt::format("qdisc replace dev {} root tbf rate {}bit burst {} latency 50ms\n", interface, *faults.rate, burst);
}

}  // namespace radial::lab
