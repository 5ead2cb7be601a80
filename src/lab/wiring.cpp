#include "lab/wiring.h"

#include "base/process.h"
#include "lab/netns.h"

namespace radial::lab {
namespace {

// tc has no way to say "delete if there": its complaints about that are dropped.
Status tc_batch(const std::string& netns, const std::string& batch, bool may_fail) {
  RADIAL_ASSIGN(const auto done, run_process({"tc", "-netns", netns, "-force", "-batch", "-"}, std::chrono::seconds(60), batch));
  if (done.ok() || may_fail) return {};
  return fail(Errc::io, "tc in {}: {}", netns, done.err.substr(0, done.err.find('\n')));
}

Status nft_in(const std::string& netns, const std::string& rules) {
  RADIAL_ASSIGN(const auto done,
                run_process({"ip", "netns", "exec", netns, "nft", "-f", "-"}, std::chrono::seconds(60), rules));
  if (done.ok()) return {};
  return fail(Errc::io, "nft in {}: {}", netns, done.err.substr(0, done.err.find('\n')));
}

// Both ends of one link: queues and offload.
Status apply_to_end(const LabPlan& plan, const LabNode& node, const LinkFaults& faults) {
  const std::string interface(uplink);
  RADIAL_TRY(tc_batch(node.netns, fault_queue(interface, faults), !faults.rate));
  RADIAL_TRY(tc_batch(plan.internet.netns, fault_queue(node.link, faults), !faults.rate));
  // A lost packet is one packet, not a burst that was never cut up.
  const bool offload = faults.loss <= 0;
  RADIAL_TRY(set_offload(node.netns, interface, offload));
  return set_offload(plan.internet.netns, node.link, offload);
}

}  // namespace

std::string internet_links(const LabPlan& plan) {
  std::string batch;
  for (const auto& node : plan.nodes)
    batch += fmt::format("link add name {} type veth peer name {} netns {}\n", node.link, uplink, node.netns);
  return batch;
}

std::string node_links(const LabNode& node) {
  std::string batch;
  batch += fmt::format("address add {}/30 dev {}\n", node.uplink_v4(), uplink);
  batch += fmt::format("address add {}/64 dev {} nodad\n", node.uplink_v6(), uplink);
  for (const auto& address : node.extra_addresses)
    batch += fmt::format("address add {} dev {}{}\n", Prefix::host(address), uplink, address.is_v6() ? " nodad" : "");
  batch += fmt::format("link set {} up\n", uplink);
  batch += fmt::format("route add default via {} dev {}\n", node.internet_v4(), uplink);
  batch += fmt::format("route add default via {} dev {}\n", node.internet_v6(), uplink);
  for (const auto& lan : node.lans) {
    batch += fmt::format("link add name {} type veth peer name eth0 netns {}\n", lan.interface, lan.netns);
    batch += fmt::format("address add {}/{} dev {}{}\n", lan.node_address, lan.prefix.length(), lan.interface,
                         lan.prefix.family() == Family::v6 ? " nodad" : "");
    batch += fmt::format("link set {} up\n", lan.interface);
  }
  return batch;
}

std::string lan_host_links(const LanHost& host) {
  std::string batch;
  if (host.address)
    batch += fmt::format("address add {}/{} dev eth0{}\n", *host.address, host.prefix.length(),
                         host.prefix.family() == Family::v6 ? " nodad" : "");
  batch += "link set eth0 up\n";
  if (host.address) batch += fmt::format("route add default via {} dev eth0\n", host.node_address);
  return batch;
}

Status ip_batch(const std::string& netns, const std::string& batch, const std::vector<std::string>& options) {
  std::vector<std::string> argv{"ip", "-netns", netns};
  argv.insert(argv.end(), options.begin(), options.end());
  argv.insert(argv.end(), {"-batch", "-"});
  RADIAL_ASSIGN(const auto done, run_process(argv, std::chrono::seconds(60), batch));
  if (done.ok()) return {};
  return fail(Errc::io, "ip in {}: {}", netns, done.err);
}

Status wire_internet(const LabPlan& plan) {
  RADIAL_TRY(ip_batch(plan.internet.netns, internet_links(plan)));
  RADIAL_TRY(ip_batch(plan.internet.netns, fault_routes(plan, {}, Family::v4), {"-4"}));
  RADIAL_TRY(ip_batch(plan.internet.netns, fault_routes(plan, {}, Family::v6), {"-6"}));
  return nft_in(plan.internet.netns, fault_rules(plan, {}));
}

Status wire_node(const LabNode& node) {
  RADIAL_TRY(ip_batch(node.netns, node_links(node)));
  for (const auto& host : node.lans) RADIAL_TRY(ip_batch(host.netns, lan_host_links(host)));
  return {};
}

Status apply_faults(const LabPlan& plan, const FaultMap& faults, const std::vector<std::string>& changed) {
  const auto& netns = plan.internet.netns;
  RADIAL_TRY(nft_in(netns, fault_rules(plan, faults)));
  for (const auto family : {Family::v4, Family::v6}) {
    const std::string option = family == Family::v4 ? "-4" : "-6";
    // Its failures are expected (nothing to reset), so its result is not looked at.
    (void)ip_batch(netns, fault_reset(plan), {option, "-force"});
    RADIAL_TRY(ip_batch(netns, fault_routes(plan, faults, family), {option}));
  }
  for (const auto& name : changed) {
    const auto* node = plan.find(name);
    const auto fault = faults.find(name);
    RADIAL_TRY(apply_to_end(plan, *node, fault == faults.end() ? LinkFaults{} : fault->second));
  }
  return {};
}

Status forget_path_mtus(const LabPlan& plan) {
  for (const auto& node : plan.nodes)
    for (const auto* option : {"-4", "-6"}) RADIAL_TRY(ip_batch(node.netns, "route flush cache\n", {option}));
  return {};
}

}  // namespace radial::lab
