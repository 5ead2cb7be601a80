#include "agent/machine.h"

namespace radial::agent {

Result<Host> open_host(const std::vector<std::string>& userspace_wireguard) {
  RADIAL_ASSIGN(auto wireguard, host::open_wireguard(userspace_wireguard));
  RADIAL_ASSIGN(auto network, host::Network::open());
  RADIAL_ASSIGN(auto firewall, host::Firewall::open());
  return Host{std::move(wireguard), std::move(network), std::move(firewall), host::Frr()};
}

}  // namespace radial::agent
