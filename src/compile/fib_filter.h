// What may enter this node's FIB: zebra's filter between a routing protocol
// and the kernel (`ip protocol ospf route-map …`), at every node. Pure. Lines
// exactly as FRR 8.4 and 10.3 print them.
//
//   over a wire:  deny    what radial-never names (bind_fib_filter: only the node knows it)
//                 permit  a hub's multipoint wire: by next hop and that site's grant (IPv6: by any
//                           site's grant, as zebra cannot tell IPv6 next hops apart)
//                         its dedicated wire to a site: that site's grant (IPv6 under BGP: any site's, by a
//                           tag that bgpd sets, as its next hops are resolved by other routes)
//                 deny    from another hub: what is behind this hub alone (below)
//                 permit  any other wire: what any other node is granted, and tunnel addresses
//                 deny    the rest
//   over any other interface: permit. The slot is one for the machine, and an
//   operator's own OSPF on other interfaces goes on as before.
//
// zebra judges each next hop of a route by itself, so a refused equal does not
// take the honest one with it. It filters after the protocol's choice: behind
// a refused best route stands the hubs' static route (frr_stanzas.h).
//
// Hubs believe each other, so a lie that one hub refuses from a site may come to
// another hub by way of it; both would then send its victim's packets to each
// other. What a hub knows to be its own therefore never comes from another hub:
// its tunnel, parts of its sites' LANs, and all that is granted to none but sites
// of this hub alone.
//
// Sequence numbers stay put: they are a site's slot in its tunnel prefix and a
// prefix's own address, so that a site that comes or goes touches its lines alone.
#pragma once

#include <vector>

#include "base/ip.h"
#include "compile/frr_lines.h"
#include "compile/node_config.h"

namespace radial {

// Of the wires, `elsewhere` and `tunnels` of `config`, for the protocols whose
// daemons have stanzas in `config.frr`. Empty where there is none. `only_here`:
// at a hub, what none but sites of its own wire alone are granted.
[[nodiscard]] std::vector<FrrStanza> fib_filter(const NodeConfig& config, const std::vector<Prefix>& only_here = {});

// What the node sees of the world outside its wires.
struct Underlay {
  std::vector<LocalAddress> addresses;  // of all interfaces; wires' are left out here
  std::vector<IpAddress> gateways;      // next hops of its default routes that are not over wires
  std::vector<IpAddress> endpoints;     // where its peers are dialled, resolved
};

// The prefix-lists radial-never and radial-never6: connected prefixes, and all
// within them; the gateways and endpoints as host routes. Of an interface that
// holds a declared LAN only what is within the LAN is refused: the LAN itself
// may come from another node when the interface is down, and zebra prefers a
// connected route while it is up. Empty where fib_filter is.
[[nodiscard]] std::vector<FrrStanza> bind_fib_filter(const NodeConfig& config, const Underlay& underlay);

}  // namespace radial
