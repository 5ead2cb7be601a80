// The host adapters of this machine, and opening them, with one error for what
// is missing.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "host/firewall.h"
#include "host/frr.h"
#include "host/network.h"
#include "host/wireguard.h"

namespace radial::agent {

struct Host {
  std::unique_ptr<host::WireGuard> wireguard;
  host::Network network;
  host::Firewall firewall;
  host::Frr frr;
};

[[nodiscard]] Result<Host> open_host(const std::vector<std::string>& userspace_wireguard);

}  // namespace radial::agent
