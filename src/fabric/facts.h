// What a compiler must know besides the operator's file: facts that nodes
// report and choices that must stay put. Not secret. Kept by the controller
// (today: facts.json beside a node's fabric.yaml), never written by hand.
#pragma once

#include <compare>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "base/ip.h"
#include "base/key.h"
#include "base/result.h"
#include "fabric/fabric.h"

namespace radial {

struct FrrVersion {
  int major = 8;
  int minor = 4;
  // From "8.4.4" or "10.3 (...)" as `show version` prints it.
  [[nodiscard]] static Result<FrrVersion> parse(std::string_view text);
  // OSPF point-to-multipoint with unicast hellos (FRRouting/frr#15660).
  [[nodiscard]] bool has_p2mp_non_broadcast() const { return *this >= FrrVersion{10, 1}; }
  auto operator<=>(const FrrVersion&) const = default;
};

struct NodeFacts {
  std::optional<PublicKey> public_key;
  std::optional<FrrVersion> frr;
  std::string wireguard = {};  // "kernel", "radial-wire", "wireguard-go"; empty: not known
  std::optional<PublicKey> next_key = {};  // made at the node, to take the place of public_key when it is first used
  // Its wire can copy OSPF's multicast to every peer.
  [[nodiscard]] bool copies_multicast() const { return wireguard == "radial-wire"; }
  bool operator==(const NodeFacts&) const = default;
};

// Tunnel addresses given so far. A wire's address at a hub is keyed by
// (hub, node); a hub's own address by (hub, hub).
using AddressBook = std::map<std::pair<std::string, std::string>, IpAddress>;

struct FabricFacts {
  std::map<std::string, NodeFacts, std::less<>> nodes;
  AddressBook addresses;
  bool operator==(const FabricFacts&) const = default;

  [[nodiscard]] static Result<FabricFacts> from_json(std::string_view text);
  [[nodiscard]] std::string to_json() const;  // stable order, indented
};

}  // namespace radial
