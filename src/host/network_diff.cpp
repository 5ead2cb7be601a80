#include <algorithm>

#include "host/network.h"

namespace radial::host {
namespace {

template <class Range, class Value>
bool holds(const Range& range, const Value& value) {
  return std::find(range.begin(), range.end(), value) != range.end();
}

}  // namespace

std::vector<std::string> LinkChange::describe() const {
  std::vector<std::string> lines;
  if (mtu) lines.push_back(fmt::format("ip link set dev {} mtu {}", interface, *mtu));
  for (const auto& address : add) lines.push_back(fmt::format("ip address add {} dev {}", address, interface));
  for (const auto& address : remove) lines.push_back(fmt::format("ip address del {} dev {}", address, interface));
  if (bring_up) lines.push_back(fmt::format("ip link set dev {} up", interface));
  return lines;
}

LinkChange diff_link(const DesiredLink& desired, const Link& observed, const std::vector<HeldAddress>& addresses) {
  LinkChange change;
  change.interface = desired.interface;
  // Setting even the same MTU again is left out: lowering one bounces OSPF.
  if (desired.mtu != 0 && desired.mtu != observed.mtu) change.mtu = desired.mtu;
  change.bring_up = !observed.up;
  std::vector<InterfaceAddress> held;
  for (const auto& address : addresses)
    if (address.interface == desired.interface) held.push_back(address.address);
  for (const auto& address : desired.addresses)
    if (!holds(held, address) && !holds(change.add, address)) change.add.push_back(address);
  for (const auto& address : held)
    if (!holds(desired.addresses, address) && !holds(change.remove, address)) change.remove.push_back(address);
  return change;
}

Status apply(Network& network, const LinkChange& change) {
  const auto& interface = change.interface;
  if (change.mtu) RADIAL_TRY(network.set_mtu(interface, *change.mtu));
  // The kernel keeps one length for an IPv6 address: the other must go first.
  const auto replaced = [&](const InterfaceAddress& address) {
    return address.address.is_v6() && std::any_of(change.add.begin(), change.add.end(), [&](const auto& added) {
      return added.address == address.address;
    });
  };
  for (const auto& address : change.remove)
    if (replaced(address)) RADIAL_TRY(network.remove_address(interface, address));
  for (const auto& address : change.add) RADIAL_TRY(network.add_address(interface, address));
  for (const auto& address : change.remove)
    if (!replaced(address)) RADIAL_TRY(network.remove_address(interface, address));
  // Last, so that nobody sees it up without its addresses.
  if (change.bring_up) RADIAL_TRY(network.set_up(interface, true));
  return {};
}

}  // namespace radial::host
