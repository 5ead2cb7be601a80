// Reading of an frr.conf what an import needs: OSPF's networks, areas, timers
// and the kind of network on the wire. What changes how a hub behaves and is
// not taken along is a note. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/ip.h"
#include "exchange/note.h"
#include "fabric/facts.h"

namespace radial::exchange {

struct OspfNetwork {
  Prefix prefix;
  std::string area;  // dotted quad
  int line = 0;
};

struct FrrInterface {
  std::string name;
  int line = 0;
  std::vector<InterfaceAddress> addresses;  // `ip address` lines
  std::string area;                         // `ip ospf area`, dotted quad; empty: none
  std::string network;                      // `ip ospf network …`: "point-to-multipoint"; empty: none
  std::optional<std::uint16_t> hello;       // seconds
  std::optional<std::uint16_t> dead;        // seconds
};

struct FrrConf {
  bool ospf = false;                        // there is a `router ospf`
  std::optional<FrrVersion> version;        // of the `frr version` line that FRR writes
  std::optional<IpAddress> router_id;
  std::vector<OspfNetwork> networks;
  std::vector<FrrInterface> interfaces;
  std::vector<Note> notes;

  [[nodiscard]] const FrrInterface* find(std::string_view name) const;  // borrows
};

[[nodiscard]] FrrConf read_frr_conf(std::string_view text, const std::string& file);

}  // namespace radial::exchange
