#include "host/ospf_mtu.h"

namespace radial::host {
namespace {

// Forged source addresses must not grow the table without a bound.
constexpr std::size_t most_neighbors = 8192;

}  // namespace

void OspfMtus::hear(const std::vector<HeardOspf>& heard) {
  for (const auto& one : heard) {
    if (!one.packet.mtu) continue;
    if (mtus_.size() >= most_neighbors) mtus_.clear();
    mtus_[{one.interface, one.sender}] = *one.packet.mtu;
  }
}

std::optional<int> OspfMtus::mtu_of(const std::string& interface, const IpAddress& neighbor) const {
  const auto found = mtus_.find({interface, neighbor});
  return found == mtus_.end() ? std::nullopt : std::optional(found->second);
}

}  // namespace radial::host
