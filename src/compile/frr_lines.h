// The routing configuration of LAN interfaces, once the node has seen which
// interface holds which LAN. Pure.
#pragma once

#include <string>
#include <vector>

#include "compile/node_config.h"

namespace radial {

// An address that the machine holds, as seen by the agent.
struct LocalAddress {
  std::string interface;
  InterfaceAddress address;
};

struct BoundLans {
  std::vector<FrrStanza> stanzas;      // "interface eth1": area, cost, passive; or networks of BGP
  std::vector<Lan> unbound;            // declared, but no interface holds them: a finding
};

// Wires and addresses outside every LAN are left alone. An interface that also
// holds a prefix outside the declared LANs is bound by address, so that only
// the LAN is announced; OSPFv3, which knows no such form, gets a prefix-list
// "radial-INTERFACE" that holds back the rest. IPv6 LANs are bound where the
// node runs OSPFv3 on a wire. Under BGP a LAN is a `network` of the router,
// announced while the interface that holds it is up (bgpd looks into the RIB).
[[nodiscard]] BoundLans bind_lans(const NodeConfig& config, const std::vector<LocalAddress>& local);

}  // namespace radial
