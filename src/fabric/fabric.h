// The fabric: what the operator declares. A value, free of I/O; every default
// is filled in, every prefix masked, every rule of docs/fabric-file.md kept. It
// says what should be, never how a node gets there (see compile/).
//
// Units: seconds unless a name says otherwise; MTU in bytes of the inner IP
// packet. Threading: plain values.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/ip.h"

namespace radial {

// A prefix behind a node, connected to one of its interfaces.
struct Lan {
  Prefix prefix;
  // Run OSPF on the LAN's interface as well (another router lives there).
  // Default: passive, the LAN is announced and nothing is sent on it.
  bool active = false;
  bool operator==(const Lan&) const = default;
};

// What a node may announce: its LANs always; wider prefixes, or anything, when
// the operator says so. A default route is granted only by writing it, and as
// every prefix lies inside it, it grants them all.
struct Grant {
  bool any = false;              // "any": every prefix but a default route
  std::vector<Prefix> prefixes;  // effective: LANs included, sorted, no prefix inside another
  [[nodiscard]] bool covers(const Prefix& prefix) const;
  bool operator==(const Grant&) const = default;
};

// For people: "10.3.0.0/16, 10.4.0.0/16", "any, 0.0.0.0/0", "nothing".
[[nodiscard]] std::string to_string(const Grant& grant);

// Whether a site takes part in routing. `fixed` ("static" in the file): no routing
// protocol with that site; the hub originates its declared LANs.
enum class Trust : std::uint8_t { routed, fixed };

// How a hub's sites are wired to it: all on one interface, or each on its own
// ("dedicated" in the file), with a port of its own.
enum class SiteWires : std::uint8_t { multipoint, dedicated };

struct Hub {
  std::string name;
  std::vector<Endpoint> endpoints;  // at least one, first preferred
  std::vector<Lan> lans;
  Grant grant;
  std::uint16_t listen_port = 51820;
  Prefix tunnel_v4;                   // one of its own; its sites' wires have addresses in it
  std::optional<Prefix> tunnel_v6;    // a /64; ULA (RFC 4193) derived from the fabric's name by default
  std::optional<IpAddress> address;   // pinned tunnel address (IPv4), else from the address plan
  std::uint32_t cost = 10;            // of a site's wire to this hub: the lower is preferred
  SiteWires site_wires = SiteWires::multipoint;
  bool operator==(const Hub&) const = default;
};

struct Site {
  std::string name;
  std::vector<Lan> lans;
  Grant grant;
  std::vector<std::string> hubs;      // names, in the file's order; all hubs by default
  std::optional<IpAddress> address;   // pinned tunnel address (IPv4); only with a single hub
  std::optional<int> mtu;             // of its wires, when its uplink is smaller than the fabric's
  std::uint16_t keepalive = 25;       // seconds; 0 is off
  Trust trust = Trust::routed;
  bool operator==(const Site&) const = default;
};

enum class RoutingEngine : std::uint8_t { ospf, bgp };

struct OspfSettings {
  std::string area = "0.0.0.0";       // dotted quad
  std::uint16_t hello = 1;            // seconds
  std::uint16_t dead = 4;             // seconds
  std::uint32_t lan_cost = 10;        // of every declared LAN, equal everywhere
  bool operator==(const OspfSettings&) const = default;
};

struct BgpSettings {
  std::uint32_t asn = 65000;          // of every node: iBGP, the hubs are route reflectors (RFC 4456)
  std::uint16_t keepalive = 1;        // seconds
  std::uint16_t hold = 4;             // seconds
  bool bfd = false;                   // BFD on every session (RFC 5882)
  bool operator==(const BgpSettings&) const = default;
};

struct Fabric {
  std::string name;
  std::string interface = "wg0";      // a hub's wire; a site's first; its k-th is the stem + number
  int mtu = 1420;
  RoutingEngine routing = RoutingEngine::ospf;
  OspfSettings ospf;
  BgpSettings bgp;
  std::uint16_t rotate_days = 90;     // a site's key that is older is replaced; 0: never
  std::vector<Hub> hubs;              // in the file's order
  std::vector<Site> sites;            // in the file's order
  bool operator==(const Fabric&) const = default;

  [[nodiscard]] const Hub* find_hub(std::string_view name) const;    // borrows
  [[nodiscard]] const Site* find_site(std::string_view name) const;  // borrows
};

}  // namespace radial
