// What can be wrong with a node's link to the lab's internet, and how the
// internet's namespace is made to behave so. Pure: text in nft's, ip's and
// tc's own languages, made from all faults of a lab at once, so that applying
// it is idempotent.
//
// There is no netem in every kernel, so: cut and loss are nftables rules, rate
// is tbf at both ends of the link, a small MTU is a route MTU inside the
// internet (which holds for segmentation-offloaded packets too, unlike a rule on
// the packet's length).
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "lab/plan.h"

namespace radial::lab {

struct LinkFaults {
  bool cut = false;      // packets vanish, the carrier stays
  bool carrier = true;   // false: the node's uplink loses its carrier
  std::optional<std::uint64_t> rate = std::nullopt;  // bits a second, each way
  double loss = 0;       // per cent of packets, each way
  std::optional<int> mtu = std::nullopt;
  bool mtu_icmp = false; // larger packets are answered ("fragmentation needed"), not just dropped
  [[nodiscard]] bool healthy() const { return *this == LinkFaults{}; }
  bool operator==(const LinkFaults&) const = default;
};

using FaultMap = std::map<std::string, LinkFaults>;  // by node

// Refuses what cannot be: a loss outside 0..100, a rate below 8 kbit/s, an MTU
// outside 576..1500 (IPv6 knows no link below 1280: packets of that size still pass).
[[nodiscard]] Status check(const LinkFaults& faults);
// "cut, loss 5%, mtu 1400 (silent)"; "healthy".
[[nodiscard]] std::string to_string(const LinkFaults& faults);
// "10mbit", "512kbit", "1gbit", "64000" (bits a second).
[[nodiscard]] Result<std::uint64_t> parse_rate(std::string_view text);

// For `nft -f`, in the internet: replaces our table there.
[[nodiscard]] std::string fault_rules(const LabPlan& plan, const FaultMap& faults);
// For `ip -4|-6 -force -batch`, in the internet: forgets what an earlier MTU set
// up. Most of it fails, as most of it is not there; that is no error.
[[nodiscard]] std::string fault_reset(const LabPlan& plan);
// For `ip -4|-6 -batch`, in the internet: links up (or down), addresses, routes.
[[nodiscard]] std::string fault_routes(const LabPlan& plan, const FaultMap& faults, Family family);
// For `tc -force -batch`: the queue of one interface of this link. Deleting one
// that is not there fails; that is no error.
[[nodiscard]] std::string fault_queue(const std::string& interface, const LinkFaults& faults);

}  // namespace radial::lab
