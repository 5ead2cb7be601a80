#include <algorithm>
#include <set>

#include <fmt/format.h>

#include "fabric/file/rules.h"

namespace radial::file {
namespace {

// As compile/wire_names.h gives them out: the wire of the site with slot N is
// STEM "s" N and has the hub's port, 256 and N; those up to 256 are the wires
// between hubs. What must fit is the last slot of the tunnel prefix, so that no
// site that comes later finds it taken.
constexpr std::uint32_t ports_of_hubs = 256;
constexpr std::uint32_t last_port = 65535;
constexpr std::size_t longest_interface = 15;
constexpr std::uint32_t ports_of_bfd[] = {3784, 3785, 4784};

struct Range {
  std::uint32_t first = 0;
  std::uint32_t last = 0;
  [[nodiscard]] bool holds(std::uint32_t port) const { return port >= first && port <= last; }
  [[nodiscard]] bool meets(const Range& other) const { return first <= other.last && other.first <= last; }
};

std::uint32_t last_slot(const DraftHub& hub) {
  return static_cast<std::uint32_t>((std::uint64_t{1} << (32 - hub.tunnel_v4->value.length())) - 2);
}

bool dedicated(const DraftHub& hub) { return hub.wire.value == SiteWires::dedicated && hub.tunnel_v4; }

Range ports_of_sites(const DraftHub& hub, std::uint16_t base) {
  return {base + ports_of_hubs + 1, base + ports_of_hubs + last_slot(hub)};
}

bool check_ports(const DraftHub& hub, std::uint16_t base, MistakeList& mistakes) {
  const auto range = ports_of_sites(hub, base);
  const auto needs = [&](std::string_view why, std::string cure) {
    complain(mistakes, hub.wire.spot, "dedicated",
             fmt::format("needs the ports {} to {}, one for each address of {}, {}", range.first, range.last,
                         hub.tunnel_v4->value, why), std::move(cure));
    return false;
  };
  if (range.last > last_port) {
    const auto room = std::int64_t{last_port} - ports_of_hubs - last_slot(hub);
    return needs(fmt::format("and the last port is {}", last_port),
                 room > 0 ? fmt::format("lower the port {} to {} or less, or give this hub a narrower tunnel prefix", base, room)
                          : "give this hub a narrower tunnel prefix, like a /24");
  }
  for (const auto port : ports_of_bfd)
    if (range.holds(port)) return needs(fmt::format("and {} is BFD's", port), fmt::format("change the port {}", base));
  return true;
}

// Two hubs behind one address share its ports.
void check_neighbours(const DraftHub& hub, const DraftHub& other, std::uint32_t hubs, MistakeList& mistakes) {
  for (const auto& own : hub.endpoints) {
    for (const auto& theirs : other.endpoints) {
      if (own.value.host != theirs.value.host) continue;
      const auto range = ports_of_sites(hub, own.value.port);
      const std::uint32_t port = theirs.value.port;
      const bool both = dedicated(other);
      const bool meets = range.meets({port, port + hubs}) || (both && range.meets(ports_of_sites(other, theirs.value.port)));
      if (!meets) continue;
      complain(mistakes, hub.wire.spot, "dedicated",
               fmt::format("needs the ports {} to {} at {}, and {} uses some of them there", range.first, range.last,
                           own.value.host, other.name),
               fmt::format("change the port {} of {}", port, other.name));
      return;
    }
  }
}

void check_name(const Draft& draft, const DraftHub& hub, MistakeList& mistakes) {
  const auto& name = draft.interface.value;
  const auto longest = fmt::format("{}s{}", name.substr(0, name.find_last_not_of("0123456789") + 1), last_slot(hub));
  if (longest.size() > longest_interface)
    complain(mistakes, hub.wire.spot, "dedicated",
             fmt::format("needs interfaces up to {}, which is longer than {} characters", longest, longest_interface),
             "write a shorter interface, like wg0");
}

}  // namespace

void check_dedicated(const Draft& draft, MistakeList& mistakes) {
  for (auto hub = draft.hubs.begin(); hub != draft.hubs.end(); ++hub) {
    if (!dedicated(*hub)) continue;
    check_name(draft, *hub, mistakes);
    bool sound = check_ports(*hub, hub->listen_port, mistakes);
    std::set<std::uint16_t> seen{hub->listen_port};
    for (const auto& endpoint : hub->endpoints)
      if (sound && seen.insert(endpoint.value.port).second) sound = check_ports(*hub, endpoint.value.port, mistakes);
    for (auto other = draft.hubs.begin(); other != draft.hubs.end(); ++other)
      if (other != hub && !(dedicated(*other) && other < hub))
        check_neighbours(*hub, *other, static_cast<std::uint32_t>(draft.hubs.size()), mistakes);
  }
}

}  // namespace radial::file
