#include "agent/quarantined_wire.h"

#include <bit>

namespace radial::agent {
namespace {

constexpr auto interface = "wg-join";

// The smallest network that holds both: the route to the controller.
int common_length(const IpAddress& a, const IpAddress& b) { return std::countl_zero(a.to_v4() ^ b.to_v4()); }

}  // namespace

Result<QuarantinedWire> QuarantinedWire::make(Host& machine, const control::Token& token, bool ours) {
  RADIAL_ASSIGN(const auto link, machine.network.link(interface));
  if (link && !ours)
    return fail(Errc::conflict, "an interface {} exists already and is not Radial's: rename it", interface);
  if (link) {
    if (auto removed = machine.wireguard->remove(interface); !removed) RADIAL_TRY(machine.network.delete_link(interface));
  }
  RADIAL_TRY(machine.wireguard->create(interface));
  QuarantinedWire wire(machine, token);
  RADIAL_TRY(machine.network.disable_address_generation(interface));
  RADIAL_TRY(machine.network.set_mtu(interface, token.mtu));
  RADIAL_TRY(machine.network.add_address(interface, {token.address, common_length(token.address, token.controller)}));
  RADIAL_TRY(machine.network.set_up(interface, true));
  return wire;
}

QuarantinedWire::~QuarantinedWire() {
  if (host_ != nullptr) static_cast<void>(host_->wireguard->remove(interface));
}

Status QuarantinedWire::dial(const Endpoint& endpoint) {
  RADIAL_ASSIGN(const auto observed, host_->wireguard->observe(interface));
  const host::DesiredWire desired{
      interface, &token_->ephemeral, 0, 0,
      {{token_->hub_key, &token_->preshared, endpoint, {Prefix::host(token_->controller)}, 0}}};
  // What was dialled before counts as our wish: it is replaced.
  host::Endpoints before;
  for (const auto& peer : observed.peers)
    if (peer.endpoint) before[peer.public_key] = *peer.endpoint;
  const auto change = host::diff_wire(desired, observed, before);
  if (change.empty()) return {};
  return host_->wireguard->apply(change);
}

}  // namespace radial::agent
